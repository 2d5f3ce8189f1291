"""The images that a method hit, packed into short text for rows of results."""

import numpy as np

from ganloc.shapes import Bool, Float

THRESHOLDS = (0.5, 0.7)  # an IoU above the threshold is a hit


def packed(ious: Float[np.ndarray, " n"]) -> dict[str, str]:
    """Hits at each threshold as hexadecimal text, eight images in two digits.

    The first image is the highest bit.

    >>> packed(np.array([0.8, 0.6, 0.2]))
    {'0.5': 'c0', '0.7': '80'}
    """
    return {str(t): np.packbits(ious > t).tobytes().hex() for t in THRESHOLDS}


def unpacked(hits: dict[str, str], threshold: float, count: int) -> Bool[np.ndarray, " n"]:
    """The hits of the first `count` images: the inverse of `packed` for one threshold.

    >>> unpacked({"0.5": "c0", "0.7": "80"}, 0.5, count=3)
    array([ True,  True, False])
    """
    bits = np.frombuffer(bytes.fromhex(hits[str(threshold)]), np.uint8)
    return np.unpackbits(bits, count=count).astype(bool)
