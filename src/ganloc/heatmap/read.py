"""Reading a discriminator: which heatmap, from which maps, averaged over which views."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import interpolate

from ganloc.adversary.batches import to_tensor
from ganloc.adversary.networks import Discriminator
from ganloc.heatmap.border import border_distance, sign_inside
from ganloc.heatmap.cam import class_activation_map
from ganloc.heatmap.views import average_over_views
from ganloc.shapes import Float, UInt8

BATCH = 128


@dataclass(frozen=True)
class Reading:
    """How heatmaps are read from a discriminator and cut into boxes.

    Nothing of it is fitted to the boxes of the pictures at hand: the constants were chosen once, on
    the embedded set and the development sets (docs/log.md).

    Attributes:
        heatmap: "cam" (the paper's) or "border-distance".
        layers: the blocks whose maps are read, counted from the last (−1); several are joined by
            their geometric mean, each stretched to 0–1. A CAM reads the last.
        signed: choose a CAM's sign on the set (`choose_sign`); else it is the paper's +.
        steps: shift-and-mirror averaging over steps² shifts; 0 reads the picture once.
        centre: standard deviation, in half sides of the picture, of a centred Gaussian that the
            heatmap is multiplied with: objects are more often there. 0 for none.
        threshold: ratio of the maximum at which the heatmap is cut.
        otsu: take the ratio of each heatmap's Otsu threshold in place of its maximum.
    """

    heatmap: str = "cam"
    layers: tuple[int, ...] = (-1,)
    signed: bool = False
    steps: int = 0
    centre: float = 0.0
    threshold: float = 0.2
    otsu: bool = False


READINGS: dict[str, Reading] = {
    "plain-cam": Reading(),
    "cam": Reading(signed=True, steps=2, centre=0.6, threshold=0.2),
    "border": Reading(
        "border-distance", layers=(-3, -2, -1), steps=2, centre=0.6, threshold=0.7, otsu=True
    ),
}
DEFAULT = "border"


@torch.no_grad()
def read_heatmaps(
    discriminator: Discriminator,
    pixels: UInt8[np.ndarray, "n size size 3"],
    reading: Reading,
    sign: int = 1,
) -> Float[np.ndarray, "n h w"]:
    """One heatmap a picture, large where the object is.

    Args:
        discriminator: in evaluation mode, its batch norm (if any) calibrated on real pictures.
        pixels: RGB, 0–255.
        reading: what to read.
        sign: +1 or −1, multiplied into a CAM; for readings that are `signed`.

    Returns:
        The cells of the coarsest maps read where the picture is read once, else size×size pixels.
    """

    def read(pictures: Tensor) -> Float[Tensor, "n layers h w"]:
        heatmaps = _layer_heatmaps(discriminator, pictures, reading, sign)
        if reading.steps == 0 and len(heatmaps) == 1:
            return heatmaps[0][:, None]
        size = pictures.shape[2:]
        return torch.cat([interpolate(h[:, None], size=size, mode="bilinear") for h in heatmaps], 1)

    parts = []
    for pictures in _batches(discriminator, pixels):
        heatmaps = (
            average_over_views(read, pictures, reading.steps) if reading.steps else read(pictures)
        )
        parts.append(_joined(heatmaps, reading.centre))
    return torch.cat(parts).cpu().numpy()


@torch.no_grad()
def choose_sign(discriminator: Discriminator, pixels: UInt8[np.ndarray, "n size size 3"]) -> int:
    """The sign under which CAM is, on average over the set, higher inside than along the border.

    A discriminator may mark the object as *less* real than its surroundings, above all early in
    training; but objects seldom own the border.
    """
    cams = read_heatmaps(discriminator, pixels, READINGS["plain-cam"])
    return sign_inside(torch.from_numpy(cams.mean(axis=0)))


def _layer_heatmaps(
    discriminator: Discriminator,
    pictures: Float[Tensor, "n 3 size size"],
    reading: Reading,
    sign: int,
) -> list[Tensor]:
    maps = discriminator.feature_maps(pictures)
    if reading.heatmap == "cam":
        return [class_activation_map(maps[-1], sign * discriminator.linear.weight[0])]
    return [border_distance(maps[layer]) for layer in reading.layers]


def _joined(heatmaps: Float[Tensor, "n layers h w"], centre: float) -> Float[Tensor, "n h w"]:
    """A picture's heatmaps as one: their geometric mean, each stretched to 0–1, times the prior.

    A single heatmap without a prior stays as it is.
    """
    layers = heatmaps.shape[1]
    if layers == 1 and not centre:
        return heatmaps[:, 0]
    low = heatmaps.amin(dim=(2, 3), keepdim=True)
    span = heatmaps.amax(dim=(2, 3), keepdim=True) - low
    stretched = (heatmaps - low) / torch.where(span > 0.0, span, 1.0)
    joined = stretched.prod(dim=1) ** (1.0 / layers)
    return joined * _centred(joined, centre) if centre else joined


def _centred(heatmaps: Float[Tensor, "n h w"], deviation: float) -> Float[Tensor, "h w"]:
    """exp(−r²/2σ²), r and σ in half sides from the middle."""
    y, x = (
        (torch.arange(side, device=heatmaps.device) + 0.5) * 2.0 / side - 1.0
        for side in heatmaps.shape[1:]
    )
    return torch.exp(-(x[None, :] ** 2 + y[:, None] ** 2) / (2.0 * deviation**2))


def _batches(discriminator: Discriminator, pixels: np.ndarray) -> Iterator[Tensor]:
    device = next(discriminator.parameters()).device
    for start in range(0, len(pixels), BATCH):
        yield to_tensor(pixels[start : start + BATCH], device)
