"""The LDA direction: Fisher's linear discriminant between border and inside of all images.

R. Fisher, The Use of Multiple Measurements in Taxonomic Problems, 1936. Objects seldom touch the
border, so the direction that best separates features inside from features along the border also
separates objects from their surroundings. It uses no label. It uses the whole set, because one
image does not show what is common to all backgrounds.
"""

import torch
from torch import Tensor

from ganloc.heatmap.moments import Moments
from ganloc.shapes import Float

RIDGE = 0.01  # in units of the mean variance of a channel; needed for channels that are constant


def lda_direction(moments: Moments) -> Float[Tensor, " channels"]:
    """S⁻¹(μ_inside − μ_border), where S is the mean of the two covariances plus a ridge.

    The scale of the direction has no meaning. It is zero if all features are equal.

    Raises:
        ValueError: `moments` hold no maps, or maps of less than 3 × 3 cells.

    >>> moments = Moments()
    >>> moments.add(torch.tensor([[[[1.0, -1.0, 1.0], [-1.0, 3.0, -1.0], [1.0, -1.0, 1.0]]]]))
    >>> lda_direction(moments)  # means 3 and 0, variances 0 and 1: 3 / (½ · 1.01)
    tensor([5.9406], dtype=torch.float64)
    """
    (inside, scatter), (border, other) = moments.inside(), moments.border()
    within = (scatter + other) / 2.0
    ridge = RIDGE * within.diagonal().mean()
    if not ridge > 0.0:
        return torch.zeros_like(inside)
    return torch.linalg.solve(within + ridge * torch.eye(len(inside)).to(within), inside - border)
