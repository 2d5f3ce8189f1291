"""Which images a method hit, as short text that a row of results can hold."""

import numpy as np

from ganloc.shapes import Bool, Float

THRESHOLDS = (0.5, 0.7)  # of IoU; a hit lies above


def packed(ious: Float[np.ndarray, " n"]) -> dict[str, str]:
    """For each threshold, eight images in two hexadecimal digits, the first image highest."""
    return {str(t): np.packbits(ious > t).tobytes().hex() for t in THRESHOLDS}


def unpacked(hits: dict[str, str], threshold: float, count: int) -> Bool[np.ndarray, " n"]:
    """The hits of the first `count` images."""
    bits = np.frombuffer(bytes.fromhex(hits[str(threshold)]), np.uint8)
    return np.unpackbits(bits, count=count).astype(bool)
