"""Which numbers of deep images are black and white: one scale for a whole set.

Files of more than 8 bits a sample do not say which number is white: a camera of 12 bits writes
files of 16, and floats have no limit at all. An image's own maximum must not decide, for then two
frames of one camera would differ in brightness. So a `Digest` is taken of every file, and `decide`
makes one scale of all of them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ganloc.images.digest import Digest, merged
from ganloc.shapes import UInt8

# Bits of masks, of usual samples and of their sums.
DEPTHS = (1, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30, 32, 64)
SATURATED = (2**8 - 1, 2**12 - 1, 2**14 - 1, 2**16 - 1)  # white of the commonest depths
RARE = 1e-3  # the largest share of values that are too few to be the object
_AT_A_TIME = 2**22  # values converted at a time: bounds the memory

# What programs write where there is no value, apart from −99, −999, …, 9999, … and huge numbers.
_FILLERS = {-32768.0, -32767.0, 32767.0, -28672.0, -(2.0**31), 1 - 2.0**31, 2.0**31 - 1}
_SIGNED = (2.0**7 - 1, 2.0**15 - 1, 2.0**31 - 1, 2.0**63 - 1)  # the largest of signed types
_FAR = 100  # times the span of all other values


@dataclass(frozen=True)
class Range:
    """The numbers shown as black and white.

    Attributes:
        low: shown as 0.
        high: shown as 255. Everything below `low` or above `high` is shown as 0 or 255.
        missing: numbers that stand for no value and are shown as the backdrop.
        opaque: what is opaque in alpha channels; None if it is the largest number of their type.
    """

    low: float
    high: float
    missing: tuple[float, ...] = ()
    opaque: float | None = None

    def to_8_bits(self, values: np.ndarray) -> UInt8[np.ndarray, "..."]:
        """Numbers as 0–255; missing ones come out as anything.

        >>> Range(0.0, 4095.0).to_8_bits(np.array([0, 819, 4095, 5000]))
        array([  0,  51, 255, 255], dtype=uint8)
        """
        if values.dtype == np.uint8 and (self.low, self.high) == (0, 255):
            return values
        if values.dtype == np.uint16 and values.size > 2**16:  # each number once
            return self.to_8_bits(np.arange(2**16, dtype=np.uint16))[values]
        flat, shown = values.reshape(-1), np.empty(values.size, np.uint8)
        factor = 255 / ((self.high - self.low) or 1)
        for start in range(0, len(flat), _AT_A_TIME):
            part = flat[start : start + _AT_A_TIME].astype(np.float64)
            with np.errstate(all="ignore"):  # numbers near the largest float
                part = np.nan_to_num((part - self.low) * factor, nan=0.0)
            shown[start : start + _AT_A_TIME] = np.round(part.clip(0, 255))
        return shown.reshape(values.shape)

    @property
    def sentence(self) -> str:
        """The range in words.

        >>> Range(0.0, 4095.0).sentence
        '0 to 4095 (12 bits) shown as 0 to 255'
        """
        bits = f" ({int(self.high).bit_length()} bits)" if self._is_depth else ""
        if self.low == self.high:
            return f"all {_number(self.low)}, shown as 0"
        return f"{_number(self.low)} to {_number(self.high)}{bits} shown as 0 to 255"

    @property
    def _is_depth(self) -> bool:
        return self.low == 0 and self.high in [2**bits - 1 for bits in DEPTHS[1:]]


@dataclass(frozen=True)
class Scale:
    """One scale for a set: a range for its images of integers and one for those of floats.

    None stands for a kind of image that the set does not hold.
    """

    integers: Range | None = None
    floats: Range | None = None

    def of(self, kind: str) -> Range | None:
        """The range of "integers" or "floats"."""
        return self.floats if kind == "floats" else self.integers

    def to_dict(self) -> dict[str, Any]:
        """As JSON can hold it; `from_dict` reads it back.

        >>> Scale.from_dict(Scale(Range(0.0, 1023.0)).to_dict())
        Scale(integers=Range(low=0.0, high=1023.0, missing=(), opaque=None), floats=None)
        """
        ranges = {kind: self.of(kind) for kind in ("integers", "floats")}
        return {
            kind: {
                "low": own.low,
                "high": own.high,
                "missing": list(own.missing),
                "opaque": own.opaque,
            }
            for kind, own in ranges.items()
            if own is not None
        }

    @classmethod
    def from_dict(cls, given: Mapping[str, Any]) -> "Scale":
        """The scale of `to_dict`. Raises KeyError, TypeError or ValueError for anything else."""
        ranges = {}
        for kind, own in given.items():
            missing, opaque = tuple(map(float, own["missing"])), own.get("opaque")
            opaque = None if opaque is None else float(opaque)
            ranges[kind] = Range(float(own["low"]), float(own["high"]), missing, opaque)
        return cls(**ranges)


def decide(digests: Sequence[Digest], known: Scale | None = None, alone: bool = False) -> Scale:
    """One scale for the images of these digests.

    Black and white are those that all files tell, if they agree. Otherwise floats within 0 and 1
    run from 0 to 1 if they reach beyond half of that. Integers run from 0 to the end of the
    smallest usual depth that holds the largest of the set; so do floats that are whole numbers, if
    they fill more than half of it. All others run from the smallest to the largest number.

    Args:
        digests: of all deep images of the set.
        known: the scale of a model. Its ranges are kept. Numbers far outside them that programs
            write for no value are added as missing, whatever else the set holds.
        alone: for one image whose set is not known. White close to the end of a depth then counts
            as the next depth: other frames of the camera may be brighter.

    >>> frames = [Digest.of(np.array([0, peak], np.uint16)) for peak in (1020, 1030)]
    >>> decide(frames)
    Scale(integers=Range(low=0.0, high=4095.0, missing=(), opaque=None), floats=None)
    """
    scale = known or Scale()
    for kind in ("integers", "floats"):
        own = [digest for digest in digests if digest.kind == kind]
        if own:
            scale = replace(scale, **{kind: _decide(own, scale.of(kind), alone)})
    return scale


def beyond(digest: Digest, own: Range) -> bool:
    """Whether some values of an image lie outside a range, so that they are cut off."""
    ends = [value for value, _ in (*digest.lowest, *digest.highest) if value not in own.missing]
    return bool(ends) and (min(ends) < own.low or max(ends) > own.high)


def is_gap(digest: Digest, own: Range) -> bool:
    """Whether some pixels of an image have no value."""
    ends = {value for value, _ in (*digest.lowest, *digest.highest)}
    return bool(digest.missing) or not ends.isdisjoint(own.missing)


def _decide(digests: Sequence[Digest], known: Range | None, alone: bool) -> Range:
    lowest = merged((digest.lowest for digest in digests), 1)
    highest = merged((digest.highest for digest in digests), -1)
    if known is not None:
        return _kept(known, digests, [value for value, _ in (*lowest, *highest)])
    total = sum(digest.count for digest in digests)
    lone: list[float] = []
    signed = digests[0].kind == "floats" or any(digest.top in _SIGNED for digest in digests)
    for _ in range(2):  # a lone value at one end hides one at the other
        for ends, others in ((lowest, highest), (highest, lowest)):
            cut = _lone(ends, others, total, signed)
            lone += [value for value, _ in ends[:cut]]
            del ends[:cut]
    low, high = (lowest[0][0], highest[0][0]) if lowest and highest else (0.0, 0.0)
    low, high = _black_and_white(digests, low, high, alone)
    return Range(low, high, tuple(sorted(set(lone))), _opaque(digests, high))


def _kept(known: Range, digests: Sequence[Digest], ends: Sequence[float]) -> Range:
    span = known.high - known.low
    low, high = known.low - span, known.high + span
    new = [value for value in ends if not low <= value <= high and _is_filler(value)]
    opaque = _opaque(digests, known.high) if known.opaque is None else known.opaque
    return replace(known, missing=tuple(sorted({*known.missing, *new})), opaque=opaque)


def _opaque(digests: Sequence[Digest], high: float) -> float | None:
    """The opaque number of the alpha channels: white, where they reach no further."""
    most = max(digest.alpha for digest in digests)
    if digests[0].kind == "floats":
        return max(most, high) if most > 1 else None
    return high if 0 < most <= high else None


def _black_and_white(
    digests: Sequence[Digest], low: float, high: float, alone: bool
) -> tuple[float, float]:
    told = {digest.limits for digest in digests}
    limits = told.pop() if len(told) == 1 else None
    if limits is not None and limits[0] <= low and high <= limits[1]:
        return limits
    if digests[0].kind == "floats" and low >= 0 and 0.5 < high <= 1:
        return 0.0, 1.0
    if all(digest.whole for digest in digests) and low >= 0 and high < 2 ** DEPTHS[-1]:
        told_bits = max(digest.bits for digest in digests)
        bits = next(bits for bits in DEPTHS if high < 2**bits)
        if digests[0].kind == "floats" and high - low <= 2 ** (bits - 1):
            return low, high
        near_end = high > 0.99 * 2**bits and high not in SATURATED and bits <= 16
        if alone and near_end and not told_bits and not digests[0].min_is_white:
            bits += 2
        return 0.0, min(2.0 ** max(bits, told_bits) - 1, max(digest.top for digest in digests))
    return low, high


def _lone(
    ends: Sequence[tuple[float, int]],
    others: Sequence[tuple[float, int]],
    total: int,
    signed: bool,
) -> int:
    """How many of the outermost values stand for no value.

    They are farther from the next value than all others are from one another, and are numbers that
    programs write for no value, or very few, or (a single one of signed numbers) farther by far.
    """
    for cut in range(len(ends) - 1, 0, -1):
        outer, inner, far = ends[cut - 1][0], ends[cut][0], others[0][0]
        span = abs(far - inner)
        rare = span > 0 and sum(count for _, count in ends[:cut]) < RARE * total
        gap = abs(inner - outer)
        if gap > span and (rare or all(_is_filler(value) for value, _ in ends[:cut])):
            return cut
        if signed and cut == 1 and 0 < _FAR * span < gap:
            return cut
    return 0


def _is_filler(value: float) -> bool:
    if value in _FILLERS or abs(value) >= 1e20:
        return True
    digits = f"{abs(value):.0f}"
    return value == round(value) and set(digits) == {"9"} and len(digits) >= (2 if value < 0 else 4)


def _number(value: float) -> str:
    return f"{value:.0f}" if value == round(value) and abs(value) < 1e15 else f"{value:.6g}"
