"""Are images that do not belong to a folder found? Others mixed in, and their outlier scores.

    python benchmarks/quality/foreign.py --data tiny-imagenet-200.zip --butterflies DIR --cells DIR

Into each development set go images of the other development sets, and of each folder. Into each
folder go images of the other folder, and photographs of the development sets. Insects are never
mixed among insects. Nothing is trained: the outlier score needs no network. What mixed images cost
the boxes is a question for run.py, with sets such as `bear+30%others`. Rows go to
docs/results/foreign.json. The paper's six sets are refused without --exam.
"""

import argparse
import sys
from collections.abc import Sequence
from functools import cache, partial
from itertools import product
from pathlib import Path

import numpy as np
import render
import script
from mixed import mixed
from sets import others_of, refuse_exam

from ganloc.checkpoints.signals import auc
from ganloc.images.folder import load_folder
from ganloc.images.image_set import ImageSet
from ganloc.images.tiny_imagenet import DEVELOPMENT_SETS, classes_of, load_tiny_imagenet
from ganloc.outliers.outlier_model import OutlierModel
from ganloc.paper.results import ResultRow, Results

COMMAND = (
    "python benchmarks/quality/foreign.py --data tiny-imagenet-200.zip "
    "--butterflies DIR --cells DIR"
)
PHOTOGRAPHS = "photographs"
INSECTS = ("insect", "butterfly", "butterflies")
CLEAN = ("", 0)
PERCENT = (10, 30)
SEEDS = (0, 1, 2)
SIZE = 64


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit status."""
    options = _options(arguments)
    return script.exit_status(lambda: render.foreign(run(options)))


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = script.parser("Outlier scores of images that do not belong.", needs_data=True)
    script.add_folders(parser)
    return parser.parse_args(arguments)


def run(options: argparse.Namespace) -> list[ResultRow]:
    """Work out what is missing; the rows that were asked for."""
    folders = script.folders_of(options)
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
                work = partial(measured, own, kinds.get(kind), percent, seed)
                rows.append(script.kept_row(results, identity, work))
    return rows


def kin_of(name: str) -> tuple[str, ...]:
    """The sets and folders that are not foreign to this one."""
    return INSECTS if name in INSECTS else (name,)


def photographs_for(name: str, archive: Path) -> ImageSet:
    """Training images of the development sets that are foreign to this set or folder.

    Raises:
        UserError: something is missing or cannot be read.
    """
    kin = [each for each in kin_of(name) if each not in script.FOLDERS]
    return others_of([each for own in kin for each in classes_of(own)], SIZE, archive)


def measured(own: ImageSet, others: ImageSet | None, percent: int, seed: int) -> ResultRow:
    """How well the outlier score tells `others`, mixed among `own`, from them; percentages.

    Returns:
        `images`: their number in all. `auc`: the share of pairs of an own and another image in
        which the other has the higher score. `listed`: the share of images that are outliers.
        `precision`: the share of the outliers that are others. `recall`: the share of the others
        that are outliers. None where there is nothing to divide by.
    """
    if others is None:
        images, foreign = own, np.zeros(len(own), dtype=bool)
    else:
        room = len(others) * (100 - percent) // percent
        chosen = np.random.default_rng(seed).permutation(len(own))[:room]
        images, foreign = mixed(own.subset(chosen), others, percent, seed)
    scores = OutlierModel.fit(images.pixels, seed).scores(images.pixels)
    outlier = scores >= 1.0
    return {
        "images": len(images),
        "auc": _percent(auc(scores[foreign], scores[~foreign])) if foreign.any() else None,
        "listed": _percent(outlier.mean()),
        "precision": _percent(foreign[outlier].mean()) if foreign.any() and outlier.any() else None,
        "recall": _percent(outlier[foreign].mean()) if foreign.any() else None,
    }


def _percent(share: float) -> float:
    return round(100.0 * float(share), 2)


if __name__ == "__main__":
    sys.exit(main())
