"""Foreground by colour: how far each pixel is from the image's smooth background.

Border contrast (heatmap/colour_contrast.py) takes what touches the border for background, and fails
where many objects do. Here the background is the densest colour of an image. It may change smoothly
over the image: a quadratic surface is fitted to it by iteratively reweighted least squares.
"""

import numpy as np
from scipy.ndimage import gaussian_filter, uniform_filter

from ganloc.box.otsu import common_otsu_threshold
from ganloc.shapes import Float, UInt8

BLUR = 1 / 64  # standard deviation, in sides of the image
COARSE = 32  # side at which the background is fitted, in pixels
BINS = 12  # of the histogram of colours, along each channel
WIDTH = 0.06  # of a background's colours (0–1)
ROUNDS = 6  # of reweighting
FLOOR = 0.02  # added to distances before the logarithm
FAINTEST = 0.01  # distance that can be foreground
SPREAD = 0.3  # by which an image's own threshold may differ from the set's, in logarithms
_RIDGE = np.diag([0.0, 0.1, 0.1, 0.3, 0.3, 0.3]) * 1e-3  # slopes cost a little, bends more


def background_distance(
    pixels: UInt8[np.ndarray, "n size size 3"],
) -> Float[np.ndarray, "n size size"]:
    """Distance of each pixel's colour (0–1) to the background at its place, 0 and above.

    A grey square of 0.4 on black (blurring does not reach its centre):

    >>> image = np.zeros((1, 64, 64, 3), np.uint8)
    >>> image[:, 20:40, 20:40] = 102
    >>> distance = background_distance(image)[0]
    >>> distance[30, 30].round(2), distance[5, 5].round(2)  # 0.4 · √3, 0
    (np.float32(0.69), np.float32(0.0))
    """
    size = pixels.shape[1]
    step = max(1, size // COARSE)
    surface = _surface(size)
    coarse = surface[step // 2 :: step, step // 2 :: step].reshape(-1, 6)
    distances = np.empty(pixels.shape[:3], np.float32)
    for index, image in enumerate(pixels):
        colours = gaussian_filter(image / 255.0, (BLUR * size, BLUR * size, 0))
        seen = colours[step // 2 :: step, step // 2 :: step].reshape(-1, 3)
        background = surface @ _fitted(coarse, seen)
        distances[index] = np.sqrt(((colours - background) ** 2).sum(axis=2))
    return distances


def foreground_thresholds(distances: Float[np.ndarray, "n size size"]) -> Float[np.ndarray, " n"]:
    """The distance above which a pixel is foreground, for each image.

    It is Otsu's threshold of the logarithms: faint objects count beside strong ones. An image's own
    threshold stays near that of the set, so that an image without an object has no foreground.
    """
    logs = np.log(distances + FLOOR)
    common = common_otsu_threshold(logs)
    own = np.array([common_otsu_threshold(image[None]) for image in logs])
    return (np.exp(own.clip(common - SPREAD, common + SPREAD)) - FLOOR).clip(FAINTEST)


def _surface(size: int) -> Float[np.ndarray, "size size 6"]:
    at = (np.arange(size) + 0.5) / size - 0.5
    y, x = np.meshgrid(at, at, indexing="ij")
    return np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], axis=2)


def _fitted(
    surface: Float[np.ndarray, "m 6"], colours: Float[np.ndarray, "m 3"]
) -> Float[np.ndarray, "6 3"]:
    """Coefficients of the background. Colours that are far from it have hardly any weight."""
    distance = np.sqrt(((colours - _densest(colours)) ** 2).sum(axis=1))
    coefficients = np.zeros((6, 3))
    for _ in range(ROUNDS):
        weights = 1.0 / (1.0 + (distance / WIDTH) ** 2) ** 2
        weighted = surface * weights[:, None]
        normal = weighted.T @ surface + _RIDGE * weights.sum()
        coefficients = np.linalg.solve(normal, weighted.T @ colours)
        distance = np.sqrt(((colours - surface @ coefficients) ** 2).sum(axis=1))
    return coefficients


def _densest(colours: Float[np.ndarray, "m 3"]) -> Float[np.ndarray, " 3"]:
    """The densest colour: mean shift from the fullest part of the histogram."""
    cells = np.minimum((colours * BINS).astype(int), BINS - 1)
    counts = np.zeros((BINS, BINS, BINS))
    np.add.at(counts, tuple(cells.T), 1.0)
    counts = uniform_filter(counts, 3, mode="constant")
    mode = (np.array(np.unravel_index(counts.argmax(), counts.shape)) + 0.5) / BINS
    for _ in range(20):
        weights = np.exp(-((colours - mode) ** 2).sum(axis=1) / (2.0 * WIDTH**2))
        mode = (weights[:, None] * colours).sum(axis=0) / weights.sum().clip(1e-300)
    return mode
