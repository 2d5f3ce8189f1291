"""The sets that rivals are evaluated on.

Behind the name of a set of Tiny ImageNet, `+reframed` cuts its images anew (reframed.py),
`+200images` keeps so many of its training images, and `+30%others` mixes so many of the other
development sets' among them (mixed.py).
"""

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from mixed import mixed
from reframed import reframed

from ganloc.errors import UserError
from ganloc.images.folder import load_folder
from ganloc.images.image_set import ImageSet
from ganloc.images.tiny_imagenet import DEVELOPMENT_SETS, PAPER_SETS, classes_of, load_tiny_imagenet
from ganloc.images.truth import read_coco

TRUTH = "truth.coco.json"
REFRAMED = "reframed"
IMAGES = re.compile(r"([1-9]\d*)images")
OTHERS = re.compile(r"([1-9]\d?)%others")


def refuse_exam(set_name: str, otherwise: str = "") -> None:
    """A UserError where a set of Tiny ImageNet shares a class with the paper's six.

    `otherwise` ends its sentence, such as ", or give --exam".
    """
    plain, _ = plain_and_change(set_name)
    if set(classes_of(plain)) & set(classes_of(",".join(PAPER_SETS))):
        raise UserError(
            f"{set_name} belongs to the paper's six sets, which are evaluated once a method is "
            f"frozen: choose a development set{otherwise}."
        )


def plain_and_change(set_name: str) -> tuple[str, str]:
    """The set's own name, and what stands behind its `+`, "" for nothing.

    Raises:
        UserError: there is no such change.
    """
    plain, _, change = set_name.partition("+")
    counted = IMAGES.fullmatch(change) or OTHERS.fullmatch(change)
    if change not in ("", REFRAMED) and not counted:
        raise UserError(
            f"{set_name}: behind the + write {REFRAMED}, a count as in 200images, or a share as "
            "in 30%others."
        )
    return plain, change


def load_set(
    set_name: str, size: int, archive: Path | None, folders: dict[str, Path]
) -> tuple[ImageSet | None, ImageSet]:
    """Training and test images with truth; a folder has no split and gives no training images.

    Args:
        set_name: a folder's name, or a set of Tiny ImageNet, as it is or changed.
        size: side of the images, in pixels.
        archive: Tiny ImageNet's.
        folders: by name, each with its truth in it.

    Raises:
        UserError: something is missing or cannot be read, or there are too few images.
    """
    if set_name in folders:
        folder = folders[set_name]
        images = read_coco(folder / TRUTH, load_folder(folder, size))
        return None, replace(images, source=set_name)
    train, test = _load_tiny_imagenet(set_name, size, archive)
    return replace(train, source=set_name), replace(test, source=set_name)


def _load_tiny_imagenet(
    set_name: str, size: int, archive: Path | None
) -> tuple[ImageSet, ImageSet]:
    if archive is None:
        raise UserError(f"{set_name} needs --data tiny-imagenet-200.zip, or its folder.")
    plain, change = plain_and_change(set_name)
    train, test = (load_tiny_imagenet(archive, plain, s, size) for s in ("train", "test"))
    if change == REFRAMED:
        return reframed(train, seed=0), reframed(test, seed=1)
    if counted := IMAGES.fullmatch(change):
        train = some_of(train, int(counted[1]), set_name)
    if share := OTHERS.fullmatch(change):
        train, _ = mixed(train, others_of(classes_of(plain), size, archive), int(share[1]), seed=0)
    return train, test


def some_of(images: ImageSet, count: int, set_name: str) -> ImageSet:
    """`count` of them at random, in their order; those of a smaller count are among them.

    Raises:
        UserError: there are not so many.
    """
    if count > len(images):
        raise UserError(f"{set_name}: there are only {len(images)} training images.")
    chosen = np.random.default_rng(0).permutation(len(images))[:count]
    return images.subset(np.sort(chosen))


def others_of(own: Sequence[str], size: int, archive: Path) -> ImageSet:
    """Training images of the development sets that have none of these classes.

    Raises:
        UserError: something is missing or cannot be read.
    """
    others = [name for name in DEVELOPMENT_SETS if not {*own} & {*classes_of(name)}]
    return load_tiny_imagenet(archive, ",".join(others), "train", size)
