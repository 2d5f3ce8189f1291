"""The border pretext task: self-supervision by the position of patches.

The discriminator classifies patches: along the border of the image, or inside. Objects seldom
touch the border, so it learns how background differs from objects. The task can be the only loss
or an auxiliary loss of a GAN, as rotation prediction is in Chen et al., Self-Supervised GANs via
Auxiliary Rotation Loss (CVPR 2019).

Each batch is cropped to a random window of three quarters of the side, with reflection padding
(reflection_padding.py). Only cells along the edge of the window count. Some of them lie along the
border of the image and some inside, and padding does not reveal which.
"""

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, interpolate

from ganloc.discriminator.networks import Discriminator
from ganloc.discriminator.reflection_padding import CELLS, reflection_padded_maps
from ganloc.shapes import Bool, Float

WINDOW = 12  # side of the window in cells; the image has 16
FREE = CELLS - WINDOW  # the largest offset of the window, in cells
BETWEEN = 3  # cells closer to the border than this, but not at it, do not count
AT_BORDER = 0.6  # how often the window is moved to a side of the image


def border_pretext_loss(
    discriminator: Discriminator,
    images: Float[Tensor, "batch 3 size size"],
    random: torch.Generator,
) -> Float[Tensor, ""]:
    """Cross-entropy of border and inside cells in one random window. Both classes weigh the same.

    Args:
        discriminator: with border heads.
        images: real images, −1 to 1.
        random: draws the window, on the images' device.

    Returns:
        The loss, at least 0; ln 2 = 0.693 is chance.

    >>> from ganloc.discriminator.networks import Discriminator
    >>> discriminator = Discriminator(size=32, width=2, border_heads=True)
    >>> for weights in discriminator.border_heads.parameters():
    ...     _ = weights.data.zero_()  # all logits become 0, which is chance
    >>> random = torch.Generator().manual_seed(0)
    >>> loss = border_pretext_loss(discriminator, torch.zeros(4, 3, 32, 32), random)
    >>> round(loss.item(), 3)
    0.693
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
    """Logits of "inside" at every cell of the finest maps: the sum over the border heads."""
    parts = [
        head(maps)
        for head, maps in zip(
            discriminator.border_heads, reflection_padded_maps(discriminator, images), strict=True
        )
    ]
    cells = parts[0].shape[2:]
    return torch.stack([interpolate(p, size=cells, mode="bilinear") for p in parts]).sum(0)[:, 0]


def draw_window(random: torch.Generator) -> tuple[int, int]:
    """Top and left cell of a random window whose edge has cells that count."""
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
    """Masks of the cells on the window's edge that count as border, and of those inside."""
    place = torch.arange(CELLS)
    away = torch.minimum(place, CELLS - 1 - place)  # distance to the nearer end
    away = torch.minimum(away[:, None], away)[top : top + WINDOW, left : left + WINDOW]
    edge = torch.ones(WINDOW, WINDOW, dtype=torch.bool)
    edge[1:-1, 1:-1] = False
    return edge & (away == 0), edge & (away >= BETWEEN)
