"""Pseudo-boxes: label-free boxes on which the first student is trained.

A pseudo-box is the mean of two boxes, from two normalisations of the same LDA heatmaps:

- Per-image normalisation stretches each heatmap to 0–1. It finds faint objects but discards their
  size.
- Set normalisation keeps the scale of the features over the whole set and cuts all images at one
  threshold. It distinguishes large objects from small ones.

The two make different errors. Feature maps are coarse, so colour contrast sharpens both, unless
colours tell nothing. Where they tell all, they are believed alone (`trusted_source`).

Heatmaps by pre-trained features (heatmap/ddt.py), if the user gives some, count in both as much as
the LDA heatmaps: they know things, and the LDA heatmaps know what is common to this set. Together
they were better than either alone (docs/log.md).
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ganloc.box.from_heatmap import boxes_from_heatmaps, largest_boxes, normalise, resize
from ganloc.box.otsu import common_otsu_threshold
from ganloc.discriminator.networks import Discriminator
from ganloc.heatmap.calibrate import CALIBRATION_IMAGES, for_reading
from ganloc.heatmap.colour_contrast import CENTRE_PRIOR_THRESHOLD, colour_contrast
from ganloc.heatmap.feature_statistics import FeatureStatistics, feature_statistics
from ganloc.heatmap.own_colours import overlap
from ganloc.heatmap.readings import (
    DISCRIMINATOR_READING,
    READINGS,
    centre_prior,
    join,
    layer_heatmaps,
)
from ganloc.images.image_set import every_nth
from ganloc.shapes import Float, UInt8
from ganloc.student.random_views import soft_boxes

IMAGES = 512  # from which the scale and threshold of the set are measured, evenly over the set
CENTRE_WEIGHT = 0.7  # weight of the centre prior's logarithm in the set-normalised map
OTSU_FACTOR = 1.1  # the set's threshold, in units of Otsu's threshold
SMALLEST = 0.03  # share of an image that is marked at least
LOG_FLOOR = 0.03  # added to colour contrast before the logarithm
POWER_FLOOR = 0.001  # added to colour contrast before the power


@dataclass(frozen=True)
class Sharpening:
    """How colour contrast sharpens the heatmaps of a source.

    Attributes:
        log_weight: weight of the contrast's logarithm in the set-normalised map.
        power: exponent of the contrast that multiplies the per-image normalised map.
        threshold: ratio of the Otsu threshold at which the per-image normalised map is cut.
    """

    log_weight: float
    power: float
    threshold: float


# Of colours inside and outside of the median image's box: squared Hellinger distance, 0–1, that
# boxes of colour contrast need, and its ratio to that of the discriminator's boxes from which on
# only the former are believed. Of ten sets, one is below (0.05; the next 0.11), and one above
# (4.6; the next 1.6).
LEAST_DISTANCE, FAR_BETTER = 0.08, 2.5
BOTH, DISCRIMINATOR = "both", "discriminator"
SOURCES = {BOTH: Sharpening(0.6, 0.5, 0.5), DISCRIMINATOR: Sharpening(0.0, 0.0, 0.7)}
COLOUR = "colour"  # colour contrast with a centre prior, without a network


class PseudoBoxFinder:
    """Finds pseudo-boxes in the images of one set.

    Args:
        discriminator: in evaluation mode, with calibrated batch norm (calibrate.py).
        statistics: of the discriminator's features over the set.
        pixels: images of the set, RGB, 0–255.
        source: one of `recipes.PSEUDO_BOXES`; not "colour" with `features`.
        features: heatmaps of these images by pre-trained features, on any scale; None without.
        close_source: of close-ups; by default the same.

    Attributes:
        threshold: of the set-normalised maps; not set if `source` is "colour".
    """

    def __init__(
        self,
        discriminator: Discriminator,
        statistics: FeatureStatistics,
        pixels: UInt8[np.ndarray, "n size size 3"],
        source: str,
        features: Float[np.ndarray, "n h w"] | None = None,
        close_source: str | None = None,
    ):
        self.discriminator, self.statistics, self.source = discriminator, statistics, source
        self.close_source = close_source or source
        if source == COLOUR:
            return
        some = every_nth(pixels, IMAGES)
        layers = np.concatenate([heatmaps.cpu().numpy() for heatmaps in self._layers(some)])
        self._mean = layers.mean(axis=(0, 2, 3), keepdims=True)
        self._deviation = layers.std(axis=(0, 2, 3), keepdims=True).clip(1e-9)
        known = None if features is None else resize(every_nth(features, IMAGES), some.shape[1])
        if known is not None:
            self._scale = float(known.mean()), max(float(known.std()), 1e-9)
        contrast = colour_contrast(some)
        self._log_contrast = float(np.log(contrast + LOG_FLOOR).mean())
        maps = self._set_normalised(layers, known, contrast)
        self.threshold = common_otsu_threshold(maps, OTSU_FACTOR)

    @property
    def uses_colours(self) -> bool:
        """Whether the boxes depend on colour contrast."""
        return self.source != DISCRIMINATOR

    def anew(self, pixels: UInt8[np.ndarray, "n size size 3"]) -> "PseudoBoxFinder":
        """A finder for close-ups, from `close_source`, without features."""
        if self.close_source == COLOUR:
            return self
        discriminator = for_reading(self.discriminator, pixels)
        statistics = feature_statistics(discriminator, every_nth(pixels, CALIBRATION_IMAGES))
        return PseudoBoxFinder(discriminator, statistics, pixels, self.close_source)

    def boxes(
        self,
        pixels: UInt8[np.ndarray, "n size size 3"],
        features: Float[np.ndarray, "n h w"] | None = None,
    ) -> Float[np.ndarray, "n 4"]:
        """The pseudo-box of each image, xyxy, half-open, in fractions of the image.

        Args:
            pixels: RGB, 0–255.
            features: heatmaps of these images by the features that the finder was given.
        """
        size = pixels.shape[1]
        if self.source == COLOUR:
            return boxes_by_colour(pixels)
        found, start = [], 0
        for heatmaps in self._layers(pixels):
            part = slice(start, start + len(heatmaps))
            contrast = colour_contrast(pixels[part])
            known = None if features is None else resize(features[part], size)
            own = self._image_normalised(heatmaps, known, contrast)
            own_boxes = boxes_from_heatmaps(own, size, SOURCES[self.source].threshold, otsu=True)
            common = self._set_normalised(heatmaps.cpu().numpy(), known, contrast)
            found.append((own_boxes + boxes_above(common, self.threshold)) / 2.0)
            start += len(heatmaps)
        return np.concatenate(found)

    def _layers(self, pixels: np.ndarray) -> Iterator[Tensor]:
        return layer_heatmaps(
            self.discriminator, pixels, READINGS[DISCRIMINATOR_READING], self.statistics
        )

    def _image_normalised(
        self, heatmaps: Tensor, known: np.ndarray | None, contrast: np.ndarray
    ) -> np.ndarray:
        joined = join(heatmaps, stretch=True)
        if known is not None:
            joined = (joined * torch.from_numpy(normalise(known)).to(joined)).sqrt()
        stretched = normalise((joined * self._prior(joined)).cpu().numpy())
        return stretched * (contrast + POWER_FLOOR) ** SOURCES[self.source].power

    def _set_normalised(
        self, layers: np.ndarray, known: np.ndarray | None, contrast: np.ndarray
    ) -> np.ndarray:
        features = ((layers - self._mean) / self._deviation).mean(axis=1)
        if known is not None:
            mean, deviation = self._scale
            features = (features + (known - mean) / deviation) / 2.0
        prior = np.log(self._prior(torch.from_numpy(features)).numpy())
        colours = np.log(contrast + LOG_FLOOR) - self._log_contrast
        return features + CENTRE_WEIGHT * prior + SOURCES[self.source].log_weight * colours

    def _prior(self, heatmaps: Tensor) -> Tensor:
        return centre_prior(
            heatmaps, READINGS[DISCRIMINATOR_READING].centre, self.statistics.aspect
        )


def find_pseudo_boxes(
    discriminator: Discriminator,
    statistics: FeatureStatistics,
    pixels: UInt8[np.ndarray, "n size size 3"],
    source: str,
    features: Float[np.ndarray, "n h w"] | None = None,
) -> tuple[PseudoBoxFinder, Float[np.ndarray, "n 4"]]:
    """The pseudo-boxes of a set, and their finder.

    The source "both" becomes one of the two where colours say that the other finds nothing
    (`trusted_source`), "colour" only without features, and not in close-ups.

    Args:
        discriminator: as of `PseudoBoxFinder`, like all that follow.
    """

    def finder_of(source: str, close_source: str | None = None) -> PseudoBoxFinder:
        return PseudoBoxFinder(discriminator, statistics, pixels, source, features, close_source)

    close_source = None
    if source == BOTH:
        some = every_nth(pixels, IMAGES)
        known = None if features is None else every_nth(features, IMAGES)
        by_colour = boxes_by_colour(some)
        source = trusted_source(some, finder_of(DISCRIMINATOR).boxes(some, known), by_colour)
        if source == COLOUR:
            close_source = BOTH  # where an object is large, the discriminator finds it
            source = BOTH if features is not None else COLOUR
    finder = finder_of(source, close_source)
    return finder, finder.boxes(pixels, features)


def trusted_source(
    pixels: UInt8[np.ndarray, "n size size 3"],
    by_discriminator: Float[np.ndarray, "n 4"],
    by_colour: Float[np.ndarray, "n 4"],
) -> str:
    """The source of pseudo-boxes that a set's colours speak for: a key of `SOURCES`, or "colour".

    Where even the boxes of colour contrast hold the colours of their surroundings, as in
    ultrasounds, colours tell nothing. Where they stand out far better than the discriminator's, the
    discriminator has not found the objects; so it is with small ones on a plain ground.

    Args:
        pixels: RGB, 0–255.
        by_discriminator: boxes, xyxy, in fractions of the image.
        by_colour: likewise.
    """

    def distance(boxes: Float[np.ndarray, "n 4"]) -> float:
        return 1.0 - float(np.median(overlap(pixels, soft_boxes(boxes, pixels.shape[1]))))

    apart = distance(by_colour)
    if apart < LEAST_DISTANCE:
        return DISCRIMINATOR
    return COLOUR if apart > FAR_BETTER * distance(by_discriminator) else BOTH


def boxes_by_colour(pixels: UInt8[np.ndarray, "n size size 3"]) -> Float[np.ndarray, "n 4"]:
    """Boxes of colour contrast with a centre prior, xyxy, in fractions of the image."""
    contrast = colour_contrast(pixels, centre_prior=True)
    return boxes_from_heatmaps(contrast, pixels.shape[1], CENTRE_PRIOR_THRESHOLD)


def boxes_above(
    maps: Float[np.ndarray, "n size size"], threshold: float
) -> Float[np.ndarray, "n 4"]:
    """The largest box of the values at or above `threshold`, in fractions of the image.

    At least the highest `SMALLEST` of an image's values count. A map that is not finite gives the
    whole image.
    """
    reached = np.quantile(maps, 1.0 - SMALLEST, axis=(1, 2))
    masks = maps >= np.minimum(reached, threshold)[:, None, None]
    masks |= ~np.isfinite(maps).all(axis=(1, 2), keepdims=True)
    return largest_boxes(masks) / maps.shape[1]
