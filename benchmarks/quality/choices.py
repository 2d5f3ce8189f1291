"""Does training help, and which reading, checkpoint and verdict to believe? Without labels.

python benchmarks/quality/choices.py --data tiny-imagenet-200.zip --runs DIR

Trains every arm (arms.py) on every development set and scores its checkpoints on the test images;
the answers (questions.py) go to docs/results/choices.json. What is trained or scored already is
found in DIR and not done again, so that it can be stopped at any time.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import render
import torch
from arms import ARMS, trained_run
from checkpoint_ious import Scored, image_ious
from questions import Ious, checkpoints, readings, training, trust
from rivals import constant, contrast
from rivals.setting import Setting
from sets import load_set, refuse_exam

from ganloc.errors import UserError
from ganloc.images.image_set import ImageSet
from ganloc.images.tiny_imagenet import DEVELOPMENT_SETS
from ganloc.paper.results import ResultRow, Results
from ganloc.training import Stopped

COMMAND = "python benchmarks/quality/choices.py --data tiny-imagenet-200.zip --runs DIR"
SIZE = 64


def main(arguments: Sequence[str] | None = None) -> int:
    """0; 2 where the user has something to put right; 130 where it was stopped."""
    options = _options(arguments)
    try:
        rows = run(options)
    except UserError as error:
        print(error)
        return 2
    except Stopped as stop:
        print(f"{stop}: the same command goes on from there.")
        return 130
    for answers in (render.training, render.readings, render.checkpoints, render.trust):
        print(answers(rows), end="\n\n")
    return 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Label-free choices on the development sets.")
    parser.add_argument("--data", type=Path, required=True, help="tiny-imagenet-200.zip")
    parser.add_argument("--runs", type=Path, required=True, help="folder for the trainings")
    parser.add_argument("--arms", nargs="+", choices=ARMS, default=list(ARMS))
    parser.add_argument("--sets", nargs="+", default=list(DEVELOPMENT_SETS))
    parser.add_argument("--results", type=Path, default=Path("docs/results"))
    return parser.parse_args(arguments)


def run(options: argparse.Namespace) -> list[ResultRow]:
    """Train and score what is missing; the answers. The first arm is the one that is read."""
    for set_name in options.sets:
        refuse_exam(set_name)
    setting = Setting("", 0, torch.device("cpu"))
    runs: list[Scored] = []
    rivals: dict[str, dict[str, Ious]] = {}
    for set_name in options.sets:
        train, test = load_set(set_name, SIZE, options.data, {})
        assert train is not None
        train = train.unlabelled()
        for name, ious in without_training(test, setting).items():
            rivals.setdefault(name, {})[set_name] = ious
        for arm in options.arms:
            for seed in ARMS[arm].seeds:
                trained = trained_run(options.runs, arm, set_name, seed, train)
                runs.append(
                    Scored(trained, arm, set_name, seed, ARMS[arm].checkpoints, train, test)
                )
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
    """What has to be beaten without any label or training, by name of its rival."""
    shown = test.unlabelled()
    boxes = {
        "whole-image": constant.boxes(shown, shown, setting, fraction=1.0),
        "centre": constant.boxes(shown, shown, setting, fraction=0.8),
        "colour-contrast-centre": contrast.boxes(shown, shown, setting, centre_prior=True),
    }
    return {name: image_ious(each, test) for name, each in boxes.items()}


if __name__ == "__main__":
    sys.exit(main())
