"""Rivals and ganloc on the development sets: one row a set, rival and seed.

python benchmarks/quality/run.py --data tiny-imagenet-200.zip --butterflies DIR --cells DIR

Each row goes to docs/results/quality.json as soon as it is worked out, and is not worked out again.
Rivals whose requirements are missing (OpenCV; SqueezeNet's weights, by --squeezenet) are skipped.
The paper's six sets are refused without --exam.
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import lru_cache, partial
from pathlib import Path

import render
import script
from rivals.setting import Setting
from sets import load_set, refuse_exam
from stages import STAGES, Stage, run_stage, why_skipped

from ganloc.errors import UserError
from ganloc.images.image_set import ImageSet
from ganloc.images.tiny_imagenet import DEVELOPMENT_SETS
from ganloc.paper.results import ResultRow, Results
from ganloc.tensors import choose_device

COMMAND = (
    "python benchmarks/quality/run.py --data tiny-imagenet-200.zip "
    "--butterflies DIR --cells DIR --squeezenet FILE --runs DIR"
)


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit status."""
    options = _options(arguments)
    return script.exit_status(lambda: render.quality(run(options)))


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = script.parser("Rivals and ganloc on the development sets.", needs_data=False)
    script.add_folders(parser)
    parser.add_argument("--squeezenet", type=Path, help="ImageNet weights, as safetensors")
    parser.add_argument("--runs", type=Path, help="folder in which trainings are kept")
    parser.add_argument("--stages", nargs="+", choices=STAGES, default=list(STAGES))
    seeds = "only these; default: all of a stage"
    parser.add_argument("--seeds", nargs="+", type=int, help=seeds)
    parser.add_argument("--device", help="cpu, cuda, …")
    return parser.parse_args(arguments)


def run(options: argparse.Namespace) -> list[ResultRow]:
    """Work out what is missing; the rows that were asked for."""
    folders = script.folders_of(options)
    set_names = chosen_sets(options, folders)
    device = choose_device(options.device)
    results = Results(options.results / "quality.json", ("set", "stage", "seed"), COMMAND)
    loaded = lru_cache(maxsize=2)(partial(load_set, archive=options.data, folders=folders))
    skipped = set()
    rows = []
    for set_name in set_names:
        general = Setting(set_name, 0, device, options.squeezenet, options.runs)
        for name in options.stages:
            stage = STAGES[name]
            if reason := why_skipped(stage, general, is_folder=set_name in folders):
                if (name, reason) not in skipped:
                    print(f"{name} is skipped: {reason}.")
                    skipped.add((name, reason))
                continue
            load = partial(loaded, set_name, stage.size)
            for seed in stage.seeds:
                if options.seeds and seed not in options.seeds:
                    continue
                identity = {"set": set_name, "stage": name, "seed": seed}
                work = partial(_evaluated, stage, load, replace(general, seed=seed))
                row = script.kept_row(results, identity, work)
                rows.append(row)
                print(one_line(row), flush=True)
    return rows


def _evaluated(
    stage: Stage, load: Callable[[], tuple[ImageSet | None, ImageSet]], setting: Setting
) -> ResultRow:
    train, test = load()
    return run_stage(stage, train, test, setting)


def chosen_sets(options: argparse.Namespace, folders: dict[str, Path]) -> list[str]:
    """The sets that are asked for, or the development sets and folders that are given.

    Raises:
        UserError: nothing is given, or one of the paper's sets without --exam.
    """
    chosen = options.sets or [*(DEVELOPMENT_SETS if options.data else ()), *folders]
    if not chosen:
        raise UserError("There are no images: give --data, --butterflies or --cells.")
    for set_name in chosen:
        if set_name not in folders and not options.exam:
            refuse_exam(set_name, ", or give --exam")
    return chosen


def one_line(row: ResultRow) -> str:
    """A row as it is printed when it is ready."""
    low, high = row["interval"]
    value = f"{row['gt_known_loc']:.1f} [{low:.1f}, {high:.1f}]"
    return f"{row['set']} {row['stage']} {row['seed']}: {value}, {row['minutes']} minutes"


if __name__ == "__main__":
    sys.exit(main())
