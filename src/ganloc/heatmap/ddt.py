"""Deep descriptor transforming (DDT): one direction of feature space, found on a whole set.

Wei et al., Deep Descriptor Transforming for Image Co-Localization (IJCAI 2017, arXiv 1705.02758,
section 3). Where images share one kind of thing and nothing else, the features of all their
places differ most between that thing and the rest. It works on the features of any network.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ganloc.errors import UserError
from ganloc.heatmap.border_distance import border_ring, sign_inside
from ganloc.heatmap.cam import class_activation_map
from ganloc.heatmap.features import Features
from ganloc.heatmap.moments import Moments
from ganloc.images.batches import batched
from ganloc.images.gather import read_at_size
from ganloc.images.image_set import ImageSet, every_nth
from ganloc.shapes import Float, Int
from ganloc.wording import listed

MOST_IMAGES = 512  # from which the direction is found, evenly over the set
BATCH = 16  # images at a time, which are larger than ganloc's own


@dataclass(frozen=True)
class Direction:
    """Where the features of a set vary most.

    Attributes:
        mean: of the features of every place in every image.
        axis: of length 1: the first eigenvector of the features' covariance, turned to the object.
    """

    mean: Float[Tensor, " channels"]
    axis: Float[Tensor, " channels"]


def principal_direction(moments: Moments) -> Direction:
    """The direction of a whole set, in double precision.

    An eigenvector has no sign, and DDT's "positive is the object" would hold by luck. The sign is
    chosen without a label, as a CAM's is (`sign_inside`): the heatmap's mean over the set is at
    least as high inside as along the border, since objects seldom own the border.

    Raises:
        ValueError: there are no maps, or they have no cell inside their border.
    """
    mean, covariance = _everywhere(moments)
    axis = torch.linalg.eigh(covariance).eigenvectors[:, -1]
    # The projection is linear: that of the mean maps is the mean of all projections.
    mean_heatmap = ddt_heatmaps(moments.mean_maps[None], Direction(mean, axis))[0]
    return Direction(mean, sign_inside(mean_heatmap) * axis)


def _everywhere(
    moments: Moments,
) -> tuple[Float[Tensor, " channels"], Float[Tensor, "channels channels"]]:
    """Mean and covariance of the features of all places, by the law of total covariance."""
    share = border_ring(moments.mean_maps).double().mean()
    (border, around), (inside, within) = moments.border(), moments.inside()
    mean = share * border + (1.0 - share) * inside
    between = share * (1.0 - share) * torch.outer(inside - border, inside - border)
    return mean, share * around + (1.0 - share) * within + between


def ddt_heatmaps(
    maps: Float[Tensor, "n channels h w"], direction: Direction
) -> Float[Tensor, "n h w"]:
    """P(x, y) = ξ₁ᵀ(f(x, y) − f̄): above 0 is the object, as far as the direction tells."""
    centred = maps - direction.mean.to(maps)[:, None, None]
    return class_activation_map(centred, direction.axis.to(maps))


def feature_heatmaps(
    features: Features, images: ImageSet, indices: Int[np.ndarray, " k"], device: torch.device
) -> Float[np.ndarray, "k h w"]:
    """The DDT heatmaps of some images by a network that the user already has.

    The network sees images at its own size, from their files.

    Args:
        features: the network.
        images: the set.
        indices: of the images. The direction is found on at most `MOST_IMAGES` of them.
        device: for the images; the network must be there.

    Raises:
        UserError: the network gives no feature maps.
    """
    read, shapes = read_at_size(images, features.size), set()

    def maps_of(chosen: Int[np.ndarray, " m"]) -> Iterator[Float[Tensor, "batch channels h w"]]:
        for part in batched(len(chosen), BATCH):
            maps = features.maps(read(chosen[part]), device)
            shapes.add(tuple(maps.shape[1:]))
            if len(shapes) > 1:
                raise UserError(
                    f"{features.name} gave maps of {listed(shapes, 'and')} (channels, height, "
                    "width) for images of one size: they must have one shape."
                )
            yield maps

    moments = Moments()
    for maps in maps_of(every_nth(indices, MOST_IMAGES)):
        moments.add(maps)
    direction = principal_direction(moments)
    heatmaps = (ddt_heatmaps(maps, direction) for maps in maps_of(indices))
    return np.concatenate([part.cpu().numpy() for part in heatmaps])
