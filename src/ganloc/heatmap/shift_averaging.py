"""Shift-and-mirror averaging: a finer heatmap from the same network.

The coarsest maps have 4×4 cells. Heatmaps of shifted and mirrored images are shifted and mirrored
back and averaged. Their mean resolves less than a cell.
"""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn.functional import pad

from ganloc.shapes import Float

CELLS = 4  # side of the coarsest maps


def average_over_shifts(
    read: Callable[[Tensor], Tensor], images: Float[Tensor, "batch 3 size size"], steps: int
) -> Float[Tensor, "batch heatmaps size size"]:
    """The mean heatmap over `steps`² shifts and their mirror images.

    The shifts divide one cell of the coarsest maps evenly (2 steps: −¼ and +¼ of a cell). Images
    are padded by reflection, heatmaps by their edge values.

    Args:
        read: images (batch, 3, size, size) → heatmaps (batch, heatmaps, size, size).
        images: −1 to 1.
        steps: shifts along each axis, at least 1.
    """
    size = images.shape[3]
    cell = size // CELLS
    shifts = [round(((i + 0.5) / steps - 0.5) * cell) for i in range(steps)]
    reach = max(abs(shift) for shift in shifts)
    padded = pad(images, (reach,) * 4, mode="reflect")
    total = torch.zeros(())
    for dy in shifts:
        for dx in shifts:
            moved = _window(padded, reach + dy, reach + dx, size)
            both = (read(moved) + read(moved.flip(3)).flip(3)) / 2
            total = total.to(both) + _window(
                pad(both, (reach,) * 4, mode="replicate"), reach - dy, reach - dx, size
            )
    return total / len(shifts) ** 2


def _window(images: Tensor, top: int, left: int, size: int) -> Tensor:
    return images[:, :, top : top + size, left : left + size]
