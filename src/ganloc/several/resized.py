"""Images and masks at another size, a multiple or a fraction of their own."""

import numpy as np
from scipy.ndimage import zoom

from ganloc.shapes import Bool, UInt8


def resized(
    pixels: UInt8[np.ndarray, "n size size 3"], size: int
) -> UInt8[np.ndarray, "n other other 3"]:
    """Images at another size: means of squares if it is smaller, else bilinear.

    >>> resized(np.array([0, 100, 200, 100], np.uint8).repeat(3).reshape(1, 2, 2, 3), 1)
    array([[[[100, 100, 100]]]], dtype=uint8)
    """
    old = pixels.shape[1]
    if size == old:
        return pixels
    if size < old:
        squares = pixels.reshape(len(pixels), size, old // size, size, old // size, 3)
        return squares.mean(axis=(2, 4)).round().astype(np.uint8)
    factors = (size / old, size / old, 1)
    larger = np.empty((len(pixels), size, size, 3), np.uint8)
    for image, place in zip(pixels, larger, strict=True):
        zoom(image, factors, output=place, order=1, mode="nearest", grid_mode=True)
    return larger


def resized_masks(
    masks: Bool[np.ndarray, "n size size"], size: int
) -> Bool[np.ndarray, "n other other"]:
    """Masks at another size: true where most of a square is, if it is smaller."""
    old = masks.shape[1]
    if size >= old:
        return masks.repeat(size // old, axis=1).repeat(size // old, axis=2)
    squares = masks.reshape(len(masks), size, old // size, size, old // size)
    return squares.mean(axis=(2, 4)) > 0.5
