"""Are images that do not belong to a folder found? Others mixed in, and how unusual they are.

    python benchmarks/quality/foreign.py --data tiny-imagenet-200.zip --butterflies DIR --cells DIR

Into each development set go images of the other ones, and of each folder; into each folder those
of the other, and photographs of the development sets; but no insects among insects. Nothing is
trained: how unusual an image is depends on no network. What mixed images cost the boxes is a
matter of run.py, with sets such as `bear+30%others`. Rows go to docs/results/foreign.json; the
paper's six sets are refused without --exam.
"""

import argparse
import sys
from collections.abc import Sequence
from functools import cache
from itertools import product
from pathlib import Path

import numpy as np
import render
from mixed import mixed
from sets import others_of, refuse_exam

from ganloc.checkpoints.signals import auc
from ganloc.errors import UserError
from ganloc.images.folder import load_folder
from ganloc.images.image_set import ImageSet
from ganloc.images.tiny_imagenet import DEVELOPMENT_SETS, classes_of, load_tiny_imagenet
from ganloc.outliers.outlier_model import ODD, OutlierModel
from ganloc.paper.results import ResultRow, Results

COMMAND = (
    "python benchmarks/quality/foreign.py --data tiny-imagenet-200.zip "
    "--butterflies DIR --cells DIR"
)
FOLDERS = ("butterflies", "cells")
PHOTOGRAPHS = "photographs"
INSECTS = ("insect", "butterfly", "butterflies")
CLEAN = ("", 0)
PERCENT = (10, 30)
SEEDS = (0, 1, 2)
SIZE = 64


def main(arguments: Sequence[str] | None = None) -> int:
    """0; 2 where the user has something to put right."""
    options = _options(arguments)
    try:
        rows = run(options)
    except UserError as error:
        print(error)
        return 2
    print(render.foreign(rows))
    return 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="How unusual images are that do not belong.")
    parser.add_argument("--data", type=Path, required=True, help="tiny-imagenet-200.zip")
    for name in FOLDERS:
        parser.add_argument(f"--{name}", type=Path, help="folder of images")
    parser.add_argument("--sets", nargs="+", help="default: all that are given")
    parser.add_argument("--results", type=Path, default=Path("docs/results"))
    parser.add_argument("--exam", action="store_true", help="allow the paper's six sets")
    return parser.parse_args(arguments)


def run(options: argparse.Namespace) -> list[ResultRow]:
    """Work out what is missing; the rows that were asked for."""
    folders = {name: path for name in FOLDERS if (path := getattr(options, name))}
    results = Results(
        options.results / "foreign.json", ("set", "others", "percent", "seed"), COMMAND
    )
    in_folder = cache(lambda name: load_folder(folders[name], SIZE))
    rows = []
    for name in options.sets or [*DEVELOPMENT_SETS, *folders]:
        if name in folders:
            own = in_folder(name)
        else:
            if not options.exam:
                refuse_exam(name, ", or give --exam")
            own = load_tiny_imagenet(options.data, name, "train", SIZE)
        kinds = {PHOTOGRAPHS: photographs_for(name, options.data)}
        kinds |= {other: in_folder(other) for other in folders if other not in kin_of(name)}
        for kind, percent in (CLEAN, *product(kinds, PERCENT)):
            for seed in SEEDS:
                identity = {"set": name, "others": kind, "percent": percent, "seed": seed}
                if results.find(**identity) is None:
                    results.add({**identity, **asked(own, kinds.get(kind), percent, seed)})
                row = results.find(**identity)
                assert row is not None
                rows.append(row)
    return rows


def kin_of(name: str) -> tuple[str, ...]:
    """The sets and folders that are not foreign to this one."""
    return INSECTS if name in INSECTS else (name,)


def photographs_for(name: str, archive: Path) -> ImageSet:
    """Training images of the development sets that are foreign to this set or folder.

    Raises:
        UserError: something is missing or cannot be read.
    """
    kin = [each for each in kin_of(name) if each not in FOLDERS]
    return others_of([each for own in kin for each in classes_of(own)], SIZE, archive)


def asked(own: ImageSet, others: ImageSet | None, percent: int, seed: int) -> ResultRow:
    """Percentages, of images that others' are mixed among, or without others of their own.

    Returns:
        `images` in all; `auc`: of the pairs of an own and another image, in how many the other
        is more unusual; `listed`: told of; `precision`: others among them; `recall`: of the others,
        how many are told of. None where there is nothing to divide by.
    """
    if others is None:
        images, foreign = own, np.zeros(len(own), dtype=bool)
    else:
        room = len(others) * (100 - percent) // percent
        chosen = np.random.default_rng(seed).permutation(len(own))[:room]
        images, foreign = mixed(own.subset(chosen), others, percent, seed)
    scores = OutlierModel.fit(images.pixels, seed).scores(images.pixels)
    odd = scores >= ODD
    return {
        "images": len(images),
        "auc": _percent(auc(scores[foreign], scores[~foreign])) if foreign.any() else None,
        "listed": _percent(odd.mean()),
        "precision": _percent(foreign[odd].mean()) if foreign.any() and odd.any() else None,
        "recall": _percent(odd[foreign].mean()) if foreign.any() else None,
    }


def _percent(share: float) -> float:
    return round(100.0 * float(share), 2)


if __name__ == "__main__":
    sys.exit(main())
