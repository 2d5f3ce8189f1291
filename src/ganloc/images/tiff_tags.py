"""What the tags of a TIFF say (TIFF 6.0; 42113 is GDAL's, 32997 of SGI)."""

from collections.abc import Mapping
from typing import Any

import numpy as np

BITS, COMPRESSION, PHOTOMETRIC, SAMPLES, PALETTE = 258, 259, 262, 277, 320
EXTRA, FORMAT, LOWEST, HIGHEST, DEPTH, NO_DATA = 338, 339, 340, 341, 32997, 42113
UNSIGNED, UNDEFINED = 1, 4  # FORMAT
MIN_IS_WHITE, MIN_IS_BLACK, RGB, MAPPED, CMYK = 0, 1, 2, 3, 5  # PHOTOMETRIC
MULTIPLIED, ALPHA = 1, 2  # EXTRA: opacity, and whether colours are multiplied by it
CHANNELS = {MIN_IS_WHITE: 1, MIN_IS_BLACK: 1, RGB: 3}
_ALL_CHANNELS = {**CHANNELS, MAPPED: 1, 4: 1, CMYK: 4, 6: 3, 8: 3, 9: 3, 10: 3}

Tags = Mapping[int, Any]


def first(tags: Tags, tag: int, otherwise: int) -> int:
    """The first number of a tag."""
    value = tags.get(tag, otherwise)
    return int(value[0] if isinstance(value, tuple) else value)


def several(tags: Tags, tag: int) -> tuple[int, ...]:
    """All numbers of a tag; none without it."""
    value = tags.get(tag, ())
    return tuple(map(int, value if isinstance(value, tuple) else (value,)))


def is_deep(tags: Tags) -> bool:
    """Whether samples have more than 8 bits, or are signed or floats."""
    kinds = set(several(tags, FORMAT)) or {UNSIGNED}
    return first(tags, BITS, 1) > 8 or not kinds <= {UNSIGNED, UNDEFINED}


def unused_channels(tags: Tags) -> int:
    """How many channels are neither colour nor opacity."""
    samples, extra = first(tags, SAMPLES, 1), several(tags, EXTRA)
    beyond = samples - _ALL_CHANNELS.get(first(tags, PHOTOMETRIC, MIN_IS_BLACK), samples)
    has_alpha = any(kind in (MULTIPLIED, ALPHA) for kind in extra)
    assumed = not extra and samples == 4  # RGB and a fourth channel without a word on it
    return max(0, beyond - (has_alpha or assumed))


def no_data(tags: Tags) -> float | None:
    """The number for no value; None without one."""
    text = tags.get(NO_DATA)
    try:
        return None if text is None else float(str(text).strip("\0 "))
    except ValueError:
        return None


def limits(dtype: np.dtype, tags: Tags) -> tuple[float, float] | None:
    """Black and white by the tags SMinSampleValue and SMaxSampleValue."""
    low, high = tags.get(LOWEST), tags.get(HIGHEST)
    if high is None or (low is None and dtype.kind != "u"):
        return None
    low = min(map(float, low if isinstance(low, tuple) else (low or 0,)))
    high = max(map(float, high if isinstance(high, tuple) else (high,)))
    return (low, high) if np.isfinite([low, high]).all() and low < high else None
