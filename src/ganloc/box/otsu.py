"""Otsu's threshold of each heatmap, and of all values of a set."""

import numpy as np

from ganloc.shapes import Float

BINS = 64
TAILS = 0.002  # share of a set's values that is clipped at both ends


def otsu_thresholds(heatmaps: Float[np.ndarray, "n h w"]) -> Float[np.ndarray, " n"]:
    """The threshold that maximises the between-class variance of each heatmap, on 64 bins.

    N. Otsu, A Threshold Selection Method from Gray-Level Histograms, 1979.

    Args:
        heatmaps: 0–1.

    Returns:
        A threshold in (0, 1) for each; 1/64 if all values lie in one bin.

    >>> otsu_thresholds(np.array([[[0.0, 0.0], [0.0, 1.0]]]))
    array([0.015625])
    """
    count = len(heatmaps)
    bins = np.minimum((heatmaps * BINS).astype(int), BINS - 1).reshape(count, -1)
    flat = (bins + BINS * np.arange(count)[:, None]).ravel()
    share = np.bincount(flat, minlength=count * BINS).reshape(count, BINS) / bins.shape[1]
    levels = (np.arange(BINS) + 0.5) / BINS
    below = share.cumsum(axis=1)[:, :-1]
    moment = (share * levels).cumsum(axis=1)
    mean, moment = moment[:, -1:], moment[:, :-1]
    spread = below * (1.0 - below)
    between = np.divide(
        (mean * below - moment) ** 2, spread, out=np.zeros_like(spread), where=spread > 1e-12
    )
    return (between.argmax(axis=1) + 1) / BINS


def common_otsu_threshold(maps: Float[np.ndarray, "n h w"], factor: float = 1.0) -> float:
    """One threshold of maps on any scale: `factor` times Otsu's threshold of all their values.

    Values are clipped to their quantiles `TAILS` and 1 − `TAILS`, and `factor` counts from the
    lower one. The threshold of equal values is their value.

    Half of the values are 5, half are 69, so the first of 64 bins ends at 6:

    >>> common_otsu_threshold(np.repeat([5.0, 69.0], 32).reshape(1, 8, 8))
    6.0
    """
    low, high = np.quantile(maps, [TAILS, 1.0 - TAILS])
    if not high > low:
        return float(low)
    scaled = ((maps - low) / (high - low)).clip(0.0, 1.0)
    threshold = otsu_thresholds(scaled.reshape(1, -1, maps.shape[2]))[0]
    return float(low + (high - low) * factor * threshold)
