"""What one deep image says about the scale of its set (scale.py)."""

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

KEPT = 5  # distinct values kept at either end of each file
_AT_A_TIME = 2**22  # values counted at a time: bounds the memory


@dataclass(frozen=True)
class Digest:
    """What one deep image says about the scale of its set.

    Attributes:
        kind: "integers" or "floats".
        whole: whether all values are whole numbers.
        lowest, highest: the `KEPT` lowest and highest distinct values, from the end, with the
            number of pixels that have them.
        count: number of values that are not missing.
        missing: number of missing values (not finite, or the file's no-data value).
        top: the largest number that the type of the samples holds.
        bits: the depth that the file itself tells; 0 if it does not.
        limits: black and white that the file itself tells (SMinSampleValue, SMaxSampleValue).
        min_is_white: whether the smallest number is white.
        alpha: the largest number of an alpha channel; 0 without one.
    """

    kind: str
    whole: bool
    lowest: tuple[tuple[float, int], ...]
    highest: tuple[tuple[float, int], ...]
    count: int
    missing: int = 0
    top: float = math.inf
    bits: int = 0
    limits: tuple[float, float] | None = None
    min_is_white: bool = False
    alpha: float = 0.0

    @classmethod
    def of(cls, values: np.ndarray, missing: int = 0, **told: Any) -> "Digest":
        """The digest of an array of valid values of any shape, with what else the file tells."""
        flat = values.reshape(-1)
        kind = "floats" if flat.dtype.kind == "f" else "integers"
        whole = kind == "integers" or bool(np.all(flat == np.round(flat)))
        lowest, highest = _lowest(flat), _lowest(flat, -1)
        top = math.inf if kind == "floats" else float(np.iinfo(flat.dtype).max)
        return cls(kind, whole, lowest, highest, len(flat), missing, top, **told)

    @classmethod
    def joined(cls, parts: "Sequence[Digest]") -> "Digest":
        """The digest of an image of its bands' digests, at least one."""
        return replace(
            parts[0],
            whole=all(part.whole for part in parts),
            lowest=tuple(merged((part.lowest for part in parts), 1)),
            highest=tuple(merged((part.highest for part in parts), -1)),
            count=sum(part.count for part in parts),
            missing=sum(part.missing for part in parts),
            alpha=max(part.alpha for part in parts),
        )


def merged(
    ends: Iterable[tuple[tuple[float, int], ...]], direction: int
) -> list[tuple[float, int]]:
    """The outermost values of several, from the end: the lowest for direction 1, else −1."""
    counts: Counter[float] = Counter()
    for one in ends:
        counts.update(dict(one))
    return sorted(counts.items(), key=lambda item: direction * item[0])[:KEPT]


def _lowest(flat: np.ndarray, direction: int = 1) -> tuple[tuple[float, int], ...]:
    """The lowest distinct values and how many there are of each; the highest for direction −1."""
    if flat.dtype in (np.uint8, np.uint16):
        counts = np.zeros(2**16, np.int64)
        for start in range(0, len(flat), _AT_A_TIME):
            counts += np.bincount(flat[start : start + _AT_A_TIME], minlength=2**16)
        there = np.flatnonzero(counts)[::direction][:KEPT]
        return tuple((float(value), int(counts[value])) for value in there)
    found = []
    while len(flat) and len(found) < KEPT:
        value = flat.min() if direction == 1 else flat.max()
        rest = flat[flat != value]
        found.append((float(value), len(flat) - len(rest)))
        flat = rest
    return tuple(found)
