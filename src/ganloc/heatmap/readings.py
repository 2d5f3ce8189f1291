"""Readings: the ways to turn a discriminator's features into a heatmap.

A reading says which heatmap is computed, from which blocks, averaged over which shifts, with which
centre prior and threshold. docs/add-a-reading.md explains how to add one.
"""

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
    """How a discriminator is read as heatmaps, and how these are cut into boxes.

    The constants were chosen once, on the embedded set and the development sets (docs/log.md).

    Attributes:
        heatmap: "cam" (the paper's), "border-distance" or "lda": a row of `LAYER_HEATMAPS`.
        layers: blocks whose maps are read, counted from the last (−1). Several heatmaps are
            stretched to 0–1 and joined by their geometric mean. "cam" always reads the last block.
        signed: take the sign of a CAM from the statistics of the set; else it is +, as in the
            paper.
        steps: average over steps² shifts and their mirror images (shift_averaging.py); 0 for one
            forward pass.
        centre: standard deviation of the centre prior, a Gaussian that multiplies the heatmap, in
            half sides of the image; 0 for none.
        aspect: stretch the centre prior to the aspect ratio of the set's mean heatmap.
        threshold: ratio of the maximum at which the heatmap is cut.
        otsu: `threshold` is a ratio of each heatmap's Otsu threshold, not of its maximum.
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
DISCRIMINATOR_READING = "lda"


# (discriminator, images, reading, statistics) → heatmaps of a batch (batch × h × w), one a layer.
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
        discriminator: in evaluation mode, with calibrated batch norm (calibrate.py).
        pixels: RGB, 0–255, of the discriminator's size.
        reading: such as a row of `READINGS`.
        statistics: of the discriminator's features over the training images.

    Returns:
        Heatmaps of size × size pixels. A reading of one layer without shifts gives the cells of
        that layer's maps instead.
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
    """The heatmaps of each layer, batch by batch, before they are normalised and joined."""

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
    """Join the heatmaps of an image's layers: stretch each to 0–1, take the geometric mean.

    Args:
        heatmaps: of each layer.
        stretch: stretch a single layer too. By default it stays as it is.
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
    """A centred Gaussian: exp(−(x²/a + ay²) / 2σ²), with x and y from −1 to 1.

    Args:
        heatmaps: give the size and device.
        deviation: σ, in half sides of the image.
        aspect: a, the Gaussian's width over its height.
    """
    y, x = (
        (torch.arange(side, device=heatmaps.device) + 0.5) * 2.0 / side - 1.0
        for side in heatmaps.shape[1:]
    )
    squares = x[None, :] ** 2 / aspect + y[:, None] ** 2 * aspect
    return torch.exp(-squares / (2.0 * deviation**2))
