"""From a heatmap to one box (the paper's section on object co-localization).

Resize to the picture, binarise at a ratio of the maximum, take the connected components and the
tightest box of each, and keep the largest box.
"""

import numpy as np
import torch
from scipy import ndimage
from torch.nn import functional

from ganloc.box.otsu import otsu_thresholds
from ganloc.errors import UserError
from ganloc.shapes import Bool, Float, Int

THRESHOLD = 0.2  # The paper's ratio of the maximum.

# Eight neighbours within a picture, none across pictures: a whole stack is labelled in one call.
_NEIGHBOURS = np.zeros((3, 3, 3), dtype=bool)
_NEIGHBOURS[1] = True

_STACK = 512  # Pictures at a time, so that a large set needs no large memory.


def resize(heatmaps: Float[np.ndarray, "n h w"], size: int) -> Float[np.ndarray, "n {size} {size}"]:
    """Resize to `size` × `size` pixels, bilinearly between cell centres (`align_corners` false)."""
    stack = torch.from_numpy(np.ascontiguousarray(heatmaps))[:, None]
    return functional.interpolate(stack, size=(size, size), mode="bilinear")[:, 0].numpy()


def normalise(heatmaps: Float[np.ndarray, "n h w"]) -> Float[np.ndarray, "n h w"]:
    """Stretch each heatmap to 0–1 by its own minimum and maximum.

    One that says nothing, because it is constant or holds a NaN or an infinity, becomes all ones:
    the whole picture.
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
    sizes: Int[np.ndarray, "n 2"],
    threshold: float = THRESHOLD,
    otsu: bool = False,
) -> Float[np.ndarray, "n 4"]:
    """The largest box of each heatmap, xyxy, half-open, in pixels of the original picture.

    Args:
        heatmaps: one a picture, on any scale; a large value says "object".
        size: side in pixels of the square picture in which components are sought.
        sizes: width and height of each original.
        threshold: ratio of the maximum, after min-max normalisation, that a pixel must exceed.
        otsu: take the ratio of each heatmap's Otsu threshold in place of its maximum.

    A heatmap that is constant or not finite gives the whole picture. Of boxes of equal area the one
    met first, row by row, is kept.

    Raises:
        UserError: the threshold is not in [0, 1).
    """
    if not 0 <= threshold < 1:
        raise UserError(
            f"The box threshold is {threshold}: choose a number from 0 up to, but not including, 1."
        )
    boxes = np.empty((len(heatmaps), 4))
    for start in range(0, len(heatmaps), _STACK):
        part = slice(start, start + _STACK)
        resized = normalise(resize(heatmaps[part], size))
        # Resizing to fewer pixels can step over a NaN.
        broken = ~np.isfinite(heatmaps[part]).all(axis=(1, 2), keepdims=True)
        maximum = otsu_thresholds(resized)[:, None, None] if otsu else 1.0
        boxes[part] = largest_boxes((resized > threshold * maximum) | broken)
    return boxes * np.tile(sizes, 2) / size


def largest_boxes(masks: Bool[np.ndarray, "n h w"]) -> Float[np.ndarray, "n 4"]:
    """The largest of the tightest boxes around each mask's components, in pixels of the mask.

    No mask may be empty. Components join over eight neighbours.
    """
    labels = np.empty(masks.shape, dtype=np.int32)
    ndimage.label(masks, _NEIGHBOURS, output=labels)
    found = ndimage.find_objects(labels)
    picture = np.array([z.start for z, _, _ in found])
    corners = np.array([(x.start, y.start, x.stop, y.stop) for _, y, x in found], dtype=float)
    areas = (corners[:, 2] - corners[:, 0]) * (corners[:, 3] - corners[:, 1])
    # Picture by picture, largest first; the sort is stable and labels follow the scan.
    order = np.lexsort((-areas, picture))
    _, first = np.unique(picture[order], return_index=True)
    return corners[order[first]]
