"""How far a score would move with other images: percentile bootstrap intervals (Efron, 1979)."""

from collections.abc import Callable, Sequence

import numpy as np

from ganloc.shapes import Float

_DRAWS = 4_000_000  # Image numbers drawn at a time: 32 MB, whatever the size of the set.


def bootstrap_interval(
    values: Float[np.ndarray, " n"],
    statistic: Callable[..., np.ndarray] = np.mean,
    samples: int = 2000,
    seed: int = 0,
    level: float = 0.95,
) -> tuple[float, float]:
    """The interval that holds the middle `level` of the statistic over resampled images.

    Args:
        values: one an image, at least one.
        statistic: a numpy reduction that takes `axis`, such as `np.mean` or `np.median`.
        samples: how many times n images are drawn with replacement.
        seed: the same seed draws the same images.
        level: 0–1.

    Returns:
        Its low and high end, in the unit of `values`.

    Raises:
        ValueError: there are no values.
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
    """The interval of the mean of a − b, where both score the same images in the same order.

    Pairing removes what makes an image easy or hard for both, so the interval is narrower than
    the two separate ones suggest. An interval above 0 says that `a` is better.
    """
    return bootstrap_interval(a - b, samples=samples, seed=seed, level=level)


def mean_over_sets(
    values: Sequence[Float[np.ndarray, " _"]],
    samples: int = 2000,
    seed: int = 0,
    level: float = 0.95,
) -> tuple[float, float, float]:
    """The mean of several sets' means, and its interval over images resampled within each set.

    Every set weighs the same however many images it holds. Paired differences give a paired
    bootstrap.

    Args:
        values: of each set, one an image, at least one.
        samples: how many times each set's images are drawn with replacement.
        seed: the same seed draws the same images.
        level: 0–1.

    Returns:
        The mean, and the low and high end of its interval, in the unit of `values`.

    Raises:
        ValueError: there is no set, or one without values.
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
