"""Images and masks at another size, a multiple or a fraction of their own.

What is smaller shows the means of squares, what is larger repeats pixels: nothing is blurred.
"""

import numpy as np
import torch
from torch.nn.functional import interpolate

from ganloc.shapes import Bool, Float, UInt8


def resized(
    pixels: UInt8[np.ndarray, "n size size 3"], size: int
) -> UInt8[np.ndarray, "n other other 3"]:
    """Images at another size.

    >>> resized(np.array([0, 100, 200, 100], np.uint8).repeat(3).reshape(1, 2, 2, 3), 1)
    array([[[[100, 100, 100]]]], dtype=uint8)
    """
    if size == pixels.shape[1]:
        return pixels
    channels = pixels.transpose(0, 3, 1, 2)
    found = np.stack([_means(image, size).round().astype(np.uint8) for image in channels])
    return np.ascontiguousarray(found.transpose(0, 2, 3, 1))


def resized_masks(
    masks: Bool[np.ndarray, "n size size"], size: int
) -> Bool[np.ndarray, "n other other"]:
    """Masks at another size: true where most of a square is, if it is smaller."""
    return _means(masks, size) > 0.5


def _means(maps: np.ndarray, size: int) -> Float[np.ndarray, "n other other"]:
    shown = torch.from_numpy(maps.astype(np.float32))[None]
    return interpolate(shown, size=(size, size), mode="area")[0].numpy()
