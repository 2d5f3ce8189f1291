"""How alike the heatmaps of different images are: the paper's second claim as a number.

GANs of high diversity, it finds, give nearly the same heatmap for every image (figure 2).
"""

import numpy as np

from ganloc.shapes import Float

_CONSTANT = 1e-6  # Span of a heatmap, as a ratio of its largest value, that is but rounding.


def uniformity(heatmaps: Float[np.ndarray, "n h w"]) -> float:
    """Mean Pearson correlation over all pairs of heatmaps of different images.

    1: the same heatmap everywhere, whatever its scale and offset. 0: unrelated heatmaps. It can
    fall to −1/(n − 1), no further. With a constant heatmap correlation is undefined: two constants
    count as alike (1), a constant and one that varies as unrelated (0).

    Give it plain CAMs. Readings that multiply by a centre prior share that prior, and correlate for
    no merit of the network.

    With each heatmap z centred and of length 1, the n(n − 1) ordered pairs sum to ‖Σz‖² − n.

    Raises:
        ValueError: fewer than two heatmaps.
    """
    n = len(heatmaps)
    if n < 2:
        raise ValueError("Uniformity needs at least two heatmaps.")
    flat = heatmaps.reshape(n, -1).astype(np.float64)
    varies = np.ptp(flat, axis=1) > _CONSTANT * np.abs(flat).max(axis=1)
    units = flat[varies] - flat[varies].mean(axis=1, keepdims=True)
    units /= np.linalg.norm(units, axis=1, keepdims=True)
    constant = n - len(units)
    total = (units.sum(axis=0) ** 2).sum() - len(units) + constant * (constant - 1)
    return float(total / (n * (n - 1)))
