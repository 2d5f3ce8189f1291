"""Label-free statistics of a discriminator's features over a whole set of images."""

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
from ganloc.heatmap.lda import lda_direction
from ganloc.heatmap.moments import Moments
from ganloc.images.batches import batched, to_tensor
from ganloc.shapes import Float, UInt8
from ganloc.wording import option

WIDEST = 2.0  # limit of the aspect ratio of a set's objects


@dataclass(frozen=True)
class FeatureStatistics:
    """Statistics of the training images that readings use.

    Attributes:
        sign: +1 or −1, the sign by which the mean CAM of the set is higher inside than along the
            border. A discriminator may see the object as *less* real than its surroundings,
            mostly early in training.
        lda: LDA directions (lda.py) of the last three blocks, finest first.
        aspect: width over height of the set's mean LDA heatmap, between ½ and 2.
    """

    sign: int
    lda: tuple[Float[Tensor, " _"], ...]
    aspect: float

    def to(self, device: torch.device) -> "FeatureStatistics":
        """The same statistics on `device`."""
        return FeatureStatistics(self.sign, tuple(own.to(device) for own in self.lda), self.aspect)

    def tensors(self) -> dict[str, Tensor]:
        """The LDA directions by name."""
        return {f"{block}/lda": direction for block, direction in enumerate(self.lda)}

    @classmethod
    def of(cls, sign: int, aspect: float, tensors: Mapping[str, Tensor]) -> "FeatureStatistics":
        """The inverse of `tensors`. Raises KeyError if a direction is missing."""
        return cls(sign, tuple(tensors[f"{block}/lda"] for block in range(DEEP)), aspect)


@torch.no_grad()
def feature_statistics(
    discriminator: Discriminator, pixels: UInt8[np.ndarray, "n size size 3"]
) -> FeatureStatistics:
    """Measure the statistics in one pass over a set of images.

    Args:
        discriminator: in evaluation mode, with calibrated batch norm (calibrate.py).
        pixels: RGB, 0–255, at least one image.

    Raises:
        UserError: features are not finite.
    """
    device = next(discriminator.parameters()).device
    moments = [Moments() for _ in range(DEEP)]
    last = torch.zeros((), device=device)
    for part in batched(len(pixels)):
        images = to_tensor(pixels[part], device)
        last = last + discriminator.feature_maps(images)[-1].sum(dim=0)
        for sums, maps in zip(moments, reflection_padded_maps(discriminator, images), strict=True):
            sums.add(maps)
    if not last.isfinite().all():
        raise UserError(
            "Training broke down (the discriminator's features are not finite): train again with "
            f"lower {option('discriminator_rate')} and {option('generator_rate')}."
        )
    cam = class_activation_map(last[None], discriminator.linear.weight[0])[0]
    lda = tuple(lda_direction(sums).float() for sums in moments)
    mean_heatmap = class_activation_map(moments[0].mean_maps[None].float(), lda[0])[0]
    return FeatureStatistics(sign_inside(cam), lda, aspect_of(mean_heatmap))


def aspect_of(mean_heatmap: Float[Tensor, "h w"]) -> float:
    """Width over height of a heatmap: the ratio of its standard deviations along x and y.

    The deviations are from the centre of the image and weighted by the heatmap minus its minimum.

    Returns:
        The ratio, clipped to ½–2; 1 for a constant heatmap.
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
