"""Coarse to fine: look again at the surroundings of each box, at the resolution of the file.

A photograph is squeezed to the network's size before it is looked at, so that a small object is a
few pixels. What surrounds the student's first box shows the object larger. Where that is small, it
is a closer view than any that the student learned from (views.py): that this helps all the same was
seen on photographs of butterflies (docs/log.md), not worked out.
"""

import numpy as np

from ganloc.images.decode import WHOLE
from ganloc.images.source import CropReader
from ganloc.shapes import Float, Int
from ganloc.student.self_training import student_boxes
from ganloc.student.unet import UNet

LOOKS = 2  # after the first
MARGIN = 1.5  # sides of what is looked at, in sides of the box
STACK = 512  # images looked at together, so that a large set needs no large memory


def refine_boxes(
    student: UNet,
    boxes: Float[np.ndarray, "n 4"],
    sizes: Int[np.ndarray, "n 2"],
    crop_reader: CropReader,
) -> Float[np.ndarray, "n 4"]:
    """Boxes found again within their surroundings, xyxy, half-open, in fractions of the image.

    Args:
        student: in evaluation mode.
        boxes: of the first look, in fractions of the image.
        sizes: width and height of each original; one that no side of exceeds the student's has
            nothing more to show and keeps its box, as does a box whose surroundings are the whole
            image.
        closer: indices and parts → pixels at the student's size (images/source.py).
    """
    found = boxes.copy()
    larger = np.flatnonzero((sizes > student.size).any(axis=1))
    for start in range(0, len(larger), STACK):
        chosen = larger[start : start + STACK]
        for _ in range(LOOKS):
            parts = surroundings(found[chosen])
            closer_yet = (parts != WHOLE).any(axis=1)  # the whole image has been looked at
            chosen, parts = chosen[closer_yet], parts[closer_yet]
            if not len(chosen):
                break
            within = student_boxes(student, crop_reader(chosen, parts))
            found[chosen] = np.tile(parts[:, :2], 2) + within * np.tile(
                parts[:, 2:] - parts[:, :2], 2
            )
    return found


def surroundings(boxes: Float[np.ndarray, "n 4"]) -> Float[np.ndarray, "n 4"]:
    """Each box grown by `MARGIN` around its middle, then moved and cut to fit the image."""
    sides = (MARGIN * (boxes[:, 2:] - boxes[:, :2])).clip(None, 1.0)
    low = ((boxes[:, :2] + boxes[:, 2:] - sides) / 2.0).clip(0.0, 1.0 - sides)
    return np.concatenate([low, low + sides], axis=1)
