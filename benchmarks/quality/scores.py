"""What scores and verdicts are worth, on good and bad trainings.

    python benchmarks/quality/scores.py --data tiny-imagenet-200.zip --butterflies DIR --cells DIR
        --heads DIR --pliers DIR --blood DIR --runs DIR

The weights of scores (student/score.py) are fitted to the true boxes of the development sets'
trainings of trainings.py, and printed. Kinds that are kept for the trial of verdicts take no part.
For its row each training is scored by weights that were fitted without its set, so no set took part
in its own score and verdict. Rows go to docs/results/scores.json. Trainings are kept in --runs and
made where they are missing, in about a minute to a quarter of an hour each; evidence is kept beside
them.
"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
import render_scores
import script
from scipy.optimize import minimize
from scipy.special import expit
from trainings import KINDS, TRAININGS, Training, trained

from ganloc.box.detections import box_scores
from ganloc.box.iou import best_iou
from ganloc.checkpoints.delivered import JUDGED, Delivered, measure_delivered, painted_over
from ganloc.checkpoints.signals import auc
from ganloc.checkpoints.verdict import verdict_on_boxes
from ganloc.errors import UserError
from ganloc.images.image_set import ImageSet
from ganloc.images.tiny_imagenet import DEVELOPMENT_SETS
from ganloc.method import localize
from ganloc.metrics.baselines import centre
from ganloc.model import LEARNED, STUDENT, Model
from ganloc.paper.results import ResultRow, Results
from ganloc.shapes import Float
from ganloc.student.evidence import EVIDENCE, evidence
from ganloc.student.score import PlattScaling

COMMAND = (
    "python benchmarks/quality/scores.py --data tiny-imagenet-200.zip --butterflies DIR "
    "--cells DIR --heads DIR --pliers DIR --blood DIR --runs DIR"
)
EVALUATED = 200  # images of a set, at most
HINTS, DRAWS = 20, 10  # images that scale the scores, drawn so often
FEWEST = 30  # images, beside those, to measure calibration on
BINS = 10
PENALTY = 0.01  # of squared weights of standardised evidence


@dataclass(frozen=True)
class Seen:
    """What is known of a training, all that its row is made of.

    Attributes:
        evidence, ious: of the delivered boxes of the images to evaluate. Boxes of a student alone.
        contrast: their heatmaps' contrast, what scores were before.
        judged, centred, painted: evidence on training images, of delivered boxes, of a centred box,
            and of the student's boxes once the delivered ones are painted over (NaN where nothing
            is around a box).
        hits, centred_hits: share of images to evaluate with an IoU above 0.5.
        delivered: the signals of the delivered boxes, by the program's own weights; NaN for None.
        learned: that signal.
    """

    evidence: Float[np.ndarray, "n 4"]
    ious: Float[np.ndarray, " n"]
    contrast: Float[np.ndarray, " n"]
    judged: Float[np.ndarray, "m 4"]
    centred: Float[np.ndarray, "m 4"]
    painted: Float[np.ndarray, "m 4"]
    hits: float
    centred_hits: float
    delivered: Float[np.ndarray, " 4"]
    learned: float


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit status."""
    parser = script.parser("What scores and verdicts are worth.", needs_data=True)
    script.add_folders(parser)
    parser.add_argument("--blood", type=Path, help="folder of images, with its truth.coco.json")
    parser.add_argument("--runs", type=Path, required=True, help="folder in which runs are kept")
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=list(KINDS))
    options = parser.parse_args(arguments)
    return script.exit_status(lambda: render_scores.scores(run(options)))


def run(options: argparse.Namespace) -> list[ResultRow]:
    """Train what is missing, fit and print the weights, and write all rows anew."""
    folders = script.folders_of(options)
    if options.blood:
        folders["blood"] = options.blood
    sets = options.sets or [*DEVELOPMENT_SETS, *folders]
    seen = {
        training: kept(training, options, folders)
        for training in TRAININGS
        if training.set_name in sets and training.kind in options.kinds
    }
    weights, bias = fitted(seen, without="")
    print(f"WEIGHTS = {tuple(weights.round(2).tolist())}, BIAS = {bias:.2f}")
    results = Results(options.results / "scores.json", ("set", "kind"), COMMAND)
    others = {name: fitted(seen, without=name) for name in {one.set_name for one in seen}}
    rows = [row(one, own, *others[one.set_name]) for one, own in seen.items()]
    for each in rows:
        results.add(each)
    return rows


def kept(training: Training, options: argparse.Namespace, folders: dict[str, Path]) -> Seen:
    """What is known of a training, from its file or measured."""
    file, names = options.runs / training.name / "seen.npz", {one.name for one in fields(Seen)}
    if file.exists():
        with np.load(file) as arrays:
            if set(arrays.files) == names:  # else of an earlier version
                return Seen(**{name: arrays[name] for name in names})
    model, images, test = trained(training, options.runs, options.data, folders)
    seen = measured(model, images, test)
    np.savez(file, **vars(seen))
    return seen


def measured(model: Model, images: ImageSet, test: ImageSet) -> Seen:
    """Localize and collect evidence; images without truth show no object."""
    some, judged = test.evenly(EVALUATED), images.evenly(JUDGED)
    found, of_judged = localize(model, some), localize(model, judged)
    truth = some.truth or (np.empty((0, 4)),) * len(some)
    ious = best_iou(some.in_pixels(found.boxes), truth)
    centred = best_iou(centre(some.sizes), truth)
    (of_found,) = evidence_of(model, some, found.boxes)
    in_fractions = centre(np.ones_like(judged.sizes))
    of_delivered, of_centred = evidence_of(model, judged, of_judged.boxes, in_fractions)
    over, changed = painted_over(judged, of_judged.boxes)
    (of_painted,) = evidence_of(model, over, model.detect(over, STUDENT).boxes)
    signals = measure_delivered(model, judged, of_judged).to_dict().values()
    return Seen(
        evidence=of_found,
        ious=ious,
        contrast=box_scores(found.heatmaps, found.boxes),
        judged=of_delivered,
        centred=of_centred,
        painted=np.where(changed[:, None], of_painted, np.nan),
        hits=float((ious > 0.5).mean()),
        centred_hits=float((centred > 0.5).mean()),
        delivered=np.array([np.nan if one is None else one for one in signals]),
        learned=float(model.signals[LEARNED] or 0.0),
    )


def evidence_of(
    model: Model, images: ImageSet, *each: Float[np.ndarray, "n 4"]
) -> list[Float[np.ndarray, "n 4"]]:
    """The student's evidence for several boxes of each image."""
    student, masks = model.student_of(STUDENT), model.heatmaps(images, STUDENT)
    assert student is not None
    return [evidence(student, images.pixels, masks, boxes) for boxes in each]


def fitted(seen: dict[Training, Seen], without: str) -> tuple[Float[np.ndarray, " 4"], float]:
    """Weights and bias of logistic regression on the development sets, but for one.

    Every training counts as much, however many images it has. Students that are not delivered,
    images without an object and kinds that are kept for the trial of verdicts do not count.
    """
    own = [
        one
        for training, one in seen.items()
        if training.set_name in DEVELOPMENT_SETS
        and training.set_name != without
        and training.kind not in ("no-object", *render_scores.UNSEEN)
        and one.learned > 0.0
    ]
    if not own:
        raise UserError("--kinds or --sets leave no training to fit weights to: add default ones.")
    values = np.concatenate([one.evidence for one in own])
    right = np.concatenate([one.ious > 0.5 for one in own])
    share = np.concatenate([np.full(len(one.ious), 1.0 / len(one.ious)) for one in own]) / len(own)
    middle, spread = values.mean(axis=0), values.std(axis=0)
    standardised = (values - middle) / spread

    def loss(given: Float[np.ndarray, " 5"]) -> float:
        odds = standardised @ given[:-1] + given[-1]
        unlikely = np.logaddexp(0.0, -np.where(right, odds, -odds))
        return float(share @ unlikely + PENALTY * (given[:-1] ** 2).sum() / 2.0)

    best = minimize(loss, np.zeros(len(EVIDENCE) + 1), method="BFGS").x
    weights = best[:-1] / spread
    return weights, float(best[-1] - weights @ middle)


def row(training: Training, seen: Seen, weights: Float[np.ndarray, " 4"], bias: float) -> ResultRow:
    """The row of a training, scored by weights that were fitted without its set."""
    odds, right, learned = seen.evidence @ weights + bias, seen.ious > 0.5, bool(seen.learned > 0.0)
    score, centred, coverage, fall = seen.delivered.tolist()
    if learned:
        of_judged, of_centred, of_painted = (
            expit(one @ weights + bias) for one in (seen.judged, seen.centred, seen.painted)
        )
        score, centred = float(of_judged.mean()), float(of_centred.mean())
        falls = (of_judged - of_painted)[np.isfinite(of_painted)]
        fall = float(falls.mean()) if len(falls) else np.nan
    delivered = Delivered(score, centred, coverage, None if np.isnan(fall) else fall)
    verdict = verdict_on_boxes(delivered, learned)
    found = {
        "score": 100.0 * float(expit(odds).mean()),
        "auroc": _auroc(odds, right),
        "auroc_before": _auroc(seen.contrast, right),
        "ece": calibration_error(expit(odds), right),
        "ece_of_hints": _with_hints(odds, right),
    }
    return {
        "set": training.set_name,
        "kind": training.kind,
        "images": len(right),
        "gt_known_loc": round(100.0 * float(seen.hits), 2),
        "centred_box": round(100.0 * float(seen.centred_hits), 2),
        **{
            name: round(value, 2) if learned and np.isfinite(value) else None
            for name, value in found.items()
        },
        "advantage": round(delivered.score - delivered.centred, 4),
        "fall": None if delivered.fall is None else round(delivered.fall, 4),
        "coverage": round(delivered.coverage, 4),
        "learned": round(float(seen.learned), 4),
        "trusted": verdict.trusted,
    }


def _auroc(scores: Float[np.ndarray, " n"], right: np.ndarray) -> float:
    if right.all() or not right.any():
        return np.nan
    return 100.0 * auc(scores[right], scores[~right])


def _with_hints(odds: Float[np.ndarray, " n"], right: np.ndarray) -> float:
    """The calibration error once the boxes of a few images are known, on the others."""
    if len(right) < HINTS + FEWEST:
        return np.nan
    errors = []
    for draw in range(DRAWS):
        order = np.random.default_rng(draw).permutation(len(right))
        known, rest = order[:HINTS], order[HINTS:]
        scaling = PlattScaling.fit(odds[known], right[known])
        errors.append(calibration_error(scaling.chances(odds[rest]), right[rest]))
    return float(np.mean(errors))


def calibration_error(chances: Float[np.ndarray, " n"], right: np.ndarray) -> float:
    """Expected calibration error in percent, in `BINS` bins of equal width.

    Guo, Pleiss, Sun and Weinberger, On Calibration of Modern Neural Networks (ICML 2017).

    >>> calibration_error(np.array([0.9, 0.9, 0.2, 0.2]), np.array([True, True, True, False]))
    20.0
    """
    bins = np.minimum((chances * BINS).astype(int), BINS - 1)
    gaps = [abs((chances - right)[bins == one].sum()) for one in range(BINS)]
    return round(100.0 * float(np.sum(gaps)) / len(chances), 6)


if __name__ == "__main__":
    sys.exit(main())
