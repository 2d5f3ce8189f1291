"""The paper's heatmap: the class activation map of "real"."""

import torch
from torch import Tensor

from ganloc.shapes import Float


def class_activation_map(
    maps: Float[Tensor, "batch channels h w"], weights: Float[Tensor, " channels"]
) -> Float[Tensor, "batch h w"]:
    """M(x, y) = Σ_k w_k f_k(x, y): the discriminator's last maps, weighted by its linear unit.

    No bias, no ReLU. Large where the image looks real to the discriminator.
    """
    return torch.einsum("bkhw,k->bhw", maps, weights)
