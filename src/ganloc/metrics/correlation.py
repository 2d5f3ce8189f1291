"""Whether two measurements go together within each data set, such as diversity and localization.

Sets differ in how hard they are and in how alike their images are; what is asked is whether, on
one and the same set, the runs that are higher in x are higher in y. So each set's mean is taken off
first, and sets, not runs, are what the interval resamples: runs on one set are not independent.
"""

from collections.abc import Sequence

import numpy as np

from ganloc.shapes import Float

_ROUNDING = 1e-12  # Deviations below this ratio of the largest value are 0.


def centred_correlation(
    x: Float[np.ndarray, " n"], y: Float[np.ndarray, " n"], groups: Sequence[str | int]
) -> float | None:
    """Pearson's correlation of x and y after subtracting each group's mean from both.

    Args:
        x: one value a run.
        y: one value a run.
        groups: the set of each run. A group of one run says nothing and changes nothing.

    Returns:
        −1 to 1, or None where x or y is constant within every group: it is then undefined.
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
    """The middle `level` of `centred_correlation` over resampled groups.

    As many groups as there are get drawn with replacement, each with all its runs. Resamples whose
    correlation is undefined are left out. With as few groups as the paper's six, percentile
    intervals are known to be rather too narrow (Cameron, Gelbach and Miller, 2008).

    Args:
        x: one value a run.
        y: one value a run.
        groups: the set of each run.
        resamples: how many times the groups are drawn.
        seed: the same seed draws the same groups.
        level: 0–1.

    Returns:
        Its low and high end, or None where there is nothing to resample: fewer than two groups in
        which x or y varies, or a correlation that is undefined.
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
    """Each group's sums of squares of x and of y and of products, about its own means.

    They add up over groups, so a group drawn k times counts k times.
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
    """Of those rows in which both vary."""
    xx, yy, xy = moments[(moments[:, :2] > 0).all(axis=1)].T
    return xy / np.sqrt(xx * yy)
