"""What readings learn from a whole set of images, without a label."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ganloc.discriminator.networks import Discriminator
from ganloc.discriminator.reflection_padding import DEEP, reflection_padded_maps
from ganloc.errors import UserError
from ganloc.heatmap.border_distance import sign_inside
from ganloc.heatmap.cam import class_activation_map
from ganloc.heatmap.ddt import Direction, principal_direction
from ganloc.heatmap.lda import lda_direction
from ganloc.heatmap.moments import Moments
from ganloc.images.batches import to_tensor
from ganloc.shapes import Float, UInt8

BATCH = 128
WIDEST = 2.0  # the most that a set's prior is wider than high, or higher than wide


@dataclass(frozen=True)
class FeatureStatistics:
    """Fitted once, on the training images; of the last three blocks, finest first.

    Attributes:
        sign: of CAM (+1 or −1): on average over the set it is higher inside than along the border.
            A discriminator may mark the object as *less* real than its surroundings, above all
            early in training.
        fisher: each block's direction from border to inside (lda.py).
        principal: each block's principal direction (ddt.py).
        aspect: how much wider than high the set's mean Fisher heatmap of the first of these blocks
            is, between ½ and 2.
    """

    sign: int
    lda: tuple[Float[Tensor, " _"], ...]
    principal: tuple[Direction, ...]
    aspect: float

    def to(self, device: torch.device) -> "FeatureStatistics":
        """The same on `device`."""
        return FeatureStatistics(
            self.sign,
            tuple(direction.to(device) for direction in self.lda),
            tuple(Direction(d.mean.to(device), d.axis.to(device)) for d in self.principal),
            self.aspect,
        )


def statistics_tensors(statistics: FeatureStatistics) -> dict[str, Tensor]:
    """Its tensors by name; `fitted_from` takes them back."""
    tensors = {}
    for block, (lda, principal) in enumerate(
        zip(statistics.lda, statistics.principal, strict=True)
    ):
        tensors[f"{block}/fisher"] = lda
        tensors[f"{block}/principal-mean"] = principal.mean
        tensors[f"{block}/principal-axis"] = principal.axis
    return tensors


def statistics_from(sign: int, aspect: float, tensors: Mapping[str, Tensor]) -> FeatureStatistics:
    """What `fitted_tensors` gave.

    Raises:
        KeyError: some are missing.
    """
    lda = tuple(tensors[f"{block}/fisher"] for block in range(DEEP))
    principal = tuple(
        Direction(*(tensors[f"{block}/principal-{part}"] for part in ("mean", "axis")))
        for block in range(DEEP)
    )
    return FeatureStatistics(sign, lda, principal, aspect)


@torch.no_grad()
def feature_statistics(
    discriminator: Discriminator, pixels: UInt8[np.ndarray, "n size size 3"]
) -> FeatureStatistics:
    """Read the whole set once.

    Args:
        discriminator: in evaluation mode, its batch norm (if any) calibrated on real images.
        pixels: RGB, 0–255, at least one.

    Raises:
        UserError: the discriminator's features are not finite.
    """
    device = next(discriminator.parameters()).device
    moments = [Moments() for _ in range(DEEP)]
    last = torch.zeros((), device=device)
    for start in range(0, len(pixels), BATCH):
        images = to_tensor(pixels[start : start + BATCH], device)
        last = last + discriminator.feature_maps(images)[-1].sum(dim=0)
        for sums, maps in zip(moments, reflection_padded_maps(discriminator, images), strict=True):
            sums.add(maps)
    if not last.isfinite().all():
        raise UserError(
            "Training broke down (the discriminator's features are not finite): train into a new "
            "folder with lower --discriminator-rate and --generator-rate."
        )
    cam = class_activation_map(last[None], discriminator.linear.weight[0])[0]
    lda = tuple(lda_direction(sums).float() for sums in moments)
    mean_heatmap = class_activation_map(moments[0].mean_maps[None].float(), lda[0])[0]
    principal = [principal_direction(sums) for sums in moments]
    return FeatureStatistics(
        sign_inside(cam),
        lda,
        tuple(Direction(d.mean.float(), d.axis.float()) for d in principal),
        aspect_of(mean_heatmap),
    )


def aspect_of(mean_heatmap: Float[Tensor, "h w"]) -> float:
    """How much wider than high it is: the ratio of its standard deviations along x and y.

    Each from the image's middle, in sides of the image, weighted by the heatmap above its
    lowest value; kept between ½ and 2, and 1 where the heatmap is flat.
    """
    weights = mean_heatmap - mean_heatmap.min()
    height, width = (
        (torch.arange(side, device=weights.device) + 0.5) / side - 0.5 for side in weights.shape
    )
    along_x = (weights * width**2).sum().item()
    along_y = (weights * height[:, None] ** 2).sum().item()
    if not (along_x > 0.0 and along_y > 0.0):
        return 1.0
    return min(max((along_x / along_y) ** 0.5, 1.0 / WIDEST), WIDEST)
