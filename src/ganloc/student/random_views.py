"""Random views: random crops on which a student is trained, applied to images and masks."""

from dataclasses import dataclass

import numpy as np
import torch
from scipy.ndimage import gaussian_filter
from torch import Tensor
from torch.nn.functional import affine_grid, grid_sample

from ganloc.shapes import Bool, Float

CLOSEST, WIDEST = 0.75, 1.33  # side of a view, in sides of the image
STRETCH = 0.15  # the aspect ratio of a view is between e^(−2·STRETCH) and e^(2·STRETCH)


@dataclass(frozen=True)
class Views:
    """A random crop of each image. Half of the crops are mirrored.

    Attributes:
        maps: affine maps from coordinates of the view to coordinates of the image, both from −1 to
            1, as `torch.nn.functional.affine_grid` takes them.
    """

    maps: Float[Tensor, "n 2 3"]

    @classmethod
    def draw(cls, count: int, random: torch.Generator) -> "Views":
        """Draw views with sides between `CLOSEST` and `WIDEST`, at random places.

        A view that is larger than the image contains the whole image, padded by reflection. The
        mean side of a view is about that of the image: if objects looked larger in views than in
        images, the student's boxes would be too large.
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
        """The views of images or masks."""
        grid = affine_grid(self.maps, list(images.shape), align_corners=False)
        return grid_sample(images, grid, padding_mode="reflection", align_corners=False)

    def boxes(self, boxes: Float[Tensor, "n k 4"]) -> Float[Tensor, "n k 4"]:
        """Boxes of the images, in fractions of the views. They may reach out.

        >>> mirrored_left_half = Views(torch.tensor([[[-0.5, 0.0, -0.5], [0.0, 1.0, 0.0]]]))
        >>> mirrored_left_half.boxes(torch.tensor([[[0.0, 0.0, 0.25, 1.0]]]))
        tensor([[[0.5000, 0.0000, 1.0000, 1.0000]]])
        """
        scale, shift = self.maps[:, [0, 1], [0, 1]][:, None], self.maps[:, :, 2][:, None]
        corners = 2.0 * boxes - 1.0
        one, other = (corners[..., :2] - shift) / scale, (corners[..., 2:] - shift) / scale
        return (torch.cat([torch.minimum(one, other), torch.maximum(one, other)], -1) + 1.0) / 2.0

    def within(self, size: int) -> Bool[Tensor, "n size size"]:
        """Which pixels of a view show the image, not its reflection.

        Args:
            size: side of the view, in pixels.
        """
        at = (torch.arange(size, device=self.maps.device) + 0.5) / size * 2.0 - 1.0
        x, y = (
            (self.maps[:, axis, axis, None] * at + self.maps[:, axis, 2, None]).abs() <= 1.0
            for axis in (0, 1)
        )
        return y[:, :, None] & x[:, None, :]


def filled_boxes(boxes: Float[Tensor, "n 4"], size: int) -> Float[Tensor, "n size size"]:
    """Masks of boxes: 1 if the centre of a pixel lies in the box, else 0.

    Args:
        boxes: xyxy, half-open, in fractions of the image.
        size: side of the masks, in pixels.

    >>> filled_boxes(torch.tensor([[0.0, 0.0, 0.5, 1.0]]), size=2)
    tensor([[[1., 0.],
             [1., 0.]]])
    """
    at = (torch.arange(size, device=boxes.device) + 0.5) / size
    x0, y0, x1, y1 = boxes[:, :, None].unbind(1)
    columns, rows = (at >= x0) & (at < x1), (at >= y0) & (at < y1)
    return (rows[:, :, None] & columns[:, None, :]).float()


SOFTNESS = 2.0  # of the edges of `soft_boxes`: standard deviation in pixels


def soft_boxes(boxes: Float[np.ndarray, "n 4"], size: int) -> Float[np.ndarray, "n size size"]:
    """Masks of boxes whose edges are not sure: filled boxes, blurred.

    >>> mask = soft_boxes(np.array([[0.0, 0.0, 0.5, 1.0]]), size=64)
    >>> mask[0, 32, [0, 31, 32, 63]].round(1)
    array([1. , 0.6, 0.4, 0. ], dtype=float32)
    """
    filled = filled_boxes(torch.from_numpy(boxes), size).numpy().astype(np.float32)
    return gaussian_filter(filled, (0.0, SOFTNESS, SOFTNESS))
