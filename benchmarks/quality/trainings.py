"""Trainings good and bad, on which the verdict and the score are chosen and tried.

Each folder or development set is trained on as the default preset does, too short, and with too few
images. Further ones show no object, or the same image again and again.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from sets import load_set

from ganloc.checkpoints.hooks import RunHooks
from ganloc.checkpoints.run import Run
from ganloc.images.image_set import ImageSet
from ganloc.method import fit
from ganloc.model import Model
from ganloc.recipes import Recipe, make_recipe
from ganloc.tensors import choose_device

SIZE = 64
SETS = (
    *("boat", "insect", "bear", "ape", "butterfly", "fruit"),
    *("heads", "pliers", "cells", "butterflies", "blood"),
)
FEW, COPIES = 24, 100  # images
LEAST = 0.3  # side of a piece of background, in sides of its image


@dataclass(frozen=True)
class Training:
    """One training.

    Attributes:
        set_name: of the images.
        kind: a row of `KINDS`.
    """

    set_name: str
    kind: str

    @property
    def name(self) -> str:
        """Of its run folder."""
        return self.set_name if self.kind == "default" else f"{self.set_name}-{self.kind}"


@dataclass(frozen=True)
class Kind:
    """What is done to images and recipe.

    Attributes:
        recipe: settings that replace those of the default preset.
        images: a change of the training images.
        of_itself: whether boxes are evaluated on the changed images, not on those of the set.
    """

    recipe: dict[str, Any] = field(default_factory=dict)
    images: Callable[[ImageSet], ImageSet] = lambda images: images
    of_itself: bool = False


def few(images: ImageSet) -> ImageSet:
    """`FEW` images at random."""
    chosen = np.random.default_rng(0).permutation(len(images))[:FEW]
    return images.subset(np.sort(chosen))


def identical(images: ImageSet) -> ImageSet:
    """The first image, again and again."""
    copies = images.subset([0] * COPIES)
    return replace(copies, names=tuple(f"{index}.png" for index in range(COPIES)))


def without_object(images: ImageSet) -> ImageSet:
    """The largest piece of each image beside its boxes, of at least `LEAST` of its sides."""
    assert images.truth is not None
    pixels, kept = [], []
    for index, boxes in enumerate(images.truth):
        own = boxes / np.tile(images.sizes[index], 2)
        x0, y0, x1, y1 = *own[:, :2].min(axis=0), *own[:, 2:].max(axis=0)
        pieces = [(0, 0, x0, 1), (x1, 0, 1, 1), (0, 0, 1, y0), (0, y1, 1, 1)]
        a, b, c, d = max(pieces, key=lambda piece: min(piece[2] - piece[0], piece[3] - piece[1]))
        if min(c - a, d - b) >= LEAST:
            whole = round(SIZE * min(c - a, d - b))  # a square within the piece
            left, top = (min(round(SIZE * at), SIZE - whole) for at in (a, b))
            piece = images.pixels[index][top : top + whole, left : left + whole]
            at = ((np.arange(SIZE) + 0.5) * whole / SIZE).astype(int)
            pixels.append(piece[at][:, at])
            kept.append(index)
    some_left = images.subset(kept)
    return replace(some_left, pixels=np.stack(pixels), truth=None, archive=None)


KINDS: dict[str, Kind] = {
    "default": Kind(),
    "short": Kind({"iterations": 30, "student_iterations": 10}),
    "brief": Kind({"iterations": 200, "student_iterations": 150}),
    "few": Kind({"iterations": 300, "student_iterations": 150}, few),
    "rushed": Kind({"iterations": 100, "student_iterations": 60}),
    "identical": Kind({"iterations": 200, "student_iterations": 150}, identical, True),
    "no-object": Kind({"iterations": 300, "student_iterations": 150}, without_object, True),
}
EVERYWHERE = ("default", "short", "brief", "few", "rushed")
SOMEWHERE = (
    *(Training(name, "identical") for name in ("boat", "heads", "butterflies", "fruit")),
    *(Training(name, "no-object") for name in ("boat", "insect", "pliers", "butterflies")),
)
TRAININGS = (*(Training(name, kind) for kind in EVERYWHERE for name in SETS), *SOMEWHERE)


def trained(
    training: Training,
    runs: Path,
    archive: Path | None,
    folders: dict[str, Path],
    device: str | None = None,
) -> tuple[Model, ImageSet, ImageSet]:
    """The model of a training, made where it is missing, its images, and those to evaluate.

    Without a split the latter are all images of the folder.
    """
    train, test = load_set(training.set_name, SIZE, archive, folders)
    kind = KINDS[training.kind]
    images = kind.images(test if train is None else train)
    recipe = make_recipe("default", size=SIZE, **kind.recipe)
    model, _ = kept_model(runs / training.name, images, recipe, device)
    return model, images, images if kind.of_itself else test


def kept_model(
    folder: Path, images: ImageSet, recipe: Recipe, device: str | None = None
) -> tuple[Model, float]:
    """The model of a run folder, trained now where it is missing, and the minutes it took."""
    run = Run.create_or_open(folder, recipe, images)
    with RunHooks(run, resume=True) as hooks:
        model = fit(images, recipe, choose_device(device), hooks)
    last = json.loads(run.log.read_text(encoding="utf-8").splitlines()[-1])
    return model, last["seconds"] / 60.0
