"""Deep descriptor transforming (DDT): one direction of feature space, found on a whole set.

Wei et al., Deep Descriptor Transforming for Image Co-Localization (IJCAI 2017, arXiv 1705.02758,
section 3). Where pictures share one kind of thing and nothing else, the features of all their
places differ most between that thing and the rest. It works on the features of any network.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor

from ganloc.heatmap.border import sign_inside
from ganloc.heatmap.cam import class_activation_map
from ganloc.shapes import Float


@dataclass(frozen=True)
class Direction:
    """Where the features of a set vary most.

    Attributes:
        mean: of the features of every place in every picture.
        axis: of length 1: the first eigenvector of the features' covariance, turned to the object.
    """

    mean: Float[Tensor, " channels"]
    axis: Float[Tensor, " channels"]


@torch.no_grad()
def principal_direction(batches: Iterable[Float[Tensor, "_ channels h w"]]) -> Direction:
    """The direction of a whole set, in one pass that keeps sums alone, in double precision.

    An eigenvector has no sign, and DDT's "positive is the object" would hold by luck. The sign is
    chosen without a label, as a CAM's is (`choose_sign`): the heatmap's mean over the set is at
    least as high inside as along the border, since objects seldom own the border.

    Args:
        batches: feature maps of one size, at least 3 × 3 cells.

    Raises:
        ValueError: there are no maps, or they have no cell inside their border.
    """
    count, total, products = 0, torch.zeros(()), torch.zeros(())
    for maps in batches:
        maps = maps.double()
        flat = maps.transpose(0, 1).flatten(1)
        count += len(maps)
        total = total.to(maps) + maps.sum(dim=0)
        products = products.to(maps) + flat @ flat.T
    if count == 0 or min(total.shape[1:]) < 3:
        raise ValueError("A principal direction needs feature maps of at least 3 × 3 cells.")
    mean_maps = total / count
    mean = mean_maps.mean(dim=(1, 2))
    places = count * mean_maps[0].numel()
    covariance = products / places - torch.outer(mean, mean)
    axis = torch.linalg.eigh(covariance).eigenvectors[:, -1]
    # The projection is linear: that of the mean maps is the mean of all projections.
    mean_heatmap = ddt_heatmaps(mean_maps[None], Direction(mean, axis))[0]
    return Direction(mean, sign_inside(mean_heatmap) * axis)


def ddt_heatmaps(
    maps: Float[Tensor, "n channels h w"], direction: Direction
) -> Float[Tensor, "n h w"]:
    """P(x, y) = ξ₁ᵀ(f(x, y) − f̄): above 0 is the object, as far as the direction tells."""
    centred = maps - direction.mean.to(maps)[:, None, None]
    return class_activation_map(centred, direction.axis.to(maps))
