"""Sums over the features of a whole set, from which its directions follow; no maps are kept."""

import torch
from torch import Tensor

from ganloc.heatmap.border_distance import border_ring
from ganloc.shapes import Float


class Moments:
    """First and second moments of one block's features, along the border and inside apart.

    The border is the outermost ring of cells. All sums are in double precision.
    """

    def __init__(self) -> None:
        self.images = 0
        self._total = self._inside = self._border = torch.zeros(())

    def add(self, maps: Float[Tensor, "n channels h w"]) -> None:
        """Take in the maps of some images, of at least 3 × 3 cells."""
        maps = maps.double()
        ring = border_ring(maps)
        border, inside = (maps[:, :, cells].transpose(0, 1).flatten(1) for cells in (ring, ~ring))
        self.images += len(maps)
        self._total = self._total.to(maps) + maps.sum(dim=0)
        self._border = self._border.to(maps) + border @ border.T
        self._inside = self._inside.to(maps) + inside @ inside.T

    @property
    def mean_maps(self) -> Float[Tensor, "channels h w"]:
        """The mean of every channel at every place.

        Raises:
            ValueError: there are no maps, or they have no cell inside their border.
        """
        if self.images == 0 or min(self._total.shape[1:]) < 3:
            raise ValueError("Moments need feature maps of at least 3 × 3 cells.")
        return self._total / self.images

    def everywhere(self) -> tuple[Float[Tensor, " channels"], Float[Tensor, "channels channels"]]:
        """Mean and covariance of the features of all places."""
        mean_maps = self.mean_maps
        mean, places = mean_maps.mean(dim=(1, 2)), mean_maps[0].numel()
        second = (self._border + self._inside) / (self.images * places)
        return mean, second - torch.outer(mean, mean)

    def inside(self) -> tuple[Float[Tensor, " channels"], Float[Tensor, "channels channels"]]:
        """Mean and covariance of the features inside."""
        return self._part(~border_ring(self.mean_maps), self._inside)

    def border(self) -> tuple[Float[Tensor, " channels"], Float[Tensor, "channels channels"]]:
        """Mean and covariance of the features along the border."""
        return self._part(border_ring(self.mean_maps), self._border)

    def _part(self, cells: Tensor, products: Tensor) -> tuple[Tensor, Tensor]:
        mean = self.mean_maps[:, cells].mean(dim=1)
        second = products / (self.images * int(cells.sum()))
        return mean, second - torch.outer(mean, mean)
