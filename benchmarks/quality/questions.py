"""What the scores of all runs answer: does training help, which reading, checkpoint and verdict?

Every answer is a list of rows for docs/results/choices.json. A score is GT-known Loc in percent,
first the mean over seeds picture by picture, then over a set's pictures, then over sets; intervals
are bootstraps over the pictures of each set, and differences are paired.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from scores import Scored, chosen

from ganloc.heatmap.read import DEFAULT
from ganloc.score.bootstrap import mean_over_sets
from ganloc.selection.verdict import verdict
from ganloc.shapes import Float

ResultRow = dict[str, Any]
Hits = Mapping[str, Float[np.ndarray, " n"]]  # by set: 0–100, the mean over seeds, a picture each

# Each reading beside the one that it adds one thing to.
LADDER = {
    "plain-cam": "",
    "signed-cam": "plain-cam",
    "averaged-cam": "signed-cam",
    "cam": "averaged-cam",
    "otsu-cam": "cam",
    "principal": "otsu-cam",
    "border-last": "otsu-cam",
    "border": "border-last",
    "fisher-last": "otsu-cam",
    "fisher-deep": "fisher-last",
    "fisher-flat": "fisher-deep",
    "fisher": "fisher-deep",
}


def hits(runs: Sequence[Scored], of: Callable[[Scored], Float[np.ndarray, " n"]]) -> Hits:
    """100 where a box has an IoU above 0.5, else 0: the mean over the seeds of each set."""
    found: dict[str, list[np.ndarray]] = {}
    for run in runs:
        found.setdefault(run.set_name, []).append(100.0 * (of(run) > 0.5))
    return {name: np.mean(seeds, axis=0) for name, seeds in found.items()}


def row(question: str, name: str, own: Hits, others: Mapping[str, Hits]) -> ResultRow:
    """A method's score, and its gain over each of the others."""
    gains = {other: _triple([own[s] - theirs[s] for s in own]) for other, theirs in others.items()}
    sets = {name: round(float(values.mean()), 2) for name, values in own.items()}
    mean, *interval = _triple(list(own.values()))
    return {
        "question": question,
        "name": name,
        "gt_known_loc": mean,
        "interval": interval,
        "gains": {
            other: {"gain": g, "interval": [low, high]} for other, (g, low, high) in gains.items()
        },
        "sets": sets,
    }


def _triple(values: Sequence[Float[np.ndarray, " _"]]) -> list[float]:
    return [round(number, 2) for number in mean_over_sets(values)]


def readings(runs: Sequence[Scored], arm: str) -> list[ResultRow]:
    """Every reading of an arm's chosen checkpoints beside the reading that it builds on."""
    runs = [run for run in runs if run.arm == arm]
    found = {name: hits(runs, lambda run, n=name: run.ious(chosen(run), n)) for name in LADDER}
    return [
        row("reading", name, found[name], {below: found[below]} if below else {})
        for name, below in LADDER.items()
    ]


def training(
    runs: Sequence[Scored], rivals: Mapping[str, Mapping[str, Float[np.ndarray, " n"]]]
) -> list[ResultRow]:
    """Every arm by the default reading beside what it has to beat.

    Args:
        runs: of all arms.
        rivals: by name and set, the IoUs of what needs no training.
    """
    rows = []
    for arm in dict.fromkeys(run.arm for run in runs):
        own = [run for run in runs if run.arm == arm]
        others = {
            "plain-cam": hits(own, lambda run: run.ious(chosen(run), "plain-cam")),
            "untrained": hits(own, lambda run: run.ious(0, DEFAULT)),
            **{
                name: hits(own, lambda run, sets=sets: sets[run.set_name])
                for name, sets in rivals.items()
            },
        }
        trained = hits(own, lambda run: run.ious(chosen(run), DEFAULT))
        seeds = len({run.seed for run in own})
        rows.append({**row("training", arm, trained, others), "seeds": seeds})
    for name, sets in {"untrained": None, **rivals}.items():
        own = hits(runs, lambda r, s=sets: r.ious(0, DEFAULT) if s is None else s[r.set_name])
        rows.append(row("rival", name, own, {}))
    return rows


def checkpoints(runs: Sequence[Scored]) -> list[ResultRow]:
    """For every arm: the rule's checkpoint, the last and the oracle's best one of each run."""
    rows = []
    for arm in dict.fromkeys(run.arm for run in runs):
        own = [run for run in runs if run.arm == arm]
        rule = hits(own, lambda run: run.ious(chosen(run), DEFAULT))
        last = hits(own, lambda run: run.ious(len(run.iterations) - 1, DEFAULT))
        peak = hits(own, lambda run: run.ious(peak_of(run), DEFAULT))
        found = row("checkpoint", arm, rule, {"last": last, "oracle-peak": peak})
        rows.append({**found, "runs": len(own)})
    return rows


def peak_of(run: Scored) -> int:
    """*Oracle*: the trained checkpoint that scores best on the very pictures that are scored."""
    scores = [(run.ious(i, DEFAULT) > 0.5).mean() for i in range(1, len(run.iterations))]
    return 1 + int(np.argmax(scores))


def trust(runs: Sequence[Scored], centre: Mapping[str, Float[np.ndarray, " n"]]) -> list[ResultRow]:
    """How often the verdict is right, over all checkpoints of all runs, the untrained ones too.

    A checkpoint is good where it scores at least as well as the centred box on the same pictures.
    """
    counts = {"hit": 0, "false-alarm": 0, "miss": 0, "correct-rejection": 0}
    for run in runs:
        bar = (centre[run.set_name] > 0.5).mean()
        for index, signals in enumerate(run.signals()):
            good = (run.ious(index, DEFAULT) > 0.5).mean() >= bar
            trusted = verdict(signals).trusted
            kinds = {(1, 1): "hit", (1, 0): "false-alarm", (0, 1): "miss"}
            counts[kinds.get((int(trusted), int(good)), "correct-rejection")] += 1
    return [{"question": "trust", "name": "verdict", **counts}]
