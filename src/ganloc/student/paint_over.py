"""Painting boxes over: what an image would look like without its object."""

import numpy as np
from scipy.ndimage import gaussian_filter

from ganloc.shapes import Float, UInt8
from ganloc.student.evidence import inside, scaled

MARGIN = 1.1  # painted, in sides of the box: edges of the object may reach out a little
BLURS = (1 / 4, 1 / 8, 1 / 16)  # standard deviations, in sides of the image
_LEAST = 1e-3  # weight of the colours around a pixel, from which they fill it


def paint_over(
    pixels: UInt8[np.ndarray, "n size size 3"], boxes: Float[np.ndarray, "n 4"]
) -> UInt8[np.ndarray, "n size size 3"]:
    """Fill boxes with the blurred colours around them, more sharply near the edges.

    It is normalised convolution (Knutsson and Westin, CVPR 1993): what lies in the box has no
    weight. What no blur reaches gets the mean colour of what is around. The margin is left out if
    it would leave nothing around, and an image that its box covers stays as it is.

    Args:
        pixels: RGB, 0–255.
        boxes: xyxy, half-open, in fractions of the image.

    >>> grey = np.full((1, 32, 32, 3), 90, np.uint8)
    >>> grey[:, 8:24, 8:24] = 255
    >>> int(paint_over(grey, np.array([[0.25, 0.25, 0.75, 0.75]])).max())
    90
    """
    size = pixels.shape[1]
    boxed, wider = (inside(each, size) for each in (boxes, scaled(boxes, MARGIN)))
    boxed = np.where(wider.all(axis=(1, 2), keepdims=True), boxed, wider)
    around = (~boxed).astype(np.float32)
    shown = pixels * around[..., None]
    painted = pixels.astype(np.float32)
    count = around.sum(axis=(1, 2))
    mean = shown.sum(axis=(1, 2)) / count.clip(1)[:, None]
    boxed &= (count > 0)[:, None, None]
    painted[boxed] = np.broadcast_to(mean[:, None, None], painted.shape)[boxed]
    for blur in BLURS:
        weight = gaussian_filter(around, (0, blur * size, blur * size))
        colours = gaussian_filter(shown, (0, blur * size, blur * size, 0))
        filled = boxed & (weight > _LEAST)
        painted[filled] = colours[filled] / weight[filled, None]
    return painted.round().clip(0, 255).astype(np.uint8)
