"""One box from a heatmap (the paper's section on object co-localization, arXiv 1806.00236).

The heatmap is resized to the image and cut at a ratio of its maximum. Each connected component
gives its tightest box. The box of the largest area is kept.
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

THRESHOLD = 0.2  # ratio of the maximum, as in the paper

# Eight neighbours within an image and none across images, so that one call labels a whole stack.
_NEIGHBOURS = np.zeros((3, 3, 3), dtype=bool)
_NEIGHBOURS[1] = True


def resize(heatmaps: Float[np.ndarray, "n h w"], size: int) -> Float[np.ndarray, "n {size} {size}"]:
    """Resize to `size` × `size` pixels, bilinearly between cell centres (`align_corners` false)."""
    stack = torch.from_numpy(np.ascontiguousarray(heatmaps))[:, None]
    return functional.interpolate(stack, size=(size, size), mode="bilinear")[:, 0].numpy()


def normalise(heatmaps: Float[np.ndarray, "n h w"]) -> Float[np.ndarray, "n h w"]:
    """Stretch each heatmap to 0–1 by its own minimum and maximum.

    A heatmap that is constant or not finite becomes all ones, which gives the whole image as box.
    """
    lowest = heatmaps.min(axis=(1, 2), keepdims=True)
    highest = heatmaps.max(axis=(1, 2), keepdims=True)
    with np.errstate(invalid="ignore", over="ignore"):
        span = highest - lowest
        # Resizing a constant heatmap leaves differences of a few rounding errors.
        rounding = 8 * np.finfo(heatmaps.dtype).eps * np.maximum(abs(lowest), abs(highest))
        varies = np.isfinite(span) & (span > rounding)
        return np.where(varies, (heatmaps - lowest) / np.where(varies, span, 1), 1)


def boxes_from_heatmaps(
    heatmaps: Float[np.ndarray, "n h w"],
    size: int,
    threshold: float = THRESHOLD,
    otsu: bool = False,
) -> Float[np.ndarray, "n 4"]:
    """The largest box of each heatmap, xyxy, half-open, in fractions of the image.

    Args:
        heatmaps: one an image, on any scale, large where the object is.
        size: side in pixels to which heatmaps are resized before they are cut.
        threshold: ratio of the maximum, after min-max normalisation, that a pixel must exceed.
        otsu: `threshold` is a ratio of each heatmap's Otsu threshold, not of its maximum.

    Returns:
        One box an image: the first of equal area, in row-major order. A heatmap that is constant
        or not finite gives the whole image.

    Raises:
        UserError: the threshold is not in [0, 1).

    >>> heatmap = np.zeros((1, 4, 4))
    >>> heatmap[0, 1:3, 1:] = 1.0
    >>> boxes_from_heatmaps(heatmap, size=4)
    array([[0.25, 0.25, 1.  , 0.75]])
    """
    boxes = np.empty((len(heatmaps), 4))
    for part in batched(len(heatmaps), CUT):
        boxes[part] = largest_boxes(cut(heatmaps[part], size, threshold, otsu))
    return boxes / size


def cut(
    heatmaps: Float[np.ndarray, "n h w"], size: int, threshold: float, otsu: bool = False
) -> Bool[np.ndarray, "n {size} {size}"]:
    """The pixels of each heatmap above its threshold (as for `boxes_from_heatmaps`), at least one.

    Raises:
        UserError: the threshold is not in [0, 1).
    """
    if not 0 <= np.float32(threshold) < 1:  # single precision, because most heatmaps have it
        raise UserError(
            f"The box threshold is {threshold}: choose a number from 0 up to, but not including, 1."
        )
    masks = np.empty((len(heatmaps), size, size), dtype=bool)
    for part in batched(len(heatmaps), CUT):
        resized = normalise(resize(heatmaps[part], size))
        # Resizing to fewer pixels can miss a NaN.
        broken = ~np.isfinite(heatmaps[part]).all(axis=(1, 2), keepdims=True)
        maximum = otsu_thresholds(resized)[:, None, None] if otsu else 1.0
        masks[part] = (resized > threshold * maximum) | broken
    return masks


def largest_boxes(masks: Bool[np.ndarray, "n h w"]) -> Float[np.ndarray, "n 4"]:
    """The largest of the tightest boxes around each mask's components, in pixels of the mask.

    No mask may be empty. Components are 8-connected.
    """
    image, boxes = component_boxes(masks)
    return boxes[largest(image, boxes)]


def component_boxes(
    masks: Bool[np.ndarray, "n h w"],
) -> tuple[Int[np.ndarray, " k"], Float[np.ndarray, "k 4"]]:
    """The mask and the box of each of the `components`."""
    return components(masks)[1:]


def components(
    masks: Bool[np.ndarray, "n h w"],
) -> tuple[Int[np.ndarray, "n h w"], Int[np.ndarray, " k"], Float[np.ndarray, "k 4"]]:
    """The components of every mask, and the tightest box around each.

    Components are 8-connected, in row-major order of their first pixels, counted from 1.

    Returns:
        The component of each pixel, 0 for none; the index of the mask of each component; their
        boxes, xyxy, half-open, in pixels of the mask.
    """
    labels = np.empty(masks.shape, dtype=np.int32)
    ndimage.label(masks, _NEIGHBOURS, output=labels)
    count = labels.max(initial=0)
    # A component has far fewer runs along x than pixels, and they have the same box.
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
    return labels, owner, boxes.T.astype(float)


def component_labels(mask: Bool[np.ndarray, "h w"], corners: bool = True) -> Int[np.ndarray, "h w"]:
    """The component of each pixel of one mask, counted from 1; 0 for none.

    Args:
        mask: of one image.
        corners: whether pixels that touch at a corner are of one component.

    >>> component_labels(np.eye(2, dtype=bool), corners=False).tolist()
    [[1, 0], [0, 2]]
    """
    labels = np.empty(mask.shape, np.int32)
    ndimage.label(mask, np.ones((3, 3)) if corners else None, output=labels)
    return labels


def largest(image: Int[np.ndarray, " k"], boxes: Float[np.ndarray, "k 4"]) -> Int[np.ndarray, " n"]:
    """The index of each image's largest box, the first of equals.

    Args:
        image: index of each box's image, counted from 0. Every image has at least one box.
        boxes: xyxy.

    >>> largest(np.array([0, 0, 1]), np.array([[0.0, 0, 1, 1], [0, 0, 2, 2], [0, 0, 1, 1]]))
    array([1, 2])
    """
    order = np.lexsort((-area(boxes), image))
    _, first = np.unique(image[order], return_index=True)
    return order[first]
