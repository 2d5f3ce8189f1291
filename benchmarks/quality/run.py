"""What a method has to beat: rivals on the development sets, one row a set, rival and seed.

python benchmarks/quality/run.py --data tiny-imagenet-200.zip --butterflies DIR --cells DIR

Rows go to docs/results/quality.json as soon as they are worked out, and are not worked out again.
Rivals that need what is not there (OpenCV; SqueezeNet's weights, by --squeezenet) are skipped. The
paper's six sets are refused without --exam.
"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache, partial
from pathlib import Path

import render
from rivals.setting import Setting
from sets import load_set, refuse_exam
from stages import STAGES, run_stage, why_skipped

from ganloc.errors import UserError
from ganloc.images.tiny_imagenet import DEVELOPMENT_SETS
from ganloc.localizer import choose_device
from ganloc.paper.results import ResultRow, Results
from ganloc.training import Stopped

COMMAND = (
    "python benchmarks/quality/run.py --data tiny-imagenet-200.zip "
    "--butterflies DIR --cells DIR --squeezenet FILE --runs DIR"
)
FOLDERS = ("butterflies", "cells")


def main(arguments: Sequence[str] | None = None) -> int:
    """0; 2 where the user has something to put right; 130 where it was stopped."""
    options = _options(arguments)
    try:
        rows = run(options)
    except UserError as error:
        print(error)
        return 2
    except Stopped as stop:
        print(f"{stop}: the same command goes on, where --runs kept the training.")
        return 130
    print(render.quality(rows))
    return 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Rivals on the development sets.")
    parser.add_argument("--data", type=Path, help="tiny-imagenet-200.zip, or its folder")
    for name in FOLDERS:
        parser.add_argument(f"--{name}", type=Path, help="folder with truth.coco.json in it")
    parser.add_argument("--squeezenet", type=Path, help="ImageNet weights, as safetensors")
    parser.add_argument("--runs", type=Path, help="folder to keep trainings in, and find them")
    parser.add_argument("--sets", nargs="+", help="default: all that are given")
    parser.add_argument("--stages", nargs="+", choices=STAGES, default=list(STAGES))
    parser.add_argument("--results", type=Path, default=Path("docs/results"))
    parser.add_argument("--device", help="cpu, cuda, …")
    parser.add_argument("--exam", action="store_true", help="allow the paper's six sets")
    return parser.parse_args(arguments)


def run(options: argparse.Namespace) -> list[ResultRow]:
    """Work out what is missing; the rows that were asked for."""
    folders = {name: path for name in FOLDERS if (path := getattr(options, name))}
    set_names = chosen_sets(options, folders)
    device = choose_device(options.device)
    results = Results(options.results / "quality.json", ("set", "stage", "seed"), COMMAND)
    loaded = lru_cache(maxsize=2)(partial(load_set, archive=options.data, folders=folders))
    skipped = set()
    rows = []
    for set_name in set_names:
        originals = folders.get(set_name)
        general = Setting(set_name, 0, device, options.squeezenet, options.runs, originals)
        for name in options.stages:
            stage = STAGES[name]
            if reason := why_skipped(stage, general):
                if (name, reason) not in skipped:
                    print(f"{name} is skipped: {reason}.")
                    skipped.add((name, reason))
                continue
            for seed in stage.seeds:
                identity = {"set": set_name, "stage": name, "seed": seed}
                if results.find(**identity) is None:
                    setting = replace(general, seed=seed)
                    train, test = loaded(set_name, stage.size)
                    results.add({**identity, **run_stage(stage, train, test, setting)})
                row = results.find(**identity)
                assert row is not None
                rows.append(row)
                print(one_line(row), flush=True)
    return rows


def chosen_sets(options: argparse.Namespace, folders: dict[str, Path]) -> list[str]:
    """What is asked for, or the development sets and folders that are given.

    Raises:
        UserError: nothing is given, or one of the paper's sets without --exam.
    """
    chosen = options.sets or [*(DEVELOPMENT_SETS if options.data else ()), *folders]
    if not chosen:
        raise UserError("There is nothing to score on: give --data, --butterflies or --cells.")
    for set_name in chosen:
        if set_name not in folders and not options.exam:
            refuse_exam(set_name, ", or give --exam")
    return chosen


def one_line(row: ResultRow) -> str:
    """A row as it is printed when it is ready."""
    low, high = row["interval"]
    scores = f"{row['gt_known_loc']:.1f} [{low:.1f}, {high:.1f}]"
    return f"{row['set']} {row['stage']} {row['seed']}: {scores}, {row['minutes']} minutes"


if __name__ == "__main__":
    sys.exit(main())
