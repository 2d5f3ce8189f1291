"""Fisher's linear discriminant between what a whole set shows inside and along its borders.

R. Fisher, The Use of Multiple Measurements in Taxonomic Problems, 1936. Objects seldom own the
border, so the direction of feature space that best tells the inside of the images from their
borders tells the object from its surroundings, as far as the features can. It is found on the whole
set without a label, and knows what one image can't: what surroundings look like.
"""

import torch
from torch import Tensor

from ganloc.heatmap.moments import Moments
from ganloc.shapes import Float

RIDGE = 0.01  # of the mean variance of a channel, so that a channel which never speaks is harmless


def lda_direction(moments: Moments) -> Float[Tensor, " channels"]:
    """S⁻¹(μ_inside − μ_border), where S is the mean of the two covariances plus a ridge.

    Its scale and the heatmap's level mean nothing. Zero where all features are alike everywhere.

    Raises:
        ValueError: there are no maps, or they have no cell inside their border.
    """
    (inside, scatter), (border, other) = moments.inside(), moments.border()
    within = (scatter + other) / 2.0
    ridge = RIDGE * within.diagonal().mean()
    if not ridge > 0.0:
        return torch.zeros_like(inside)
    return torch.linalg.solve(within + ridge * torch.eye(len(inside)).to(within), inside - border)
