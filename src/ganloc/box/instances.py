"""The objects of each image: the parts of its mask.

The default takes the component with the largest box, as the paper does. For several objects an
image, every component counts that is not far smaller than the largest, and a component is cut where
it has a neck: where the largest circles that fit into its two parts are much wider than those that
fit in between.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import ndimage

from ganloc.box.from_heatmap import component_labels, components, largest
from ganloc.box.soft_mask import SoftMask
from ganloc.images.batches import CUT, batched
from ganloc.shapes import Bool, Float, Int

# A part counts if its area is at least this ratio of the image's largest. See docs/log.md.
SMALLEST = 0.1
# Two parts are two objects if the widest circle in between is below this ratio of the smaller
# part's, and the smaller part's is above the other ratio of the larger part's: things of one kind
# in one image are about equally wide, and a head is not a second animal.
NECK, EQUAL = 0.7, 0.6

_NUMBER = np.int16  # enough for 128² components, the most of a mask of 256 × 256 pixels


@dataclass(frozen=True)
class Instances:
    """The objects of a set of images, without a score.

    Attributes:
        image: index of the image of each object, ascending.
        boxes: of each object, xyxy, half-open, in fractions of its image.
        masks: of each object.
    """

    image: Int[np.ndarray, " k"]
    boxes: Float[np.ndarray, "k 4"]
    masks: tuple[SoftMask, ...]


def find_instances(
    masks: Bool[np.ndarray, "n size size"],
    heatmaps: Float[np.ndarray, "n size size"],
    levels: Float[np.ndarray, " n"],
    several: bool = False,
) -> Instances:
    """Take the masks of images apart into objects.

    Args:
        masks: the pixels of all objects of each image, at least one.
        heatmaps: 0–1, of which `masks` are the pixels above the level.
        levels: of each heatmap.
        several: take all objects. By default the largest, one an image.

    >>> heatmaps = np.zeros((1, 8, 8))
    >>> heatmaps[0, 1:4, 1:4] = heatmaps[0, 5:7, 5:8] = 1.0
    >>> find_instances(heatmaps > 0.5, heatmaps, np.array([0.5]), several=True).boxes * 8
    array([[1., 1., 4., 4.],
           [5., 5., 8., 7.]])
    """
    size, find = masks.shape[1], _all_parts if several else _largest
    image, boxes, own = [np.zeros(0, int)], [np.zeros((0, 4))], []
    for part in batched(len(masks), CUT):
        labels, owner, numbers, corners = find(masks[part])
        image.append(owner + part.start)
        boxes.append(corners / size)
        for index, number in zip(owner.tolist(), numbers.tolist(), strict=True):
            at = index + part.start
            own.append(SoftMask(heatmaps[at], float(levels[at]), labels[index], number))
    return Instances(np.concatenate(image), np.concatenate(boxes), tuple(own))


# The object of each pixel, counted from 1 within its image; image, number and box (in pixels) of
# each object that counts.
_Found = tuple[
    Int[np.ndarray, "n size size"],
    Int[np.ndarray, " k"],
    Int[np.ndarray, " k"],
    Float[np.ndarray, "k 4"],
]


def _largest(masks: Bool[np.ndarray, "n size size"]) -> _Found:
    """All components, of which the one with the largest box counts."""
    labels, image, boxes = components(masks)
    first = np.searchsorted(image, np.arange(len(masks))).astype(np.int32)
    labels -= np.where(labels > 0, first[:, None, None], 0)
    numbers = np.arange(1, len(image) + 1) - first[image]
    kept = largest(image, boxes)
    return labels.astype(_NUMBER), image[kept], numbers[kept], boxes[kept]


def _all_parts(masks: Bool[np.ndarray, "n size size"]) -> _Found:
    """All parts of all components, of which those that are not too small count."""
    labels = np.stack([component_labels(mask).astype(_NUMBER) for mask in masks])
    parts = [_parts(own, index) for index, own in enumerate(labels)]
    image, numbers, boxes = (np.concatenate(each) for each in zip(*parts, strict=True))
    return labels, image, numbers, boxes


def _parts(
    labels: Int[np.ndarray, "size size"], index: int
) -> tuple[Int[np.ndarray, " k"], Int[np.ndarray, " k"], Float[np.ndarray, "k 4"]]:
    """Image, number and box (in pixels) of each part of an image's components, the largest first.

    `labels` of components are replaced by the numbers of parts.
    """
    for number, place in enumerate(ndimage.find_objects(labels), start=1):
        around = tuple(slice(max(0, side.start - 1), side.stop + 1) for side in place)
        own = labels[around] == number
        parts = split_at_necks(own)
        count = labels.max()
        for part in range(2, parts.max() + 1):
            labels[around][parts == part] = count + part - 1
    places = ndimage.find_objects(labels)
    areas = np.bincount(labels.ravel(), minlength=len(places) + 1)[1:]
    order = np.argsort(-areas, kind="stable")
    order = order[areas[order] >= SMALLEST * areas.max()]
    boxes = [[x.start, y.start, x.stop, y.stop] for y, x in (places[i] for i in order)]
    return np.full(len(order), index), order + 1, np.array(boxes, dtype=float)


def split_at_necks(mask: Bool[np.ndarray, "h w"]) -> Int[np.ndarray, "h w"]:
    """The parts of one component, numbered from 1; 0 beyond it.

    The distance of each pixel from the background is high in the middle of a part and low in a
    neck. A peak of height p is a part of its own if no path leads from it to a higher one without
    falling to `NECK` p (the peaks of dynamics above (1 − NECK) p: Grimaud, A new measure of
    contrast: the dynamics, 1992). Pixels belong to the nearest part.

    Args:
        mask: with a margin of a pixel, unless it ends with the image: what the frame cuts is not
            narrow there.

    >>> two = np.zeros((7, 14), bool)
    >>> two[1:6, 1:6] = two[3, 6:8] = two[1:6, 8:13] = True
    >>> split_at_necks(two)[3].tolist()
    [0, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 0]
    """
    whole = mask.astype(np.int32)
    if mask.all():
        return whole
    distances: Any = ndimage.distance_transform_edt(mask)
    depth = distances - 0.5  # from the edge of the background's pixels
    peaks = component_labels(mask & (depth >= ndimage.maximum_filter(depth, 3)))
    if peaks.max() == 1:
        return whole
    heights = np.array(ndimage.maximum(depth, peaks, np.arange(1, peaks.max() + 1)))
    cores = np.zeros_like(whole)
    for peak in np.argsort(-heights, kind="stable").tolist():
        height = heights[peak]
        if height < EQUAL * heights.max():
            break
        above = component_labels(depth > NECK * height)
        core = above == above[peaks == peak + 1][0]
        if depth[core].max() <= height and not cores[core].any():
            cores[core] = cores.max() + 1
    if cores.max() < 2:
        return whole
    nearest: Any = ndimage.distance_transform_edt(
        cores == 0, return_distances=False, return_indices=True
    )
    return np.where(mask, cores[tuple(nearest)], 0)
