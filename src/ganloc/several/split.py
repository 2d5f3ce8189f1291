"""Foreground split into objects: the largest discs that fit, apart where the foreground is narrow.

The distance transform is highest in the middle of each object. Two maxima are one object unless the
foreground between them is narrow. Each pixel belongs to the disc with the lowest power distance
|p − c|² − r² (Aurenhammer, Power Diagrams, 1987). No watershed is needed.
"""

import numpy as np
from scipy import ndimage

from ganloc.box.from_heatmap import component_labels
from ganloc.shapes import Bool, Float, Int

NECK = 0.8  # of the smaller of two discs' radii: narrower foreground parts them
SMALLEST = 0.4  # radius of an object, in typical radii
FIRST_RADIUS = 2.0  # of the smallest disc before the typical radius is known, in pixels
BANDWIDTH = 0.15  # with which the typical radius is found, in logarithms


def split(
    masks: Bool[np.ndarray, "n size size"],
) -> tuple[list[Int[np.ndarray, "size size"]], float]:
    """Split foreground into objects.

    The first pass finds the typical radius of the set, the second uses it: holes that are smaller
    than an object are filled, and what is thinner than a fifth of an object is opened.

    Returns:
        For each image, the number of the object of each pixel, 0 for none; and the typical radius
        in pixels.
    """
    size = masks.shape[1]
    labels: list[np.ndarray] = []
    hole, opening, least, radius = 0.01 * size**2, 3, FIRST_RADIUS, FIRST_RADIUS
    for _ in range(2):
        labels, radii = [], []
        for mask in masks:
            filled = fill_holes(mask, hole)
            opened = ndimage.binary_opening(filled, disc(opening, opening))
            own, found = _split(opened, least)
            labels.append(own)
            radii.append(found)
        every = np.concatenate(radii)
        if not len(every):
            break
        radius = typical(every)
        hole, least = 0.8 * np.pi * radius**2, SMALLEST * radius
        opening = max(3, 2 * int(0.4 * radius) + 1)
    return labels, radius


def typical(radii: Float[np.ndarray, " k"]) -> float:
    """The most frequent radius by the area that it covers, with a Gaussian kernel on logarithms.

    >>> round(typical(np.array([10.0, 10.0, 10.0, 20.0, 1.0, 1.0])), 1)  # specks hardly count
    20.0
    >>> round(typical(np.array([10.0] * 5 + [20.0])), 1)
    10.0
    """
    logs = np.log(radii)
    at = np.linspace(logs.min(), logs.max(), 200)
    kernels = np.exp(-(((at[:, None] - logs) / BANDWIDTH) ** 2) / 2.0)
    return float(np.exp(at[(kernels * radii**2).sum(axis=1).argmax()]))


def fill_holes(mask: Bool[np.ndarray, "h w"], most: float) -> Bool[np.ndarray, "h w"]:
    """Fill holes of at most so many pixels that do not touch the frame."""
    labels = component_labels(~mask, corners=False)
    small = np.bincount(labels.ravel()) <= most
    for side in (labels[0], labels[-1], labels[:, 0], labels[:, -1]):
        small[side] = False
    small[0] = False
    return mask | small[labels]


def disc(h: int, w: int) -> Bool[np.ndarray, "h w"]:
    """The ellipse that fills a rectangle."""
    return from_centre(h, w) <= 1.0


def from_centre(h: int, w: int) -> Float[np.ndarray, "h w"]:
    """Squared distance of each pixel from a rectangle's centre, in half sides along each axis."""
    y, x = np.mgrid[:h, :w]
    return ((x + 0.5 - w / 2) / (w / 2)) ** 2 + ((y + 0.5 - h / 2) / (h / 2)) ** 2


def _split(
    mask: Bool[np.ndarray, "h w"], least: float
) -> tuple[Int[np.ndarray, "h w"], Float[np.ndarray, " k"]]:
    """Objects of one image, and the radii of their discs."""
    pieces = component_labels(mask)
    # Objects go on beyond the frame.
    exact = np.asarray(ndimage.distance_transform_edt(np.pad(mask, 1, mode="edge")))[1:-1, 1:-1]
    smooth = ndimage.gaussian_filter(exact, 1.0) * mask
    centres = _centres(exact, smooth, least)
    labels = np.zeros(mask.shape, int)
    radii = exact[tuple(centres.T)]
    if not len(centres):
        return labels, radii
    y, x = np.nonzero(mask)
    offsets = np.stack([y, x], axis=1)[:, None] - centres
    power = (offsets**2).sum(axis=2) - radii**2
    power[pieces[y, x][:, None] != pieces[tuple(centres.T)]] = np.inf
    nearest = power.argmin(axis=1)
    labels[y, x] = np.where(np.isfinite(power.min(axis=1)), nearest + 1, 0)
    return labels, radii


def _centres(
    exact: Float[np.ndarray, "h w"], smooth: Float[np.ndarray, "h w"], least: float
) -> Int[np.ndarray, "k 2"]:
    """Maxima of the distance transform between which the foreground is narrow, largest first."""
    highest = (ndimage.maximum_filter(smooth, 5) == smooth) & (exact >= least)
    places = np.argwhere(highest)
    places = places[np.argsort(-smooth[highest], kind="stable")]
    kept: list[np.ndarray] = []
    for place in places:
        if all(_apart(smooth, place, other) for other in kept):
            kept.append(place)
    return np.array(kept, int).reshape(-1, 2)


def _apart(smooth: Float[np.ndarray, "h w"], place: np.ndarray, other: np.ndarray) -> bool:
    """Whether the foreground between a disc and a larger one is narrow."""
    length = float(np.hypot(*(place - other)))
    steps = np.linspace(0.0, 1.0, max(3, int(2 * length)))[:, None]
    line = np.rint(place + (other - place) * steps).astype(int)
    return bool(smooth[tuple(line.T)].min() < NECK * smooth[tuple(place)])
