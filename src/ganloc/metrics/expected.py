"""The quality that hints lead to expect: measured on hints that were not shown."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import stdtrit

NORMAL = 1.959964  # quantile 0.975 of the normal distribution


@dataclass(frozen=True)
class Expected:
    """Expected metrics, with 95 % intervals.

    Attributes:
        hints: number of hints.
        gt_known_loc: percentage of IoU > 0.5.
        interval: its Wilson score interval, which holds for few hints.
        mean_iou: 0–1.
        interval_iou: Student's t interval of `mean_iou`, cut to 0–1.
        without: percentage of IoU > 0.5 without hints; None where nothing was trained without.
    """

    hints: int
    gt_known_loc: float
    interval: tuple[float, float]
    mean_iou: float
    interval_iou: tuple[float, float]
    without: float | None = None

    def sentence(self) -> str:
        """The expectation in words.

        >>> print(expected([0.8, 0.6, 0.4, 0.9]).sentence())
        Expected by 4 hints: 75 of 100 boxes with IoU > 0.5 (30 to 95), mean IoU 0.67 (0.32 to 1).
        """
        low, high = self.interval
        least, most = self.interval_iou
        before = "" if self.without is None else f"; without hints {self.without:.0f} of 100"
        return (
            f"Expected by {self.hints} hints: {self.gt_known_loc:.0f} of 100 boxes with IoU > 0.5 "
            f"({low:.0f} to {high:.0f}), mean IoU {self.mean_iou:.2f} ({least:.2g} to {most:.2g})"
            f"{before}."
        )


def expected(ious: Sequence[float], without: Sequence[float] = ()) -> Expected:
    """What to expect by the IoU of each hint that was not shown.

    Args:
        ious: at least two.
        without: those of the same images without hints, or none.
    """
    values = np.asarray(ious, dtype=float)
    count, hits = len(values), values > 0.5
    margin = stdtrit(count - 1, 0.975) * values.std(ddof=1) / math.sqrt(count)
    around = (values.mean() - margin).clip(0.0, 1.0), (values.mean() + margin).clip(0.0, 1.0)
    return Expected(
        count,
        100.0 * float(hits.mean()),
        wilson_interval(int(hits.sum()), count),
        float(values.mean()),
        (float(around[0]), float(around[1])),
        100.0 * float((np.asarray(without) > 0.5).mean()) if len(without) else None,
    )


def wilson_interval(hits: int, count: int) -> tuple[float, float]:
    """The 95 % score interval of a percentage (Wilson, 1927).

    >>> [round(end, 1) for end in wilson_interval(9, 10)]
    [59.6, 98.2]
    """
    share, square = hits / count, NORMAL**2
    centre = share + square / (2 * count)
    margin = NORMAL * math.sqrt(share * (1 - share) / count + square / (4 * count**2))
    low, high = ((centre + side * margin) / (1 + square / count) for side in (-1, 1))
    return 100.0 * max(0.0, low), 100.0 * min(1.0, high)
