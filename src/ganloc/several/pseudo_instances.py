"""Pseudo-instances: label-free objects, several an image, on which a first finder is trained.

Foreground (background.py) is split into touching objects by its distance transform. The objects
of a set are of one kind: their typical size decides what is a speck and what is a clump. Only
*clear* instances are taught: round, with a firm edge, and alone. The rest of the foreground is
not known, and nothing is taught there.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from ganloc.box.from_heatmap import component_labels
from ganloc.several.background import background_distance, foreground_thresholds
from ganloc.several.resized import resized
from ganloc.several.split import fill_holes, split
from ganloc.shapes import Bool, Float, UInt8

WORK = 128  # side at which instances are cut, in pixels
EDGE = 0.4  # share of its median distance to the background at which an instance is cut
STABLE = (0.25, 0.3, 0.5, 0.6)  # further shares: a firm edge gives nearly the same instance
ROUND, FIRM, ALONE = 0.85, 0.75, 0.3  # limits of a clear instance
TYPICAL = 0.3  # in logarithms of the radius
SEVERAL = 0.5  # clear instances of typical size an image, from which a set holds several


@dataclass(frozen=True)
class PseudoInstances:
    """The pseudo-instances of one image.

    Attributes:
        boxes: xyxy, half-open, in fractions of the image.
        radii: of discs of the same area, in sides of the image.
        clear: whether each is round, firm and alone, and is not cut by the frame.
        foreground: what is not background.
        background: median colour of the rest, 0–255.
    """

    boxes: Float[np.ndarray, "k 4"]
    radii: Float[np.ndarray, " k"]
    clear: Bool[np.ndarray, " k"]
    foreground: Bool[np.ndarray, "work work"]
    background: Float[np.ndarray, " 3"]


def pseudo_instances(
    pixels: UInt8[np.ndarray, "n size size 3"],
) -> tuple[list[PseudoInstances], float]:
    """The pseudo-instances of each image, and the typical radius in sides of the image.

    Args:
        pixels: RGB, 0–255.

    >>> image = np.zeros((1, 64, 64, 3), np.uint8)
    >>> image[0, 20:30, 10:20] = image[0, 40:50, 40:50] = 200
    >>> found, radius = pseudo_instances(image)
    >>> (found[0].boxes * 64).round()
    array([[10., 20., 20., 30.],
           [40., 40., 50., 50.]])
    """
    shown = resized(pixels, WORK)
    distances = background_distance(shown)
    thresholds = foreground_thresholds(distances)
    masks = distances > thresholds[:, None, None]
    labels, radius = split(masks)
    found = [
        _of_image(image, distance, own, radius)
        for image, distance, own in zip(shown, distances, labels, strict=True)
    ]
    return found, radius / WORK


def holds_several(found: Sequence[PseudoInstances], radius: float) -> bool:
    """Whether the clear instances of typical size show that images hold several objects."""
    typical = sum(
        int((own.clear & (abs(np.log(own.radii / radius)) < TYPICAL)).sum()) for own in found
    )
    return typical >= SEVERAL * len(found)


def _of_image(
    image: UInt8[np.ndarray, "work work 3"],
    distance: Float[np.ndarray, "work work"],
    labels: np.ndarray,
    radius: float,
) -> PseudoInstances:
    boxes, radii, clear = [], [], []
    for number, place in enumerate(ndimage.find_objects(labels), start=1):
        if place is None:
            continue
        place = tuple(slice(max(0, axis.start - 2), axis.stop + 2) for axis in place)
        own, near = labels[place] == number, distance[place]
        level, hole = np.median(near[own]), 0.8 * np.pi * radius**2
        firm = _largest(fill_holes(own & (near > EDGE * level), hole))
        others = [_largest(fill_holes(own & (near > share * level), hole)) for share in STABLE]
        rows, columns = (np.flatnonzero(firm.any(axis=axis)) for axis in (1, 0))
        x, y = place[1].start, place[0].start
        box = np.array([x + columns[0], y + rows[0], x + columns[-1] + 1, y + rows[-1] + 1])
        ring = ndimage.binary_dilation(own) & ~own
        touching = (labels[place][ring] > 0).mean() if ring.any() else 0.0
        clear.append(
            box.min() > 0
            and box.max() < WORK
            and roundness(firm) > ROUND
            and np.mean([(firm & other).sum() / (firm | other).sum() for other in others]) > FIRM
            and touching < ALONE
        )
        boxes.append(box / WORK)
        radii.append(np.sqrt(firm.sum() / np.pi) / WORK)
    beyond = image[labels == 0] if (labels == 0).any() else image.reshape(-1, 3)
    return PseudoInstances(
        np.array(boxes).reshape(-1, 4),
        np.array(radii, float),
        np.array(clear, bool),
        labels > 0,
        np.median(beyond, axis=0),
    )


def roundness(mask: Bool[np.ndarray, "h w"]) -> float:
    """IoU of a mask with the ellipse that has its moments; 1 for an ellipse.

    >>> round(roundness(np.ones((40, 40), bool)), 2)  # a square and a circle of radius 1/√3
    0.83
    """
    y, x = np.nonzero(mask)
    if len(y) < 6:
        return 0.0
    points = np.stack([x, y], axis=1).astype(float)
    centre = points.mean(axis=0)
    inverse = np.linalg.inv(np.cov((points - centre).T) + np.eye(2) / 12.0)
    h, w = mask.shape
    rows, columns = np.mgrid[-h : 2 * h, -w : 2 * w]  # the ellipse may reach out
    offsets = np.stack([columns, rows], axis=2) - centre
    ellipse = np.einsum("hwi,ij,hwj->hw", offsets, inverse, offsets) <= 4.0
    both = (mask & ellipse[h : 2 * h, w : 2 * w]).sum()
    return float(both / (mask.sum() + ellipse.sum() - both))


def _largest(mask: Bool[np.ndarray, "h w"]) -> Bool[np.ndarray, "h w"]:
    labels = component_labels(mask, corners=False)
    return labels == np.bincount(labels.ravel())[1:].argmax() + 1
