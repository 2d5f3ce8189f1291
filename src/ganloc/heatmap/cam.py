"""The class activation map (CAM) of "real", the paper's heatmap."""

import torch
from torch import Tensor

from ganloc.shapes import Float


def class_activation_map(
    maps: Float[Tensor, "batch channels h w"], weights: Float[Tensor, " channels"]
) -> Float[Tensor, "batch h w"]:
    """M(x, y) = Σ_k w_k f_k(x, y), without bias or ReLU (Zhou et al., arXiv 1512.04150).

    The paper takes the maps of the discriminator's last block and the weights of its linear unit.
    The CAM is then large where the image looks real to the discriminator.

    >>> maps = torch.tensor([[[[1.0, 2.0]], [[3.0, 4.0]]]])  # 1 image, 2 channels, 1 × 2 cells
    >>> class_activation_map(maps, torch.tensor([1.0, -0.5]))
    tensor([[[-0.5000,  0.0000]]])
    """
    return torch.einsum("bkhw,k->bhw", maps, weights)
