"""Correlation of two measurements of runs within data sets, such as diversity and localization.

Sets differ in difficulty and diversity, so each set's mean is subtracted first. The question is
whether, on the same set, runs that are higher in x are higher in y. The interval resamples sets,
because runs on one set are not independent.
"""

from collections.abc import Sequence

import numpy as np

from ganloc.shapes import Float

_ROUNDING = 1e-12  # deviations below this ratio of the largest value count as 0


def centred_correlation(
    x: Float[np.ndarray, " n"], y: Float[np.ndarray, " n"], groups: Sequence[str | int]
) -> float | None:
    """Pearson's correlation of x and y after subtracting each group's mean from both.

    Args:
        x: one value a run.
        y: one value a run.
        groups: the set of each run. A group of one run has no effect.

    Returns:
        −1 to 1; None if x or y is constant within every group.

    >>> centred_correlation(np.array([1.0, 2, 11, 12]), np.array([5.0, 6, 1, 2]), list("aabb"))
    1.0
    """
    correlation = _correlations(_moments(x, y, groups).sum(axis=0, keepdims=True))
    return float(correlation[0]) if len(correlation) else None


def clustered_interval(
    x: Float[np.ndarray, " n"],
    y: Float[np.ndarray, " n"],
    groups: Sequence[str | int],
    resamples: int = 2000,
    seed: int = 0,
    level: float = 0.95,
) -> tuple[float, float] | None:
    """The cluster bootstrap interval of `centred_correlation`.

    Groups are drawn with replacement, each with all its runs. Resamples with an undefined
    correlation are left out. Percentile intervals are somewhat too narrow for as few groups as the
    paper's six (Cameron, Gelbach and Miller, 2008).

    Args:
        x: one value a run.
        y: one value a run.
        groups: the set of each run.
        resamples: number of bootstrap samples.
        seed: random seed of the samples.
        level: confidence level, 0–1.

    Returns:
        The low and high end of the interval; None if x or y varies in fewer than two groups, or if
        the correlation is undefined.
    """
    moments = _moments(x, y, groups)
    count = len(moments)
    if moments.any(axis=1).sum() < 2:
        return None
    times = np.random.default_rng(seed).multinomial(count, np.full(count, 1 / count), resamples)
    correlations = _correlations(times @ moments)
    if len(correlations) == 0:
        return None
    tail = (1 - level) / 2
    low, high = np.quantile(correlations, [tail, 1 - tail])
    return float(low), float(high)


def _moments(
    x: Float[np.ndarray, " n"], y: Float[np.ndarray, " n"], groups: Sequence[str | int]
) -> Float[np.ndarray, "groups 3"]:
    """Sums of x², y² and xy of each group, about the group's means.

    The sums add up over groups, so a group that is drawn k times counts k times.
    """
    names, group = np.unique(np.asarray(groups), return_inverse=True)
    one, other = (_centred(values, group) for values in (x, y))
    products = (one * one, other * other, one * other)
    return np.stack([np.bincount(group, p, len(names)) for p in products], axis=1)


def _centred(values: np.ndarray, group: np.ndarray) -> np.ndarray:
    means = np.bincount(group, values) / np.bincount(group)
    centred = values - means[group]
    return np.where(np.abs(centred) > _ROUNDING * np.abs(values).max(), centred, 0.0)


def _correlations(moments: Float[np.ndarray, "m 3"]) -> Float[np.ndarray, " defined"]:
    """The correlation of each row in which both x and y vary."""
    xx, yy, xy = moments[(moments[:, :2] > 0).all(axis=1)].T
    return xy / np.sqrt(xx * yy)
