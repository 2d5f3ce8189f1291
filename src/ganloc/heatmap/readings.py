"""Reading a discriminator: which heatmap, from which maps, averaged over which views."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import interpolate

from ganloc.discriminator.networks import Discriminator
from ganloc.discriminator.reflection_padding import reflection_padded_maps
from ganloc.heatmap.border_distance import border_distance
from ganloc.heatmap.cam import class_activation_map
from ganloc.heatmap.feature_statistics import FeatureStatistics
from ganloc.heatmap.shift_averaging import average_over_shifts
from ganloc.images.batches import batched, to_tensor
from ganloc.shapes import Float, UInt8


@dataclass(frozen=True)
class Reading:
    """How heatmaps are read from a discriminator and cut into boxes.

    Nothing of it is fitted to the boxes of the images at hand: the constants were chosen once, on
    the embedded set and the development sets (docs/log.md).

    Attributes:
        heatmap: "cam" (the paper's), "border-distance", "principal" or "lda" (the modules
            cam.py, border.py, ddt.py and lda.py).
        layers: the blocks whose maps are read, counted from the last (−1); several are joined by
            their geometric mean, each stretched to 0–1. A CAM reads the last.
        signed: take a CAM's sign from the set; else it is the paper's +.
        steps: shift-and-mirror averaging over steps² shifts; 0 reads the image once.
        centre: standard deviation, in half sides of the image, of a centred Gaussian that the
            heatmap is multiplied with: objects are more often there. 0 for none.
        aspect: make that Gaussian as much wider than high as the set's mean heatmap is.
        threshold: ratio of the maximum at which the heatmap is cut.
        otsu: take the ratio of each heatmap's Otsu threshold in place of its maximum.
    """

    heatmap: str = "cam"
    layers: tuple[int, ...] = (-1,)
    signed: bool = False
    steps: int = 0
    centre: float = 0.0
    aspect: bool = False
    threshold: float = 0.2
    otsu: bool = False


_DEEP = (-3, -2, -1)
_CUT = {"steps": 2, "centre": 0.6, "threshold": 0.7, "otsu": True}

READINGS: dict[str, Reading] = {
    "plain-cam": Reading(),
    "signed-cam": Reading(signed=True),
    "averaged-cam": Reading(signed=True, steps=2),
    "cam": Reading(signed=True, steps=2, centre=0.6),
    "otsu-cam": Reading(signed=True, **_CUT),
    "border-distance-last": Reading("border-distance", **_CUT),
    "border-distance": Reading("border-distance", _DEEP, **_CUT),
    "lda-last": Reading("lda", **_CUT),
    "lda-multilayer": Reading("lda", _DEEP, **_CUT),
    "lda-no-prior": Reading("lda", _DEEP, steps=2, threshold=0.7, otsu=True),
    "lda": Reading("lda", _DEEP, aspect=True, **_CUT),
}
DEFAULT = "lda"


# Heatmaps of one batch, one a layer: (discriminator, images, reading, statistics) → batch × h × w.
LayerHeatmaps = Callable[[Discriminator, Tensor, Reading, FeatureStatistics], list[Tensor]]


def _cam(
    discriminator: Discriminator, images: Tensor, reading: Reading, statistics: FeatureStatistics
) -> list[Tensor]:
    sign = statistics.sign if reading.signed else 1
    last = discriminator.feature_maps(images)[-1]
    return [class_activation_map(last, sign * discriminator.linear.weight[0])]


def _border_distance(
    discriminator: Discriminator, images: Tensor, reading: Reading, statistics: FeatureStatistics
) -> list[Tensor]:
    maps = discriminator.feature_maps(images)
    return [border_distance(maps[layer]) for layer in reading.layers]


def _lda(
    discriminator: Discriminator, images: Tensor, reading: Reading, statistics: FeatureStatistics
) -> list[Tensor]:
    maps = reflection_padded_maps(discriminator, images)
    return [class_activation_map(maps[layer], statistics.lda[layer]) for layer in reading.layers]


LAYER_HEATMAPS: dict[str, LayerHeatmaps] = {
    "cam": _cam,
    "border-distance": _border_distance,
    "lda": _lda,
}


@torch.no_grad()
def read_heatmaps(
    discriminator: Discriminator,
    pixels: UInt8[np.ndarray, "n size size 3"],
    reading: Reading,
    statistics: FeatureStatistics,
) -> Float[np.ndarray, "n h w"]:
    """One heatmap an image, large where the object is.

    Args:
        discriminator: in evaluation mode, its batch norm (if any) calibrated on real images.
        pixels: RGB, 0–255.
        reading: what to read.
        statistics: of the discriminator's features over the training images.

    Returns:
        The cells of the coarsest maps read where the image is read once, else size×size pixels.
    """
    parts = []
    for heatmaps in layer_heatmaps(discriminator, pixels, reading, statistics):
        joined = join(heatmaps, stretch=reading.centre > 0.0)
        if reading.centre:
            aspect = statistics.aspect**reading.aspect
            joined = joined * centre_prior(joined, reading.centre, aspect)
        parts.append(joined)
    return torch.cat(parts).cpu().numpy()


def layer_heatmaps(
    discriminator: Discriminator,
    pixels: UInt8[np.ndarray, "n size size 3"],
    reading: Reading,
    statistics: FeatureStatistics,
) -> Iterator[Float[Tensor, "batch layers h w"]]:
    """What `read_heatmaps` joins, batch by batch: a heatmap a layer, on the features' own scale."""

    @torch.no_grad()
    def read(images: Tensor) -> Float[Tensor, "batch layers h w"]:
        heatmaps = LAYER_HEATMAPS[reading.heatmap](discriminator, images, reading, statistics)
        if reading.steps == 0 and len(heatmaps) == 1:
            return heatmaps[0][:, None]
        size = images.shape[2:]
        return torch.cat([interpolate(h[:, None], size=size, mode="bilinear") for h in heatmaps], 1)

    device = next(discriminator.parameters()).device
    for part in batched(len(pixels)):
        images = to_tensor(pixels[part], device)
        yield average_over_shifts(read, images, reading.steps) if reading.steps else read(images)


def join(heatmaps: Float[Tensor, "n layers h w"], stretch: bool) -> Float[Tensor, "n h w"]:
    """An image's heatmaps as one: their geometric mean, each stretched to 0–1.

    A single heatmap is stretched where asked for, else it stays as it is.
    """
    layers = heatmaps.shape[1]
    if layers == 1 and not stretch:
        return heatmaps[:, 0]
    low = heatmaps.amin(dim=(2, 3), keepdim=True)
    span = heatmaps.amax(dim=(2, 3), keepdim=True) - low
    stretched = (heatmaps - low) / torch.where(span > 0.0, span, 1.0)
    return stretched.prod(dim=1) ** (1.0 / layers)


def centre_prior(
    heatmaps: Float[Tensor, "n h w"], deviation: float, aspect: float
) -> Float[Tensor, "h w"]:
    """exp(−x²/2aσ² − y²/2σ²/a): x, y and σ in half sides, a how much wider than high."""
    y, x = (
        (torch.arange(side, device=heatmaps.device) + 0.5) * 2.0 / side - 1.0
        for side in heatmaps.shape[1:]
    )
    squares = x[None, :] ** 2 / aspect + y[:, None] ** 2 * aspect
    return torch.exp(-squares / (2.0 * deviation**2))
