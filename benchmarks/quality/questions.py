"""What all runs answer: does training help, and which reading, checkpoint and verdict to believe?

Every answer is a list of rows for docs/results/choices.json. A value is GT-known Loc in percent:
the mean over seeds image by image, then over a set's images, then over sets. Intervals are
bootstraps over the images of each set, and differences are paired.
"""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from evaluated_run import EvaluatedRun

from ganloc.checkpoints.verdict import verdict
from ganloc.heatmap.readings import DISCRIMINATOR_READING
from ganloc.metrics.bootstrap import mean_over_sets
from ganloc.paper.results import ResultRow
from ganloc.shapes import Float

Ious = Float[np.ndarray, " n"]  # of one box in each of a set's test images
Hits = Mapping[str, Float[np.ndarray, " n"]]  # by set: 0–100, the mean over seeds, an image each

# Each reading beside the one that it adds one thing to.
LADDER = {
    "plain-cam": "",
    "signed-cam": "plain-cam",
    "averaged-cam": "signed-cam",
    "cam": "averaged-cam",
    "otsu-cam": "cam",
    "ddt": "otsu-cam",
    "border-distance-last": "otsu-cam",
    "border-distance": "border-distance-last",
    "lda-last": "otsu-cam",
    "lda-multilayer": "lda-last",
    "lda-no-prior": "lda-multilayer",
    "lda": "lda-multilayer",
}


# The outcome for a checkpoint, by whether it is trusted and whether it is good.
VERDICTS = {
    (True, True): "hit",
    (True, False): "false-alarm",
    (False, True): "miss",
    (False, False): "correct-rejection",
}


def hits(runs: Sequence[EvaluatedRun], ious: Callable[[EvaluatedRun], Ious]) -> Hits:
    """100 where a box has an IoU above 0.5, else 0: the mean over the runs of each set."""
    found: dict[str, list[np.ndarray]] = {}
    for run in runs:
        found.setdefault(run.set_name, []).append(100.0 * (ious(run) > 0.5))
    return {name: np.mean(each, axis=0) for name, each in found.items()}


def row(question: str, name: str, own: Hits, others: Mapping[str, Hits]) -> ResultRow:
    """A method's GT-known Loc, and its gain over each of the others."""
    value, interval = _mean(list(own.values()))
    gains = {}
    for other, theirs in others.items():
        gain, ends = _mean([own[set_name] - theirs[set_name] for set_name in own])
        gains[other] = {"gain": gain, "interval": ends}
    return {
        "question": question,
        "name": name,
        "gt_known_loc": value,
        "interval": interval,
        "gains": gains,
        "sets": {set_name: round(float(each.mean()), 2) for set_name, each in own.items()},
    }


def _mean(values: Sequence[Float[np.ndarray, " _"]]) -> tuple[float, list[float]]:
    mean, *interval = (round(number, 2) for number in mean_over_sets(values))
    return mean, interval


def kept(run: EvaluatedRun, reading: str = DISCRIMINATOR_READING) -> Ious:
    """By the checkpoint that the label-free rule keeps."""
    return run.ious(run.chosen, reading)


def untrained(run: EvaluatedRun) -> Ious:
    """By the network before its first iteration."""
    return run.ious(0, DISCRIMINATOR_READING)


def last(run: EvaluatedRun) -> Ious:
    """By the last checkpoint."""
    return run.ious(len(run.iterations) - 1, DISCRIMINATOR_READING)


def peak(run: EvaluatedRun) -> Ious:
    """*Oracle*: by the trained checkpoint with most hits on the very images that are evaluated."""
    trained = [run.ious(index, DISCRIMINATOR_READING) for index in range(1, len(run.iterations))]
    return max(trained, key=lambda ious: (ious > 0.5).mean())


def readings(runs: Sequence[EvaluatedRun], arm: str) -> list[ResultRow]:
    """Every reading of an arm's kept checkpoints beside the reading that it builds on."""
    own = [run for run in runs if run.arm == arm]
    found = {name: hits(own, lambda run, name=name: kept(run, name)) for name in LADDER}
    return [
        row("reading", name, found[name], {below: found[below]} if below else {})
        for name, below in LADDER.items()
    ]


def training(
    runs: Sequence[EvaluatedRun], rivals: Mapping[str, Mapping[str, Ious]]
) -> list[ResultRow]:
    """Every arm by the default reading, beside its rivals, which follow as rows.

    Args:
        runs: of all arms.
        rivals: by name and set, the IoUs of what needs no training.
    """
    without: dict[str, Callable[[EvaluatedRun], Ious]] = {"untrained": untrained}
    for name, sets in rivals.items():
        without[name] = lambda run, sets=sets: sets[run.set_name]
    rows = []
    for arm, own in by_arm(runs).items():
        others = {"plain-cam": hits(own, lambda run: kept(run, "plain-cam"))}
        others |= {name: hits(own, ious) for name, ious in without.items()}
        seeds = len({run.seed for run in own})
        rows.append({**row("training", arm, hits(own, kept), others), "seeds": seeds})
    return rows + [row("rival", name, hits(runs, ious), {}) for name, ious in without.items()]


def checkpoints(runs: Sequence[EvaluatedRun]) -> list[ResultRow]:
    """For every arm: the rule's checkpoint beside the last and the oracle's best of each run."""
    rows = []
    for arm, own in by_arm(runs).items():
        others = {"last": hits(own, last), "oracle-peak": hits(own, peak)}
        rows.append({**row("checkpoint", arm, hits(own, kept), others), "runs": len(own)})
    return rows


def by_arm(runs: Sequence[EvaluatedRun]) -> dict[str, list[EvaluatedRun]]:
    """The runs of each arm."""
    arms = dict.fromkeys(run.arm for run in runs)
    return {arm: [run for run in runs if run.arm == arm] for arm in arms}


def trust(runs: Sequence[EvaluatedRun], centre: Mapping[str, Ious]) -> list[ResultRow]:
    """How often the verdict is right, over all checkpoints of all runs, the untrained ones too.

    A checkpoint is good where it hits at least as many images as the centred box does.
    """
    counts = dict.fromkeys(VERDICTS.values(), 0)
    for run in runs:
        bar = (centre[run.set_name] > 0.5).mean()
        for index, signals in enumerate(run.signals()):
            good = (run.ious(index, DISCRIMINATOR_READING) > 0.5).mean() >= bar
            counts[VERDICTS[verdict(signals).trusted, bool(good)]] += 1
    return [{"question": "trust", "name": "verdict", **counts}]
