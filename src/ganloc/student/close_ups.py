"""Close-ups: crops of the files around the first student's boxes, for the second one to learn.

A student of whole images has never seen a small object large, and its boxes of small objects are
too large, because feature maps are coarse. In a close-up everything is finer. There the
discriminator finds the object anew, and the image's own colours sharpen what it and the student
agree on. The second student learns these boxes, in close-ups and in whole images.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ganloc.box.from_heatmap import boxes_from_heatmaps
from ganloc.heatmap.own_colours import overlap, sharpen
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
MOST_OVERLAP = 0.92  # of the colours inside and outside of the median image's pseudo-box
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


def colours_tell(
    pixels: UInt8[np.ndarray, "n size size 3"], boxes: Float[np.ndarray, "n 4"]
) -> bool:
    """Whether the colours of an image tell where its object ends, in most images of a set.

    Where objects have the colours of their background, as in ultrasounds, colours would move edges
    to wherever the brightness changes.

    Args:
        pixels: RGB, 0–255.
        boxes: pseudo-boxes, xyxy, in fractions of the image.
    """
    shared = overlap(pixels, soft_boxes(boxes, pixels.shape[1]))
    return float(np.median(shared)) < MOST_OVERLAP


@dataclass(frozen=True)
class CloserLook:
    """Takes close-ups of a set's images: a `LookCloser`.

    Attributes:
        finder: of the set's pseudo-boxes.
        sharpened: whether colours sharpen the boxes.
        chosen: indices of the images of which close-ups are taken.
        sizes: width and height of their files, in pixels.
        read_crops: of the set's images.
    """

    finder: PseudoBoxFinder
    sharpened: bool
    chosen: Int[np.ndarray, " m"]
    sizes: Int[np.ndarray, "m 2"]
    read_crops: CropReader

    def __call__(
        self, student: UNet, boxes: Float[np.ndarray, "n 4"]
    ) -> tuple[Float[np.ndarray, "n 4"], CloseUps]:
        """Better boxes, and close-ups of the objects.

        Args:
            student: of the first round.
            boxes: that it found in all images of the set.
        """
        read = of_objects(self.read_crops, self.chosen)
        own = refine_boxes(student, boxes[self.chosen], self.sizes, read, FIRST_LOOK)
        crops = crops_around(own, MARGIN)
        pixels = self.read_crops(self.chosen, crops)
        found = self.finder.anew(pixels).boxes(pixels)
        if self.sharpened:
            both = (soft_boxes(found, student.size) + soft_masks(student, pixels)) / 2.0
            within = boxes_from_heatmaps(sharpen(pixels, both), student.size, SHARP)
        else:
            within = (found + student_boxes(student, pixels)) / 2.0
        own = from_crops(crops, within)
        crops = crops_around(own, TAUGHT_MARGIN)
        better = boxes.copy()
        better[self.chosen] = own
        return better, CloseUps(self.read_crops(self.chosen, crops), in_crops(crops, own))


def look_closer(
    images: ImageSet, finder: PseudoBoxFinder, boxes: Float[np.ndarray, "n 4"]
) -> CloserLook | None:
    """What takes close-ups; None if no file is larger than the network's images.

    Args:
        images: those that students learn from.
        finder: of their pseudo-boxes.
        boxes: their pseudo-boxes, xyxy in fractions of the image.
    """
    read_crops = crop_reader(images)
    larger = np.flatnonzero((images.sizes > images.size).any(axis=1))
    if read_crops is None or not len(larger):
        return None
    chosen, sharpened = every_nth(larger, MOST), colours_tell(images.pixels, boxes)
    return CloserLook(finder, sharpened, chosen, images.sizes[chosen], read_crops)
