"""Uniformity: similarity of the heatmaps of different images.

The paper claims that GANs of high diversity give nearly the same heatmap for every image (figure
2).
"""

import numpy as np

from ganloc.shapes import Float

_CONSTANT = 1e-6  # a heatmap with a smaller span, as a ratio of its largest value, is constant


def uniformity(heatmaps: Float[np.ndarray, "n h w"]) -> float:
    """Mean Pearson correlation over all pairs of heatmaps of different images.

    Two constant heatmaps count as 1, a constant and a varying one as 0.

    Args:
        heatmaps: without a centre prior, which would correlate all heatmaps. The paper's plain CAMs
            have none.

    Returns:
        1 if all heatmaps are equal up to scale and offset, 0 if they are uncorrelated, and at least
        −1/(n − 1).

    Raises:
        ValueError: fewer than two heatmaps.

    >>> stripes = np.array([[[0.0, 1.0], [0.0, 1.0]], [[0.0, 2.0], [0.0, 2.0]]])
    >>> round(uniformity(stripes), 6)  # equal up to scale
    1.0
    >>> round(uniformity(stripes * [[[1.0]], [[-1.0]]]), 6)  # opposite
    -1.0
    """
    n = len(heatmaps)
    if n < 2:
        raise ValueError("Uniformity needs at least two heatmaps.")
    flat = heatmaps.reshape(n, -1).astype(np.float64)
    varies = np.ptp(flat, axis=1) > _CONSTANT * np.abs(flat).max(axis=1)
    units = flat[varies] - flat[varies].mean(axis=1, keepdims=True)
    units /= np.linalg.norm(units, axis=1, keepdims=True)
    constant = n - len(units)
    # The n(n − 1) ordered pairs of centred heatmaps z of length 1 sum to ‖Σz‖² − n.
    total = (units.sum(axis=0) ** 2).sum() - len(units) + constant * (constant - 1)
    return float(total / (n * (n - 1)))
