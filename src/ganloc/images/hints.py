"""Hints: the boxes that a user drew in a few images of a set.

They are training data by the user's choice. Nothing is scored on an image that has one.
"""

import os
import warnings
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ganloc.arguments import as_path
from ganloc.errors import Notice, UserError
from ganloc.images.coco_file import read_coco_file
from ganloc.images.image_set import ImageSet
from ganloc.images.names import first_few, match_names, printable
from ganloc.images.truth import with_boxes
from ganloc.shapes import Float
from ganloc.wording import either, shown


def as_hints(given: Any, images: ImageSet) -> ImageSet:
    """Hints as a user gives them: a dict as for `hints_of`, or the path of a COCO file.

    An ImageSet with truth is taken as it is.

    Raises:
        TypeError: `given` is none of these.
        UserError: as `hints_of` or `read_hints`.
    """
    if isinstance(given, ImageSet):
        return given
    if isinstance(given, str | os.PathLike):
        return read_hints(as_path("hints", given), images)
    return hints_of(given, images)


def read_hints(
    path: Path, images: ImageSet, category: str | None = None, no_object: bool = False
) -> ImageSet:
    """The few of `images` that have a box in a COCO file, with these boxes as their truth.

    Names are matched, and boxes checked, as by `read_coco`. A Notice also counts the entries
    without a box.

    Args:
        path: the COCO file.
        images: the set.
        category: as for `read_coco`.
        no_object: whether an entry without a box says that its image shows no object. By default
            it says nothing, for annotation tools also list images that nobody has looked at.

    Raises:
        UserError: as for `read_coco`, or no image of the set has a box.
    """
    coco = read_coco_file(path)
    found = match_names(images.names, coco.names, by_ending=True)
    there = {index: entry for index, entry in enumerate(found) if entry is not None}
    if not there:
        raise UserError(
            f"{path} has no entry for any of the {len(images)} images (its first is "
            f"{first_few(coco.names, 1) or 'missing'}): give boxes of these images."
        )
    hints = with_boxes(path, images.subset([*there]), coco, [*there.values()], category)
    assert hints.truth is not None
    drawn = [index for index, boxes in enumerate(hints.truth) if len(boxes)]
    if not drawn:
        raise UserError(f"{path} has no box of these images that counts: draw at least one.")
    if no_object or len(drawn) == len(hints):
        return hints
    empty = [name for name, boxes in zip(hints.names, hints.truth, strict=True) if not len(boxes)]
    counted = "1 image" if len(empty) == 1 else f"{len(empty)} images"
    told = f"{counted} without a box ({first_few(empty)}) not used: give "
    flag = either("--no-object", "None in place of a box")
    warnings.warn(f"{path}: {told}{flag} if they show no object.", Notice, stacklevel=2)
    return hints.subset(drawn)


def hints_of(given: Any, images: ImageSet) -> ImageSet:
    """The few of `images` that have hints, with these boxes as their truth.

    Args:
        given: for the path of an image its box, several boxes, or None for "no object here". Boxes
            are x0, y0, x1, y1 in pixels of the original image, half-open.
        images: the set. Paths are matched as by `read_coco`.

    Raises:
        TypeError: `given` is no dict, or a value is no box.
        UserError: a path is not in the set, a box does not lie in its image, or there is no box.

    >>> images = ImageSet(
    ...     np.zeros((3, 8, 8, 3), np.uint8), ("a.jpg", "b.jpg", "c.jpg"), np.full((3, 2), 100)
    ... )
    >>> hints = hints_of({"c.jpg": (10, 20, 50, 60), "a.jpg": None}, images)
    >>> hints.names, [boxes.tolist() for boxes in hints.truth]
    (('a.jpg', 'c.jpg'), [[], [[10.0, 20.0, 50.0, 60.0]]])
    """
    if not isinstance(given, Mapping):
        raise TypeError(f"hints is {shown(given)}: give a dict of paths and boxes, or a COCO file.")
    paths = [str(path) for path in given]
    found = match_names(paths, images.names, by_ending=True)
    lost = [path for path, index in zip(paths, found, strict=True) if index is None]
    if lost:
        raise UserError(
            f"hints has {len(lost)} of {len(paths)} paths that are not in the set or could be "
            f"several images (the first is {printable(lost[0])}): write them as the set does, "
            f"such as {first_few(images.names, 1)}."
        )
    boxes = {
        index: _boxes(path, value, images.sizes[index])
        for path, value, index in zip(paths, given.values(), found, strict=True)
        if index is not None
    }
    if not any(map(len, boxes.values())):
        raise UserError("hints has no box: draw at least one.")
    chosen = sorted(boxes)
    return replace(images.subset(chosen), truth=tuple(boxes[index] for index in chosen))


def _boxes(path: str, value: Any, size: np.ndarray) -> Float[np.ndarray, "k 4"]:
    """The boxes of one image. Errors as in `hints_of`."""
    if value is None:
        return np.empty((0, 4))
    try:
        boxes = np.asarray(value, dtype=np.float64).reshape(-1, 4)
    except (TypeError, ValueError):
        raise TypeError(
            f"The hint of {printable(path)} is {shown(value)}: give x0, y0, x1, y1, several such "
            "boxes, or None."
        ) from None
    width, height = size
    inside = (boxes >= 0).all() and (boxes <= [width, height, width, height]).all()
    if not (inside and (boxes[:, 2:] > boxes[:, :2]).all()):  # NaN too
        raise UserError(
            f"The hint of {printable(path)} is {boxes.tolist()}, and its image is "
            f"{width}×{height}: give x0, y0, x1, y1 in pixels, with x0 < x1 and y0 < y1."
        )
    if (boxes <= 1).all():
        raise UserError(
            f"The hint of {printable(path)} looks like fractions of the image: give pixels."
        )
    return boxes
