"""Distance of features from those along the image border, as a heatmap.

Objects seldom touch the border, so features there are mostly background. Unlike a CAM, a distance
has no sign to choose.
"""

import torch
from torch import Tensor

from ganloc.shapes import Bool, Float


def border_distance(maps: Float[Tensor, "batch channels h w"]) -> Float[Tensor, "batch h w"]:
    """Euclidean distance of the features of each cell from the mean over the border ring.

    Args:
        maps: feature maps of at least 3 × 3 cells.

    >>> maps = torch.zeros(1, 2, 3, 3)
    >>> maps[0, :, 1, 1] = torch.tensor([3.0, 4.0])
    >>> border_distance(maps)[0]
    tensor([[0., 0., 0.],
            [0., 5., 0.],
            [0., 0., 0.]])
    """
    background = maps[:, :, border_ring(maps)].mean(dim=2)
    return (maps - background[:, :, None, None]).norm(dim=1)


def sign_inside(mean_heatmap: Float[Tensor, "h w"]) -> int:
    """+1 if the mean heatmap is at least as high inside as along the border, else −1."""
    ring = border_ring(mean_heatmap)
    return 1 if mean_heatmap[~ring].mean() >= mean_heatmap[ring].mean() else -1


def border_ring(maps: Float[Tensor, "*leading h w"]) -> Bool[Tensor, "h w"]:
    """A mask of the outermost ring of cells."""
    ring = torch.ones(maps.shape[-2:], dtype=torch.bool, device=maps.device)
    ring[1:-1, 1:-1] = False
    return ring
