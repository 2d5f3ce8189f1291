"""What a finder finds, as detections."""

import numpy as np

from ganloc.box.detections import Detections
from ganloc.box.from_heatmap import normalise, resize
from ganloc.box.soft_mask import SoftMask
from ganloc.several.finder import Finder, find, object_masks
from ganloc.shapes import Float, UInt8

LEVEL = 0.5  # of the mask
CANDIDATE = 0.05  # height of a centre that may be an object


def detections(
    finder: Finder,
    pixels: UInt8[np.ndarray, "n size size 3"],
    heatmaps: Float[np.ndarray, "n half half"],
    least: float | None = None,
) -> Detections:
    """The objects of each image, any number of them.

    Args:
        finder: in evaluation mode.
        pixels: RGB, 0–255, of the finder's size.
        heatmaps: of `soft_object_masks`.
        least: height that a centre needs; by default the finder's own.
    """
    objects = find(finder, pixels, least)
    masks = tuple(SoftMask(own, LEVEL) for own in object_masks(heatmaps, objects))
    full = normalise(resize(heatmaps, finder.size)).astype(np.float32)
    return Detections(objects.image, objects.boxes, objects.scores, masks, full)
