"""Does training help, and which reading, checkpoint and verdict to believe? Without labels.

python benchmarks/quality/choices.py --data tiny-imagenet-200.zip --runs DIR

Trains every arm (arms.py) on every development set and evaluates its checkpoints on the test
images. The answers (questions.py) go to docs/results/choices.json. DIR keeps every training and
evaluation, none of which is done twice, so the script can be stopped at any time.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import render
import script
import torch
from arms import ARMS, SIZE
from evaluated_run import EvaluatedRun, image_ious
from questions import Ious, checkpoints, readings, training, trust
from rivals import constant, contrast
from rivals.setting import Setting
from sets import load_set, refuse_exam

from ganloc.images.image_set import ImageSet
from ganloc.images.tiny_imagenet import DEVELOPMENT_SETS
from ganloc.paper.results import ResultRow, Results

COMMAND = "python benchmarks/quality/choices.py --data tiny-imagenet-200.zip --runs DIR"


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit status."""
    options = _options(arguments)
    return script.exit_status(lambda: _tables(run(options)))


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = script.parser("Label-free choices on the development sets.", needs_data=True)
    parser.add_argument("--runs", type=Path, required=True, help="folder for the trainings")
    parser.add_argument("--arms", nargs="+", choices=ARMS, default=list(ARMS))
    return parser.parse_args(arguments)


def _tables(rows: Sequence[ResultRow]) -> str:
    tables = (render.training, render.readings, render.checkpoints, render.trust)
    return "\n\n".join(table(rows) for table in tables)


def run(options: argparse.Namespace) -> list[ResultRow]:
    """Train and evaluate what is missing; the answers. Readings are compared on the first arm."""
    set_names = options.sets or [*DEVELOPMENT_SETS]
    for set_name in set_names:
        refuse_exam(set_name)
    setting = Setting("", 0, torch.device("cpu"))
    runs: list[EvaluatedRun] = []
    rivals: dict[str, dict[str, Ious]] = {}
    for set_name in set_names:
        train, test = load_set(set_name, SIZE, options.data, {})
        assert train is not None
        train = train.unlabelled()
        for name, ious in without_training(test, setting).items():
            rivals.setdefault(name, {})[set_name] = ious
        for arm in options.arms:
            for seed in ARMS[arm].seeds:
                runs.append(EvaluatedRun.of_arm(options.runs, arm, set_name, seed, train, test))
    results = Results(options.results / "choices.json", ("question", "name"), COMMAND)
    rows = [
        *training(runs, rivals),
        *readings(runs, options.arms[0]),
        *checkpoints(runs),
        *trust(runs, rivals["centre"]),
    ]
    for row in rows:
        results.add(row)
    return rows


def without_training(test: ImageSet, setting: Setting) -> dict[str, Ious]:
    """IoUs of what needs neither labels nor training, by name."""
    shown = test.unlabelled()
    boxes = {
        "whole-image": constant.boxes(shown, shown, setting, fraction=1.0),
        "centre": constant.boxes(shown, shown, setting, fraction=0.8),
        "colour-contrast-centre": contrast.boxes(shown, shown, setting, centre_prior=True),
    }
    return {name: image_ious(each, test) for name, each in boxes.items()}


if __name__ == "__main__":
    sys.exit(main())
