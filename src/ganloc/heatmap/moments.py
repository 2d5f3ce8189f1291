"""First and second moments of the features of a whole set, summed batch by batch."""

import torch
from torch import Tensor

from ganloc.heatmap.border_distance import border_ring
from ganloc.shapes import Float


class Moments:
    """Moments of one block's features, separately for border and inside.

    The border is the outermost ring of cells. All sums are in double precision. No maps are kept.
    """

    def __init__(self) -> None:
        self.images = 0
        self._total = self._inside = self._border = torch.zeros(())

    def add(self, maps: Float[Tensor, "n channels h w"]) -> None:
        """Add the maps of some images, of at least 3 × 3 cells."""
        maps = maps.double()
        ring = border_ring(maps)
        border, inside = (maps[:, :, cells].transpose(0, 1).flatten(1) for cells in (ring, ~ring))
        self.images += len(maps)
        self._total = self._total.to(maps) + maps.sum(dim=0)
        self._border = self._border.to(maps) + border @ border.T
        self._inside = self._inside.to(maps) + inside @ inside.T

    @property
    def mean_maps(self) -> Float[Tensor, "channels h w"]:
        """The mean over images of every channel in every cell.

        Raises:
            ValueError: there are no maps, or they have less than 3 × 3 cells.
        """
        if self.images == 0 or min(self._total.shape[1:]) < 3:
            raise ValueError("Moments need feature maps of at least 3 × 3 cells.")
        return self._total / self.images

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
