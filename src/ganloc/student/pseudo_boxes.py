"""Seeds: the boxes that a student first learns from, found without a label.

Two maps look at the same features. The *shape* map is Fisher's heatmap stretched to 0–1 in every
image: each has its object, however faint, but large and small objects look alike. The *level* map
stays on the features' own scale, where one threshold holds for the whole set: an image that its
object fills lies nearly all above it. They err differently, and a seed is the mean of their boxes.
Features are coarse and colours are not, so both maps are sharpened by colour contrast.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ganloc.box.from_heatmap import boxes_from_heatmaps, largest_boxes, normalise
from ganloc.box.otsu import otsu_thresholds
from ganloc.discriminator.networks import Discriminator
from ganloc.heatmap.colour_contrast import (
    CENTRE_PRIOR_THRESHOLD,
    colour_contrast,
    with_centre_prior,
)
from ganloc.heatmap.feature_statistics import FeatureStatistics
from ganloc.heatmap.readings import DEFAULT, READINGS, centre_prior, join, layer_heatmaps
from ganloc.images.image_set import spread_over
from ganloc.shapes import Float, UInt8

IMAGES = 512  # evenly over the set, from which its scale and threshold are known
TAILS = 0.002  # of the levels, cut off before Otsu's threshold is sought
CENTRE = 0.7  # weight of the centre prior's logarithm in the level map
LEVEL = 1.1  # times Otsu's threshold of the whole set's levels
SMALLEST = 0.03  # share of an image that is marked, also where all of it lies below the threshold
FLOOR = 0.03  # added to contrast before its logarithm is taken
FAINTEST = 0.001  # added to contrast before its power is taken


@dataclass(frozen=True)
class Source:
    """What seeds are found by.

    Attributes:
        logarithm: weight of the contrast's logarithm in the level map.
        power: of the contrast that the shape map is multiplied with.
        shape: ratio of its Otsu threshold at which each image's shape map is cut.
    """

    logarithm: float
    power: float
    shape: float


SOURCES = {"both": Source(0.6, 0.5, 0.5), "discriminator": Source(0.0, 0.0, 0.7)}
COLOUR = "colour"  # contrast with a centre prior alone, no network at all


class PseudoBoxFinder:
    """Finds seeds in the images of one set.

    Args:
        discriminator: in evaluation mode, its batch norm (if any) calibrated on real images.
        fitted: what its readings know of the set.
        pixels: RGB, 0–255: images of the set.
        source: one of `recipes.FIRST_BOXES`.

    Attributes:
        threshold: of the level map, on the features' own scale; none is known where the source is
            colour alone.
    """

    def __init__(
        self,
        discriminator: Discriminator,
        statistics: FeatureStatistics,
        pixels: UInt8[np.ndarray, "n size size 3"],
        source: str,
    ):
        self.discriminator, self.statistics, self.source = discriminator, statistics, source
        if source == COLOUR:
            return
        some = spread_over(pixels, IMAGES)
        layers = np.concatenate([heatmaps.cpu().numpy() for heatmaps in self._layers(some)])
        self._mean = layers.mean(axis=(0, 2, 3), keepdims=True)
        self._deviation = layers.std(axis=(0, 2, 3), keepdims=True).clip(1e-9)
        contrast = colour_contrast(some)
        self._contrast = float(np.log(contrast + FLOOR).mean())
        self.threshold = set_threshold(self._levels(layers, contrast))

    def boxes(self, pixels: UInt8[np.ndarray, "n size size 3"]) -> Float[np.ndarray, "n 4"]:
        """The seed of each image, xyxy, half-open, in fractions of the image."""
        if self.source == COLOUR:
            heatmaps = with_centre_prior(colour_contrast(pixels))
            return _cut(heatmaps, CENTRE_PRIOR_THRESHOLD, otsu=False)
        found, start = [], 0
        for heatmaps in self._layers(pixels):
            contrast = colour_contrast(pixels[start : start + len(heatmaps)])
            shape = _cut(self._shape(heatmaps, contrast), SOURCES[self.source].shape, otsu=True)
            levels = self._levels(heatmaps.cpu().numpy(), contrast)
            found.append((shape + level_boxes(levels, self.threshold)) / 2.0)
            start += len(heatmaps)
        return np.concatenate(found)

    def _layers(self, pixels: np.ndarray) -> Iterator[Tensor]:
        return layer_heatmaps(self.discriminator, pixels, READINGS[DEFAULT], self.statistics)

    def _shape(self, heatmaps: Tensor, contrast: np.ndarray) -> np.ndarray:
        joined = join(heatmaps, stretch=True)
        stretched = normalise((joined * self._prior(joined)).cpu().numpy())
        return stretched * (contrast + FAINTEST) ** SOURCES[self.source].power

    def _levels(self, layers: np.ndarray, contrast: np.ndarray) -> np.ndarray:
        features = ((layers - self._mean) / self._deviation).mean(axis=1)
        prior = np.log(self._prior(torch.from_numpy(features)).numpy())
        colours = np.log(contrast + FLOOR) - self._contrast
        return features + CENTRE * prior + SOURCES[self.source].logarithm * colours

    def _prior(self, heatmaps: Tensor) -> Tensor:
        return centre_prior(heatmaps, READINGS[DEFAULT].centre, self.statistics.aspect)


def set_threshold(levels: Float[np.ndarray, "n size size"]) -> float:
    """`LEVEL` times Otsu's threshold of all pixels of the set together, above their low tail."""
    low, high = np.quantile(levels, [TAILS, 1.0 - TAILS])
    if not high > low:
        return float(low)
    scaled = ((levels - low) / (high - low)).clip(0.0, 1.0)
    threshold = otsu_thresholds(scaled.reshape(1, -1, levels.shape[2]))[0]
    return float(low + (high - low) * LEVEL * threshold)


def level_boxes(
    levels: Float[np.ndarray, "n size size"], threshold: float
) -> Float[np.ndarray, "n 4"]:
    """The largest box above the set's threshold, in fractions of the image.

    Where hardly anything lies above, the highest `SMALLEST` of the image counts.
    """
    reached = np.quantile(levels, 1.0 - SMALLEST, axis=(1, 2))
    masks = levels >= np.minimum(reached, threshold)[:, None, None]
    masks |= ~np.isfinite(levels).all(axis=(1, 2), keepdims=True)  # says nothing: the whole image
    return largest_boxes(masks) / levels.shape[1]


def _cut(
    heatmaps: Float[np.ndarray, "n size size"], threshold: float, otsu: bool
) -> Float[np.ndarray, "n 4"]:
    unit = np.ones((len(heatmaps), 2), dtype=int)
    return boxes_from_heatmaps(heatmaps, heatmaps.shape[1], unit, threshold, otsu)
