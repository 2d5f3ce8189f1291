"""A threshold from each heatmap's own histogram."""

import numpy as np

from ganloc.shapes import Float

BINS = 64


def otsu_thresholds(heatmaps: Float[np.ndarray, "n h w"]) -> Float[np.ndarray, " n"]:
    """Where two classes, below and above, differ most: the greatest between-class variance.

    N. Otsu, A Threshold Selection Method from Gray-Level Histograms, 1979, on 64 bins.

    Args:
        heatmaps: 0–1.

    Returns:
        A threshold in (0, 1) for each; 1/64 for a heatmap within one bin.
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
