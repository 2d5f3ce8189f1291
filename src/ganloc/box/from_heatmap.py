"""From a heatmap to one box (the paper's section on object co-localization).

Resize to the image, binarise at a ratio of the maximum, take the connected components and the
tightest box of each, and keep the largest box.
"""

import numpy as np
import torch
from scipy import ndimage
from torch.nn import functional

from ganloc.box.iou import area
from ganloc.box.otsu import otsu_thresholds
from ganloc.errors import UserError
from ganloc.images.batches import CUT, batched
from ganloc.shapes import Bool, Float, Int

THRESHOLD = 0.2  # The paper's ratio of the maximum.

# Eight neighbours within an image, none across images: a whole stack is labelled in one call.
_NEIGHBOURS = np.zeros((3, 3, 3), dtype=bool)
_NEIGHBOURS[1] = True


def resize(heatmaps: Float[np.ndarray, "n h w"], size: int) -> Float[np.ndarray, "n {size} {size}"]:
    """Resize to `size` × `size` pixels, bilinearly between cell centres (`align_corners` false)."""
    stack = torch.from_numpy(np.ascontiguousarray(heatmaps))[:, None]
    return functional.interpolate(stack, size=(size, size), mode="bilinear")[:, 0].numpy()


def normalise(heatmaps: Float[np.ndarray, "n h w"]) -> Float[np.ndarray, "n h w"]:
    """Stretch each heatmap to 0–1 by its own minimum and maximum.

    One that says nothing, because it is constant or holds a NaN or an infinity, becomes all ones:
    the whole image.
    """
    lowest = heatmaps.min(axis=(1, 2), keepdims=True)
    highest = heatmaps.max(axis=(1, 2), keepdims=True)
    with np.errstate(invalid="ignore", over="ignore"):
        span = highest - lowest
        # Resizing a constant map leaves differences of a few rounding errors: still constant.
        rounding = 8 * np.finfo(heatmaps.dtype).eps * np.maximum(abs(lowest), abs(highest))
        speaks = np.isfinite(span) & (span > rounding)
        return np.where(speaks, (heatmaps - lowest) / np.where(speaks, span, 1), 1)


def boxes_from_heatmaps(
    heatmaps: Float[np.ndarray, "n h w"],
    size: int,
    threshold: float = THRESHOLD,
    otsu: bool = False,
) -> Float[np.ndarray, "n 4"]:
    """The largest box of each heatmap, xyxy, half-open, in fractions of the image.

    Args:
        heatmaps: one an image, on any scale; a large value says "object".
        size: side in pixels of the square image in which components are sought.
        threshold: ratio of the maximum, after min-max normalisation, that a pixel must exceed.
        otsu: take the ratio of each heatmap's Otsu threshold in place of its maximum.

    A heatmap that is constant or not finite gives the whole image. Of boxes of equal area the one
    met first, row by row, is kept.

    Raises:
        UserError: the threshold is not in [0, 1).

    >>> heatmap = np.zeros((1, 4, 4))
    >>> heatmap[0, 1:3, 1:] = 1.0
    >>> boxes_from_heatmaps(heatmap, size=4)
    array([[0.25, 0.25, 1.  , 0.75]])
    """
    if not 0 <= np.float32(threshold) < 1:  # in single precision, as most heatmaps are
        raise UserError(
            f"The box threshold is {threshold}: choose a number from 0 up to, but not including, 1."
        )
    boxes = np.empty((len(heatmaps), 4))
    for part in batched(len(heatmaps), CUT):
        resized = normalise(resize(heatmaps[part], size))
        # Resizing to fewer pixels can step over a NaN.
        broken = ~np.isfinite(heatmaps[part]).all(axis=(1, 2), keepdims=True)
        maximum = otsu_thresholds(resized)[:, None, None] if otsu else 1.0
        boxes[part] = largest_boxes((resized > threshold * maximum) | broken)
    return boxes / size


def largest_boxes(masks: Bool[np.ndarray, "n h w"]) -> Float[np.ndarray, "n 4"]:
    """The largest of the tightest boxes around each mask's components, in pixels of the mask.

    No mask may be empty. Components join over eight neighbours.
    """
    image, boxes = component_boxes(masks)
    return boxes[largest(image, boxes)]


def component_boxes(
    masks: Bool[np.ndarray, "n h w"],
) -> tuple[Int[np.ndarray, " k"], Float[np.ndarray, "k 4"]]:
    """The tightest box around every component of every mask, and the index of its mask.

    Boxes are xyxy, half-open, in pixels of the mask, in the order in which a scan meets their
    components. Components join over eight neighbours.
    """
    labels = np.empty(masks.shape, dtype=np.int32)
    ndimage.label(masks, _NEIGHBOURS, output=labels)
    count = labels.max(initial=0)
    # A component's box is that of its runs along x, which are far fewer than its pixels.
    first, last = masks.copy(), masks.copy()
    first[:, :, 1:] &= ~masks[:, :, :-1]
    last[:, :, :-1] &= ~masks[:, :, 1:]
    start, stop = np.flatnonzero(first), np.flatnonzero(last) + 1
    image, y, x = np.unravel_index(start, masks.shape)
    component = labels.ravel()[start] - 1
    owner, boxes = np.empty(count, dtype=int), np.zeros((4, count), dtype=int)
    owner[component] = image
    boxes[:2] = max(masks.shape)
    np.minimum.at(boxes[0], component, x)
    np.minimum.at(boxes[1], component, y)
    np.maximum.at(boxes[2], component, x + stop - start)
    np.maximum.at(boxes[3], component, y + 1)
    return owner, boxes.T.astype(float)


def largest(image: Int[np.ndarray, " k"], boxes: Float[np.ndarray, "k 4"]) -> Int[np.ndarray, " n"]:
    """Which of the boxes is its image's largest, for each image in turn; of equals, the first.

    Args:
        image: whose each box is, counted from 0; every image has at least one.
        boxes: xyxy.
    """
    order = np.lexsort((-area(boxes), image))
    _, first = np.unique(image[order], return_index=True)
    return order[first]
