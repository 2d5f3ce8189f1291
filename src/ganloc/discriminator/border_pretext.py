"""The border pretext task: a lesson about objects that needs no label.

Objects seldom own the border of an image. A discriminator that also has to say, cell by cell,
which of two patches lay along an image's border and which inside learns what surroundings look
like, and what does not belong to them. It is an auxiliary loss, as the rotations of Chen et al.,
Self-Supervised GANs via Auxiliary Rotation Loss (CVPR 2019), with another task.

A batch is seen through a window of three quarters of the side, placed at random, which goes on as
its own reflection. Only cells along the window's edge count: some of them lie along the image's
border and some inside it, and nothing but what is shown there tells which.
"""

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, interpolate

from ganloc.discriminator.networks import Discriminator
from ganloc.discriminator.reflection_padding import CELLS, reflection_padded_maps
from ganloc.shapes import Bool, Float

WINDOW = 12  # cells a side, of the image's 16
FREE = CELLS - WINDOW  # by so many can the window be moved
BETWEEN = 3  # cells from the border that count as neither
AT_BORDER = 0.6  # how often the window is pushed to one of the image's sides


def border_pretext_loss(
    discriminator: Discriminator,
    images: Float[Tensor, "batch 3 size size"],
    random: torch.Generator,
) -> Float[Tensor, ""]:
    """Cross-entropy of "inside" at the counted cells of one window; both kinds weigh the same.

    Args:
        discriminator: with heads for the task.
        images: real ones, −1 to 1.
        random: where the window is drawn from, on the images' device.
    """
    top, left = draw_window(random)
    cell = images.shape[3] // CELLS
    window = images[:, :, cell * top : cell * (top + WINDOW), cell * left : cell * (left + WINDOW)]
    logits = inside_logits(discriminator, window)
    border, inside = (kind.to(logits.device) for kind in counted_cells(top, left))
    losses = [
        binary_cross_entropy_with_logits(chosen, torch.full_like(chosen, target))
        for cells, target in ((border, 0.0), (inside, 1.0))
        if (chosen := logits[:, cells]).numel()
    ]
    return torch.stack(losses).mean()


def inside_logits(
    discriminator: Discriminator, images: Float[Tensor, "batch 3 side side"]
) -> Float[Tensor, "batch cells cells"]:
    """Logits of "inside" at every cell of the finest maps that are read: the heads' sum."""
    parts = [
        head(maps)
        for head, maps in zip(
            discriminator.border_heads, reflection_padded_maps(discriminator, images), strict=True
        )
    ]
    cells = parts[0].shape[2:]
    return torch.stack([interpolate(p, size=cells, mode="bilinear") for p in parts]).sum(0)[:, 0]


def draw_window(random: torch.Generator) -> tuple[int, int]:
    """Top and left cell of a window whose edge holds cells that count."""
    while True:
        place = torch.randint(FREE + 1, (2,), generator=random, device=random.device)
        pushed, axis, side = torch.rand(3, generator=random, device=random.device).tolist()
        top, left = place.tolist()
        if pushed < AT_BORDER:
            end = FREE * round(side)
            top, left = (end, left) if axis < 0.5 else (top, end)
        if any(bool(cells.any()) for cells in counted_cells(top, left)):
            return top, left


def counted_cells(
    top: int, left: int
) -> tuple[Bool[Tensor, "window window"], Bool[Tensor, "window window"]]:
    """The cells of a window's edge that lie along the image's border, and those inside it."""
    place = torch.arange(CELLS)
    away = torch.minimum(place, CELLS - 1 - place)  # from the nearer end
    away = torch.minimum(away[:, None], away)[top : top + WINDOW, left : left + WINDOW]
    edge = torch.ones(WINDOW, WINDOW, dtype=torch.bool)
    edge[1:-1, 1:-1] = False
    return edge & (away == 0), edge & (away >= BETWEEN)
