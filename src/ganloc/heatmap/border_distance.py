"""A heatmap without a sign to guess: how unlike the image's border each place looks.

Objects seldom own the border, so what the discriminator's features say there is mostly background.
"""

import torch
from torch import Tensor

from ganloc.shapes import Bool, Float


def border_distance(maps: Float[Tensor, "batch channels h w"]) -> Float[Tensor, "batch h w"]:
    """Euclidean distance of each place's features from the mean of those along the border."""
    background = maps[:, :, border_ring(maps)].mean(dim=2)
    return (maps - background[:, :, None, None]).norm(dim=1)


def sign_inside(mean_heatmap: Float[Tensor, "h w"]) -> int:
    """+1 where a set's mean heatmap is at least as high inside as along the border, else −1."""
    ring = border_ring(mean_heatmap)
    return 1 if mean_heatmap[~ring].mean() >= mean_heatmap[ring].mean() else -1


def border_ring(maps: Float[Tensor, "*leading h w"]) -> Bool[Tensor, "h w"]:
    """True on the outermost ring of cells."""
    ring = torch.ones(maps.shape[-2:], dtype=torch.bool, device=maps.device)
    ring[1:-1, 1:-1] = False
    return ring
