"""Refinement: the student reads crops around each box, at the resolution of the file.

Images are resized to the network's size, where a small object has only a few pixels. A crop around
the first box shows the object larger. A student that learned from close-ups (close_ups.py) looks
closer and more often, and the colours in its last crop sharpen the mask.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ganloc.box.from_heatmap import cut, normalise
from ganloc.box.instances import Instances, find_instances
from ganloc.box.soft_mask import SoftMask
from ganloc.heatmap.own_colours import sharpen
from ganloc.images.batches import CUT, batched
from ganloc.images.decode import WHOLE
from ganloc.images.gather import CropReader
from ganloc.shapes import Float, Int, UInt8
from ganloc.student.train_student import THRESHOLD, soft_masks
from ganloc.student.unet import UNet

SHARP = 0.5  # ratio of the maximum at which a sharpened mask is cut to a box


@dataclass(frozen=True)
class Looks:
    """How a student looks at crops.

    Attributes:
        margin: side of a crop, in sides of the box.
        rounds: crops of an object, each around the box that was found in the one before.
        sharpened: whether the image's own colours sharpen the mask of the last crop.
    """

    margin: float
    rounds: int
    sharpened: bool


LOOKS = Looks(margin=1.5, rounds=2, sharpened=False)  # after whole images alone
CLOSE_LOOKS = Looks(margin=1.3, rounds=4, sharpened=True)  # after close-ups, too


def refine_boxes(
    student: UNet,
    boxes: Float[np.ndarray, "n 4"],
    sizes: Int[np.ndarray, "n 2"],
    read_crops: CropReader,
    looks: Looks = LOOKS,
) -> Float[np.ndarray, "n 4"]:
    """Refine each box: the student finds it again in a crop around the last box.

    A box is kept if its image is no larger than the network, or if its crop is the whole image and
    nothing is sharpened.

    Args:
        student: in evaluation mode.
        boxes: xyxy, half-open, in fractions of the image.
        sizes: width and height of each original, in pixels.
        read_crops: indices and crops → pixels at the student's size (images/gather.py).
        looks: how closely and how often.

    Returns:
        Boxes, xyxy, half-open, in fractions of the image.

    A student whose masks are constant returns the crops: 1.5 × 1.5 times the first box. The second
    image is no larger than the network.

    >>> student = UNet(size=32, width=1).eval()
    >>> _ = student.mask.weight.data.zero_()
    >>> def read_crops(indices, crops):
    ...     return np.zeros((len(indices), 32, 32, 3), np.uint8)
    >>> boxes = np.array([[0.4, 0.4, 0.6, 0.6], [0.4, 0.4, 0.6, 0.6]])
    >>> refine_boxes(student, boxes, np.array([[640, 480], [32, 32]]), read_crops).round(3)
    array([[0.275, 0.275, 0.725, 0.725],
           [0.4  , 0.4  , 0.6  , 0.6  ]])
    """
    return refine_objects(student, boxes, (), sizes, read_crops, looks)[0]


def refine_objects(
    student: UNet,
    boxes: Float[np.ndarray, "n 4"],
    masks: Sequence[SoftMask],
    sizes: Int[np.ndarray, "n 2"],
    read_crops: CropReader,
    looks: Looks = LOOKS,
) -> tuple[Float[np.ndarray, "n 4"], tuple[SoftMask, ...]]:
    """Boxes as by `refine_boxes`, and the mask of each object from its last crop.

    Args:
        student: as of `refine_boxes`, like all but `masks`.
        masks: of the objects, kept where the box is; none if they do not matter.
    """
    refined, finer = boxes.copy(), list(masks)
    larger = np.flatnonzero((sizes > student.size).any(axis=1))
    for part in batched(len(larger), CUT):
        chosen = larger[part]
        for left in reversed(range(looks.rounds)):
            crops = crops_around(refined[chosen], looks.margin)
            if not looks.sharpened:
                shows_more = (crops != WHOLE).any(axis=1)
                chosen, crops = chosen[shows_more], crops[shows_more]
            if not len(chosen):
                break
            last = looks.sharpened and not left
            found = _find(student, read_crops(chosen, crops), sharpened=last)
            refined[chosen] = from_crops(crops, found.boxes)
            if finer:
                for index, crop, mask in zip(chosen, crops.tolist(), found.masks, strict=True):
                    finer[index] = replace(mask, region=tuple(crop))
    return refined, tuple(finer)


def _find(student: UNet, pixels: UInt8[np.ndarray, "n size size 3"], sharpened: bool) -> Instances:
    """The object of each crop."""
    masks, level = soft_masks(student, pixels), THRESHOLD
    if sharpened:
        masks, level = sharpen(pixels, masks), SHARP
    levels = np.full(len(masks), level)
    return find_instances(cut(masks, student.size, level), normalise(masks), levels)


def crops_around(boxes: Float[np.ndarray, "n 4"], margin: float) -> Float[np.ndarray, "n 4"]:
    """Scale each box by `margin` around its centre, then shift and cut it into the image.

    >>> crops_around(np.array([[0.4, 0.4, 0.6, 0.8], [0.0, 0.0, 0.2, 0.8]]), 1.5).round(3)
    array([[0.35, 0.3 , 0.65, 0.9 ],
           [0.  , 0.  , 0.3 , 1.  ]])
    """
    sides = (margin * (boxes[:, 2:] - boxes[:, :2])).clip(None, 1.0)
    low = ((boxes[:, :2] + boxes[:, 2:] - sides) / 2.0).clip(0.0, 1.0 - sides)
    return np.concatenate([low, low + sides], axis=1)


def from_crops(
    crops: Float[np.ndarray, "n 4"], within: Float[np.ndarray, "n 4"]
) -> Float[np.ndarray, "n 4"]:
    """Boxes in fractions of the image, from boxes in fractions of its crop.

    >>> from_crops(np.array([[0.5, 0.0, 1.0, 1.0]]), np.array([[0.0, 0.25, 0.5, 1.0]]))
    array([[0.5 , 0.25, 0.75, 1.  ]])
    """
    return np.tile(crops[:, :2], 2) + within * np.tile(crops[:, 2:] - crops[:, :2], 2)


def in_crops(
    crops: Float[np.ndarray, "n 4"], boxes: Float[np.ndarray, "n 4"]
) -> Float[np.ndarray, "n 4"]:
    """The inverse of `from_crops`."""
    return (boxes - np.tile(crops[:, :2], 2)) / np.tile(crops[:, 2:] - crops[:, :2], 2)
