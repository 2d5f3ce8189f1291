"""What a few boxes that a user draws are worth: hints, beside what their boxes alone give.

    python benchmarks/quality/hints.py --data tiny-imagenet-200.zip --butterflies DIR --cells DIR
        --heads DIR --pliers DIR --runs DIR

The hints are true boxes of a few images, drawn at random or chosen by `ganloc suggest`, which has
one draw: it names the same images each time. Every row is evaluated on images without hints: the
test images of a set, or the rest of a folder. `hinted` is what `ganloc finetune` gives, `hints
alone` the same network trained on the hints and nothing else, `fitted box` the constant box that is
best on them, `label-free` the run without hints. The runs of the default preset are kept in --runs
and made where they are missing. Rows go to docs/results/hints.json. The paper's six sets are
refused.
"""

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import cache, partial
from itertools import product
from pathlib import Path

import numpy as np
import render
import script
from rivals.supervised import labelled
from sets import refuse_exam
from trainings import Training, trained

from ganloc.images.gather import crop_reader
from ganloc.images.image_set import ImageSet
from ganloc.method import finetune, localize
from ganloc.metrics.baselines import fitted_box
from ganloc.metrics.rows import evaluate_boxes
from ganloc.model import Model
from ganloc.paper.results import ResultRow, Results
from ganloc.student.refine import refine_boxes
from ganloc.student.suggest import suggest
from ganloc.student.train_student import new_student, student_boxes, train_student

COMMAND = (
    "python benchmarks/quality/hints.py --data tiny-imagenet-200.zip --butterflies DIR --cells DIR "
    "--heads DIR --pliers DIR --runs DIR"
)
SETS = ("heads", "pliers", "cells", "butterflies", "boat", "insect")
COUNTS = (5, 10, 20, 50)
CHOICES = ("random", "suggested")
DRAWS = (0, 1, 2)
# Of the student that sees nothing but hints: the best of five trainings on pliers (docs/log.md).
ALONE_STEPS, ALONE_BATCH, ALONE_RATE = 600, 16, 2e-3


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit status."""
    options = _options(arguments)
    return script.exit_status(lambda: render.hints(run(options)))


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = script.parser("What hints are worth.", needs_data=False)
    script.add_folders(parser)
    parser.add_argument("--runs", type=Path, required=True, help="folder in which runs are kept")
    parser.add_argument("--counts", nargs="+", type=int, default=COUNTS, help="numbers of hints")
    parser.add_argument("--choices", nargs="+", choices=CHOICES, default=CHOICES)
    parser.add_argument("--draws", nargs="+", type=int, default=DRAWS, help="random seeds")
    parser.add_argument("--device", help="cpu, cuda, …")
    return parser.parse_args(arguments)


def run(options: argparse.Namespace) -> list[ResultRow]:
    """Work out what is missing; the rows that were asked for."""
    folders = script.folders_of(options)
    keys = ("set", "hints", "choice", "draw", "boxes")
    results = Results(options.results / "hints.json", keys, COMMAND)
    draws = {"random": options.draws, "suggested": (0,)}  # which are the same images each time
    drawn = [(choice, draw) for choice in options.choices for draw in draws[choice]]
    rows = []
    for name in options.sets or [one for one in SETS if one in folders or options.data]:
        if name not in folders:
            refuse_exam(name)
        made = partial(trained, Training(name, "default"), options.runs, options.data, folders)
        of_set = cache(partial(made, options.device))
        for count, (choice, draw) in product(options.counts, drawn):
            identity = {"set": name, "hints": count, "choice": choice, "draw": draw}
            wanted = [{**identity, "boxes": boxes} for boxes in BOXES]
            missing = [one["boxes"] for one in wanted if results.find(**one) is None]
            for row in _measured(*of_set(), identity, missing) if missing else ():
                results.add(row)
                print(row, flush=True)
            rows += [results.find(**one) for one in wanted]
    return rows


def _measured(
    model: Model, images: ImageSet, test: ImageSet, identity: ResultRow, missing: Sequence[str]
) -> Iterator[ResultRow]:
    """The missing rows of one choice of hints."""
    chosen = chosen_hints(model, images, identity)
    drawn = images.subset(chosen)
    others = np.setdiff1d(np.arange(len(images)), chosen)
    rest = images.subset(others) if test is images else test
    if "hinted" in missing:
        model = finetune(model, images, drawn)
    assert rest.truth is not None
    for boxes in missing:
        row = evaluate_boxes(boxes, BOXES[boxes](model, drawn, rest, identity["draw"]), rest.truth)
        yield {
            **identity,
            "boxes": boxes,
            "images": len(rest),
            "gt_known_loc": round(row.gt_known_loc, 2),
            "interval": [round(end, 2) for end in row.interval],
            "gt_known_loc_70": round(row.gt_known_loc_70, 2),
            "mean_iou": round(row.mean_iou, 2),
            **(_told(model) if boxes == "hinted" else {}),
        }


def _told(model: Model) -> ResultRow:
    """What the hints said themselves."""
    assert model.hinted is not None
    return {"expected": list(model.hinted.ious), "teacher": list(model.hinted.teacher)}


def chosen_hints(model: Model, images: ImageSet, identity: ResultRow) -> list[int]:
    """The images that get a hint."""
    count, draw = identity["hints"], identity["draw"]
    if identity["choice"] == "suggested":
        assert model.student is not None
        return suggest(model.student, images, count)
    return sorted(np.random.default_rng((draw, count)).permutation(len(images))[:count].tolist())


def _hinted(model: Model, drawn: ImageSet, rest: ImageSet, seed: int) -> np.ndarray:
    return rest.in_pixels(localize(model, rest).boxes)


def _label_free(model: Model, drawn: ImageSet, rest: ImageSet, seed: int) -> np.ndarray:
    return rest.in_pixels(localize(replace(model, hinted=None), rest).boxes)


def _alone(model: Model, drawn: ImageSet, rest: ImageSet, seed: int) -> np.ndarray:
    """The boxes of a student that learned from hints alone."""
    student = new_student(model.recipe.size, model.recipe.student_width, seed, model.device)
    taught = *labelled(drawn), ALONE_STEPS, seed
    for _ in train_student(student, *taught, ALONE_BATCH, ALONE_RATE):
        pass
    student.requires_grad_(False)
    found = student_boxes(student, rest.pixels)
    if read_crops := crop_reader(rest):
        found = refine_boxes(student, found, rest.sizes, read_crops)
    return rest.in_pixels(found)


def _fitted(model: Model, drawn: ImageSet, rest: ImageSet, seed: int) -> np.ndarray:
    assert drawn.truth is not None
    return fitted_box(rest.sizes, drawn.truth, drawn.sizes)


BOXES: dict[str, Callable[[Model, ImageSet, ImageSet, int], np.ndarray]] = {
    "hinted": _hinted,
    "hints alone": _alone,
    "fitted box": _fitted,
    "label-free": _label_free,
}

if __name__ == "__main__":
    sys.exit(main())
