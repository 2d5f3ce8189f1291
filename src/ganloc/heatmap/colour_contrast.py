"""Colour contrast with the four borders of the image, as a heatmap without a network.

Objects seldom touch the border, so pixels that differ from all four borders are likely the object.
This is the boundary contrast of Zhang et al., "Minimum Barrier Salient Object Detection at 80 FPS"
(ICCV 2015, section 4), without the barrier distance. It uses no label and no other image.
"""

import numpy as np
from scipy.ndimage import gaussian_filter

from ganloc.images.batches import batched
from ganloc.shapes import Float, UInt8

# Ratios of the maximum for `boxes_from_heatmaps`: those of the best mean GT-known Loc on the
# training images of the six development sets.
THRESHOLD = 0.2
CENTRE_PRIOR_THRESHOLD = 0.15

_NOISE = 0.01  # standard deviation added to the colours (0–1) of a border, which may be constant
_SPREAD = 0.3  # standard deviation of the centre prior, in sides of the image


def colour_contrast(
    pixels: UInt8[np.ndarray, "n size size 3"], centre_prior: bool = False
) -> Float[np.ndarray, "n size size"]:
    """Colour distance of each pixel to the four borders, min-max normalised to 0–1.

    The distance to one border is the Mahalanobis distance to the colours of a strip of 1/32 of the
    side. The result is the geometric mean of the four distances, so a pixel that matches any border
    is background. Images are blurred by 1/64 of the side first.

    Args:
        pixels: RGB, 0–255.
        centre_prior: multiply by a centred Gaussian. Cut at `CENTRE_PRIOR_THRESHOLD` then, else at
            `THRESHOLD`.
    """
    n, size = pixels.shape[:2]
    heatmaps = np.empty((n, size, size), dtype=np.float32)
    for part in batched(n):
        heatmaps[part] = _contrast(pixels[part] / 255)
    return with_centre_prior(heatmaps) if centre_prior else heatmaps


def with_centre_prior(
    heatmaps: Float[np.ndarray, "n size size"],
) -> Float[np.ndarray, "n size size"]:
    """Heatmaps times a centred Gaussian, to be cut at `CENTRE_PRIOR_THRESHOLD`."""
    size = heatmaps.shape[1]
    offsets = (np.arange(size) + 0.5) / size - 0.5
    prior = np.exp(-(offsets**2) / (2 * _SPREAD**2)).astype(np.float32)
    return heatmaps * (prior[:, None] * prior)


def _contrast(colours: Float[np.ndarray, "n size size 3"]) -> Float[np.ndarray, "n size size"]:
    size = colours.shape[1]
    width = max(1, size // 32)
    colours = gaussian_filter(colours, (0, size / 64, size / 64, 0))
    borders = (
        colours[:, :width],
        colours[:, -width:],
        colours[:, :, :width],
        colours[:, :, -width:],
    )
    logs = [np.log(_distance(colours, border) + 1e-3) for border in borders]
    contrast = np.exp(np.mean(logs, axis=0))
    contrast -= contrast.min(axis=(1, 2), keepdims=True)
    highest = contrast.max(axis=(1, 2), keepdims=True)
    return np.divide(contrast, highest, out=np.zeros_like(contrast), where=highest > 0)


def _distance(
    colours: Float[np.ndarray, "n size size 3"], border: Float[np.ndarray, "n _ _ 3"]
) -> Float[np.ndarray, "n size size"]:
    """Mahalanobis distance of every pixel to the colours of one border strip."""
    strip = border.reshape(len(border), -1, 3)
    middle = strip.mean(axis=1)
    spread = strip - middle[:, None]
    covariance = spread.swapaxes(1, 2) @ spread / strip.shape[1] + _NOISE**2 * np.eye(3)
    offset = colours.reshape(len(colours), -1, 3) - middle[:, None]
    squares = (offset @ np.linalg.inv(covariance) * offset).sum(axis=-1)
    return np.sqrt(squares).reshape(colours.shape[:3])
