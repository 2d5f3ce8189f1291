"""Masks as PNG files, one an image."""

import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from ganloc.box.detections import Detections
from ganloc.errors import Notice
from ganloc.images.image_set import ImageSet
from ganloc.report.drawing_names import drawing_names, renamed
from ganloc.report.grid import save_png
from ganloc.shapes import Int


def files_of_masks(folder: Path, names: Sequence[str]) -> list[str]:
    """The files in `folder` that `write_masks` writes."""
    return list(drawing_names(names, folder))


def write_masks(folder: Path, images: ImageSet, found: Detections) -> None:
    """Write `folder`/NAME.png for each image: 0 is background, 1, 2, … its objects, the best first.

    A file has as many pixels as its image, of 8 bits, or of 16 where there are more than 255
    objects. Subfolders are kept, and changed names (`drawing_names`) told of by a Notice.

    Raises:
        UserError: the folder can't be written to.
    """
    files = files_of_masks(folder, images.names)
    for index, file in enumerate(files):
        numbers = object_numbers(images, found, index)
        kind = np.uint8 if len(found.of(index)) <= np.iinfo(np.uint8).max else np.uint16
        save_png(folder / file, Image.fromarray(numbers.astype(kind)))
    if message := renamed(images.names, files):
        warnings.warn(message, Notice, stacklevel=2)


def object_numbers(
    images: ImageSet, found: Detections, index: int
) -> Int[np.ndarray, "height width"]:
    """The number of the object of each pixel of an original, from 1; 0 for none."""
    width, height = images.sizes[index].tolist()
    numbers = np.zeros((height, width), np.int32)
    rows = found.of(index)
    for place in reversed(range(len(rows))):  # the best on top, if masks overlap
        top, left, own = found.masks[rows[place]].window(width, height)
        numbers[top : top + own.shape[0], left : left + own.shape[1]][own] = place + 1
    return numbers
