"""Random views: what a student is shown of an image, and where the object's box is in it."""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import affine_grid, grid_sample

from ganloc.shapes import Float

CLOSEST, WIDEST = 0.75, 1.33  # side of a view in sides of the image
STRETCH = 0.15  # a view is wider than high, or the other way round, by up to e^2·this


@dataclass(frozen=True)
class Views:
    """One view of each image, a rectangle of it, half of them seen in a mirror.

    Attributes:
        maps: the affine map of each view's place to the image's, −1 to 1 from edge to edge.
    """

    maps: Float[Tensor, "n 2 3"]

    @classmethod
    def draw(cls, count: int, random: torch.Generator) -> "Views":
        """Views between `CLOSEST` and `WIDEST`, anywhere in the image.

        One that is larger than the image holds all of it and goes on as its reflection. On
        average a view is as large as the image: where objects look larger in the views than they
        do in images, a student finds boxes that are too large.
        """
        side, ratio, x, y, mirror = torch.rand(5, count, generator=random, device=random.device)
        side = CLOSEST + (WIDEST - CLOSEST) * side
        ratio = torch.exp(STRETCH * (2.0 * ratio - 1.0))
        width, height = side * ratio, side / ratio
        maps = torch.zeros(count, 2, 3, device=random.device)
        maps[:, 0, 0] = torch.where(mirror < 0.5, width, -width)
        maps[:, 1, 1] = height
        maps[:, 0, 2] = (1.0 - width) * (2.0 * x - 1.0)
        maps[:, 1, 2] = (1.0 - height) * (2.0 * y - 1.0)
        return cls(maps)

    def of(self, images: Float[Tensor, "n c size size"]) -> Float[Tensor, "n c size size"]:
        """What the views show of images, or of masks."""
        grid = affine_grid(self.maps, list(images.shape), align_corners=False)
        return grid_sample(images, grid, padding_mode="reflection", align_corners=False)


def filled_boxes(boxes: Float[Tensor, "n 4"], size: int) -> Float[Tensor, "n size size"]:
    """Masks, 1 where a pixel's middle lies in the box, else 0; boxes in fractions of a side."""
    at = (torch.arange(size, device=boxes.device) + 0.5) / size
    x0, y0, x1, y1 = boxes[:, :, None].unbind(1)
    columns, rows = (at >= x0) & (at < x1), (at >= y0) & (at < y1)
    return (rows[:, :, None] & columns[:, None, :]).float()
