"""Percentile bootstrap intervals of metrics over images (Efron, 1979)."""

from collections.abc import Callable, Sequence

import numpy as np

from ganloc.shapes import Float

_DRAWS = 4_000_000  # image indices drawn at a time: 32 MB


def bootstrap_interval(
    values: Float[np.ndarray, " n"],
    statistic: Callable[..., np.ndarray] = np.mean,
    samples: int = 2000,
    seed: int = 0,
    level: float = 0.95,
) -> tuple[float, float]:
    """The percentile bootstrap interval of a statistic over images.

    Args:
        values: one value an image, at least one.
        statistic: a numpy reduction that takes `axis`, such as `np.mean` or `np.median`.
        samples: number of bootstrap samples.
        seed: random seed of the samples.
        level: confidence level, 0–1.

    Returns:
        The low and high end of the interval, in the unit of `values`.

    Raises:
        ValueError: there are no values.

    >>> hits = np.repeat([0.0, 100.0], [40, 60])  # 60 of 100 images are hit
    >>> low, high = bootstrap_interval(hits)
    >>> 50 <= low <= 52 and 68 <= high <= 70  # 60 ± 9.6 by the normal approximation
    True
    """
    if len(values) == 0:
        raise ValueError("A bootstrap needs at least one value.")
    random = np.random.default_rng(seed)
    block = max(1, _DRAWS // len(values))
    statistics = [
        statistic(values[random.integers(len(values), size=(rows, len(values)))], axis=1)
        for rows in np.diff([*range(0, samples, block), samples])
    ]
    tail = (1 - level) / 2
    low, high = np.quantile(np.concatenate(statistics), [tail, 1 - tail])
    return float(low), float(high)


def paired_bootstrap(
    a: Float[np.ndarray, " n"],
    b: Float[np.ndarray, " n"],
    samples: int = 2000,
    seed: int = 0,
    level: float = 0.95,
) -> tuple[float, float]:
    """The bootstrap interval of the mean of a − b, image by image.

    Pairing removes the difficulty of the images, which both methods share. `a` is better if the
    interval lies above 0.

    Args:
        a: one value an image.
        b: values of another method on the same images, in the same order.
        samples: number of bootstrap samples.
        seed: random seed of the samples.
        level: confidence level, 0–1.

    Returns:
        The low and high end of the interval, in the unit of `a` and `b`.

    >>> hits, others = np.array([100.0, 0.0, 0.0]), np.array([0.0, -100.0, -100.0])
    >>> paired_bootstrap(hits, others)  # the difference is 100 in every image
    (100.0, 100.0)
    """
    return bootstrap_interval(a - b, samples=samples, seed=seed, level=level)


def mean_over_sets(
    values: Sequence[Float[np.ndarray, " _"]],
    samples: int = 2000,
    seed: int = 0,
    level: float = 0.95,
) -> tuple[float, float, float]:
    """The mean of the means of several sets, and its bootstrap interval.

    Images are resampled within each set. All sets have equal weight. Paired differences as `values`
    give a paired bootstrap.

    Args:
        values: for each set, one value an image, at least one.
        samples: number of bootstrap samples.
        seed: random seed of the samples.
        level: confidence level, 0–1.

    Returns:
        The mean, and the low and high end of its interval, in the unit of `values`.

    Raises:
        ValueError: there is no set, or a set without values.
    """
    if not values or not all(len(each) for each in values):
        raise ValueError("A bootstrap over sets needs at least one value in each.")
    random = np.random.default_rng(seed)
    means = np.zeros(samples)
    for each in values:
        draws = random.integers(len(each), size=(samples, len(each)))
        means += np.asarray(each, dtype=float)[draws].mean(axis=1) / len(values)
    tail = (1 - level) / 2
    low, high = np.quantile(means, [tail, 1 - tail])
    return float(np.mean([np.mean(each) for each in values])), float(low), float(high)
