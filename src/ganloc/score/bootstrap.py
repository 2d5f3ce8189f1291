"""How far a score would move with other pictures: percentile bootstrap intervals (Efron, 1979)."""

from collections.abc import Callable

import numpy as np

from ganloc.shapes import Float

_DRAWS = 4_000_000  # Picture numbers drawn at a time: 32 MB, whatever the size of the set.


def bootstrap_interval(
    values: Float[np.ndarray, " n"],
    statistic: Callable[..., np.ndarray] = np.mean,
    samples: int = 2000,
    seed: int = 0,
    level: float = 0.95,
) -> tuple[float, float]:
    """The interval that holds the middle `level` of the statistic over resampled pictures.

    Args:
        values: one a picture, at least one.
        statistic: a numpy reduction that takes `axis`, such as `np.mean` or `np.median`.
        samples: how many times n pictures are drawn with replacement.
        seed: the same seed draws the same pictures.
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
    """The interval of the mean of a − b, where both score the same pictures in the same order.

    Pairing removes what makes a picture easy or hard for both, so the interval is narrower than
    the two separate ones suggest. An interval above 0 says that `a` is better.
    """
    return bootstrap_interval(a - b, samples=samples, seed=seed, level=level)
