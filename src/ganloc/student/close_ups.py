"""Close-ups: crops of the files around the first student's boxes, for the second one to learn.

A student of whole images has never seen a small object large, and its boxes of small objects are
too large, because feature maps are coarse. In a close-up everything is finer. There the
discriminator finds the object anew, and the image's own colours sharpen what it and the student
agree on. The second student learns these boxes, in close-ups and in whole images.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from ganloc.box.from_heatmap import boxes_from_heatmaps
from ganloc.heatmap.own_colours import sharpen
from ganloc.images.gather import CropReader, crop_reader, of_objects
from ganloc.images.image_set import ImageSet, every_nth
from ganloc.shapes import Float, Int, UInt8
from ganloc.student.pseudo_boxes import PseudoBoxFinder
from ganloc.student.random_views import soft_boxes
from ganloc.student.refine import (
    SHARP,
    Looks,
    crops_around,
    from_crops,
    in_crops,
    refine_boxes,
)
from ganloc.student.train_student import soft_masks, student_boxes
from ganloc.student.unet import UNet

FIRST_LOOK = Looks(margin=1.5, rounds=1, sharpened=False)
MARGIN = 1.4  # side of a close-up in which boxes are found, in sides of the box
TAUGHT_MARGIN = 1.6  # of one that is taught. Random views of it are 1.2 to 2.1 sides wide.
MOST = 1000  # images of which close-ups are taken: files are read three times


@dataclass(frozen=True)
class CloseUps:
    """Close-ups of objects with their boxes.

    Attributes:
        pixels: RGB, 0–255, of the student's size.
        boxes: xyxy, half-open, in fractions of the close-up.
    """

    pixels: UInt8[np.ndarray, "n size size 3"]
    boxes: Float[np.ndarray, "n 4"]


# A student and the boxes that it found in all images → better ones, and close-ups of objects.
LookCloser = Callable[[UNet, Float[np.ndarray, "n 4"]], tuple[Float[np.ndarray, "n 4"], CloseUps]]


def look_closer(images: ImageSet, finder: PseudoBoxFinder) -> LookCloser | None:
    """A function that takes close-ups; None if no file is larger than the network's images.

    Args:
        images: those that students learn from.
        finder: of their pseudo-boxes. If it uses colours, they sharpen the boxes, too.
    """
    read_crops = crop_reader(images)
    larger = np.flatnonzero((images.sizes > images.size).any(axis=1))
    if read_crops is None or not len(larger):
        return None
    chosen = every_nth(larger, MOST)
    return partial(_look_closer, finder, chosen, images.sizes[chosen], read_crops)


def _look_closer(
    finder: PseudoBoxFinder,
    chosen: Int[np.ndarray, " m"],
    sizes: Int[np.ndarray, "m 2"],
    read_crops: CropReader,
    student: UNet,
    boxes: Float[np.ndarray, "n 4"],
) -> tuple[Float[np.ndarray, "n 4"], CloseUps]:
    read = of_objects(read_crops, chosen)
    own = refine_boxes(student, boxes[chosen], sizes, read, FIRST_LOOK)
    crops = crops_around(own, MARGIN)
    pixels = read_crops(chosen, crops)
    found = finder.anew(pixels).boxes(pixels)
    if finder.uses_colours:
        both = (soft_boxes(found, student.size) + soft_masks(student, pixels)) / 2.0
        within = boxes_from_heatmaps(sharpen(pixels, both), student.size, SHARP)
    else:
        within = (found + student_boxes(student, pixels)) / 2.0
    own = from_crops(crops, within)
    crops = crops_around(own, TAUGHT_MARGIN)
    better = boxes.copy()
    better[chosen] = own
    return better, CloseUps(read_crops(chosen, crops), in_crops(crops, own))
