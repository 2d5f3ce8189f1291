"""Label-free signals of a model's quality, measured on its heatmaps and boxes of training images.

docs/results.md shows how well they predict localization on the development sets.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

import numpy as np
import torch

from ganloc.box.from_heatmap import normalise, resize
from ganloc.box.iou import iou
from ganloc.discriminator.networks import Discriminator
from ganloc.discriminator.reflection_padding import DEEP, reflection_padded_maps
from ganloc.heatmap.border_distance import border_ring
from ganloc.heatmap.cam import class_activation_map
from ganloc.heatmap.lda import lda_direction
from ganloc.heatmap.moments import Moments
from ganloc.heatmap.readings import DISCRIMINATOR_READING, READINGS, read_heatmaps
from ganloc.images.batches import batched, to_tensor
from ganloc.images.image_set import ImageSet, every_nth
from ganloc.metrics.diversity import diversity
from ganloc.model import Model
from ganloc.shapes import Float, UInt8

IMAGES = 200  # on which signals are measured, at most
SHIFT = 8  # images are shifted by side / SHIFT pixels, which is also the width of the border
PAIRS = 50  # of samples in each of two samplings of MS-SSIM
NAN = float("nan")

# The default reading without shift averaging and centre prior, which do not depend on the network.
RAW = replace(READINGS[DISCRIMINATOR_READING], steps=0, centre=0.0, aspect=False)


@dataclass(frozen=True)
class Signals:
    """The signals of one checkpoint. A signal that cannot be measured is NaN.

    Attributes:
        shift_equivariance: correlation of heatmaps with those of shifted images, −1 to 1 (1: they
            shift with the image).
        mirror_equivariance: correlation with heatmaps of mirrored images, likewise.
        image_dependence: 1 − correlation with the set's mean heatmap, 0–2 (0: all heatmaps are
            equal).
        border_avoidance: mean heatmap inside minus that along the border, −1 to 1.
        separation: AUC of separating cells inside from cells along the border, 0–1 (½: chance).
        spread: 1 − IoU of boxes with their median box, 0–1 (0: all boxes are equal).
        alikeness: mean MS-SSIM of pairs of generated images, 0–1 (1: all are equal); NaN without a
            generator.
    """

    shift_equivariance: float
    mirror_equivariance: float
    image_dependence: float
    border_avoidance: float
    separation: float
    spread: float
    alikeness: float

    def to_dict(self) -> dict[str, float | None]:
        """The signals by name, for JSON. NaN becomes None."""
        return {k: None if math.isnan(value) else value for k, value in asdict(self).items()}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Signals":
        """The inverse of `to_dict`. Other keys are ignored.

        Raises:
            KeyError: a signal is missing.
        """
        own = {field.name: values[field.name] for field in fields(cls)}
        return cls(**{name: NAN if value is None else value for name, value in own.items()})


def measure(
    model: Model,
    images: ImageSet,
    samples: UInt8[np.ndarray, "m size size 3"] | None = None,
) -> Signals:
    """Measure the signals of a model's discriminator on at most `IMAGES` images.

    Args:
        model: with a frozen discriminator.
        images: the training images, at least two.
        samples: generated images, at least fifteen; None without a generator.
    """
    some = images.subset(every_nth(np.arange(len(images)), IMAGES))
    size, shift = some.size, some.size // SHIFT

    def read(pixels: np.ndarray) -> np.ndarray:
        return resize(read_heatmaps(model.discriminator, pixels, RAW, model.statistics), size)

    raw = read(some.pixels)
    mirrored = read(np.ascontiguousarray(some.pixels[:, :, ::-1]))
    return Signals(
        shift_equivariance=shift_equivariance(raw, read(moved(some.pixels, shift)), shift),
        mirror_equivariance=mirror_equivariance(raw, mirrored),
        image_dependence=image_dependence(raw),
        border_avoidance=border_avoidance(raw),
        separation=separation(model.discriminator, some.pixels),
        spread=spread(model.detect(some, DISCRIMINATOR_READING).boxes),
        alikeness=NAN if samples is None else alikeness(samples),
    )


def moved(
    pixels: UInt8[np.ndarray, "n size size 3"], shift: int
) -> UInt8[np.ndarray, "n size size 3"]:
    """Shift images down and right by `shift` pixels, with reflection padding."""
    size = pixels.shape[1]
    around = ((0, 0), (shift, 0), (shift, 0), (0, 0))
    return np.pad(pixels, around, mode="reflect")[:, :size, :size]


def shift_equivariance(
    heatmaps: Float[np.ndarray, "n size size"],
    of_moved: Float[np.ndarray, "n size size"],
    shift: int,
) -> float:
    """Mean Pearson correlation of heatmaps with those of the moved images, moved back.

    Only the overlap counts. A constant heatmap counts as 0. Wang et al., Self-supervised
    Equivariant Attention Mechanism (CVPR 2020), train for such equivariance.
    """
    both = heatmaps[:, :-shift, :-shift], of_moved[:, shift:, shift:]
    return float(correlations(*both, constant=0.0).mean())


def mirror_equivariance(
    heatmaps: Float[np.ndarray, "n h w"], of_mirrored: Float[np.ndarray, "n h w"]
) -> float:
    """Mean Pearson correlation of heatmaps with those of the mirrored images, mirrored back.

    A constant heatmap counts as 0. Guo et al., Visual Attention Consistency under Image Transforms
    (CVPR 2019), train for such equivariance.
    """
    return float(correlations(heatmaps, of_mirrored[:, :, ::-1], constant=0.0).mean())


def image_dependence(heatmaps: Float[np.ndarray, "n h w"]) -> float:
    """1 − mean Pearson correlation of each heatmap with the set's mean heatmap.

    GANs that do not localize give every image nearly the same heatmap (the paper's figure 2). A
    constant heatmap counts as a correlation of 1.
    """
    mean = np.broadcast_to(heatmaps.mean(axis=0), heatmaps.shape)
    return 1.0 - float(correlations(heatmaps, mean, constant=1.0).mean())


def border_avoidance(heatmaps: Float[np.ndarray, "n size size"]) -> float:
    """Mean of the heatmaps inside minus that along the border, after stretching each to 0–1.

    The border is the outer eighth of the side. Objects seldom touch it (Wei et al., Geodesic
    Saliency Using Background Priors, ECCV 2012).
    """
    width = heatmaps.shape[1] // SHIFT
    inside = np.zeros(heatmaps.shape[1:], dtype=bool)
    inside[width:-width, width:-width] = True
    mean = normalise(heatmaps).mean(axis=0, dtype=float)
    return float(mean[inside].mean() - mean[~inside].mean())


@torch.no_grad()
def separation(discriminator: Discriminator, pixels: UInt8[np.ndarray, "n size size 3"]) -> float:
    """AUC of the LDA direction (lda.py) for cells inside against cells along the border.

    The direction is fitted on every other image and evaluated on the rest. The result is the mean
    over the last three blocks. ½ is chance.

    Args:
        discriminator: in evaluation mode, with calibrated batch norm (calibrate.py).
        pixels: RGB, 0–255, at least two images.
    """
    moments = [Moments() for _ in range(DEEP)]
    for blocks in _maps(discriminator, pixels[::2]):
        for sums, maps in zip(moments, blocks, strict=True):
            sums.add(maps)
    directions = [lda_direction(sums).float() for sums in moments]
    parts: list[list[np.ndarray]] = [[] for _ in range(DEEP)]
    for blocks in _maps(discriminator, pixels[1::2]):
        for part, maps, direction in zip(parts, blocks, directions, strict=True):
            part.append(class_activation_map(maps, direction).cpu().numpy())
    heatmaps = [np.concatenate(part) for part in parts]
    rings = [border_ring(torch.from_numpy(one)).numpy() for one in heatmaps]
    ranked = [auc(one[:, ~ring], one[:, ring]) for one, ring in zip(heatmaps, rings, strict=True)]
    return float(np.mean(ranked))


def _maps(discriminator: Discriminator, pixels: np.ndarray) -> Iterator[list[torch.Tensor]]:
    device = next(discriminator.parameters()).device
    for part in batched(len(pixels)):
        yield reflection_padded_maps(discriminator, to_tensor(pixels[part], device))


def auc(high: Float[np.ndarray, "..."], low: Float[np.ndarray, "..."]) -> float:
    """The area under the ROC curve (Mann and Whitney, 1947).

    It is the share of pairs in which a value of `high` exceeds a value of `low`. A tie counts ½.

    >>> auc(np.array([1.0, 2.0]), np.array([0.0, 1.0]))
    0.875
    """
    ordered, values = np.sort(low.ravel()), high.ravel()
    wins = np.searchsorted(ordered, values, "left") + np.searchsorted(ordered, values, "right")
    return float(wins.sum() / 2 / (high.size * low.size))


def spread(boxes: Float[np.ndarray, "n 4"]) -> float:
    """1 − mean IoU of the boxes with their median box (the median of each edge).

    >>> boxes = np.array([[0.0, 0.0, 1.0, 1.0], [0.0, 0.0, 1.0, 1.0], [0.0, 0.0, 1.0, 0.4]])
    >>> round(spread(boxes), 6)  # IoUs of 1, 1 and 0.4
    0.2
    """
    median = np.broadcast_to(np.median(boxes, axis=0), boxes.shape)
    return 1.0 - float(iou(boxes, median).mean())


def alikeness(samples: UInt8[np.ndarray, "n size size 3"]) -> float:
    """Mean MS-SSIM of 2 × `PAIRS` pairs of generated images (metrics/diversity.py)."""
    return diversity(samples, pairs=PAIRS, samplings=2).mean


def correlations(
    one: Float[np.ndarray, "n h w"], other: Float[np.ndarray, "n h w"], constant: float
) -> Float[np.ndarray, " n"]:
    """Pearson correlation of heatmaps with the same index; `constant` if either is constant."""
    flat = [maps.reshape(len(maps), -1).astype(float) for maps in (one, other)]
    a, b = (maps - maps.mean(axis=1, keepdims=True) for maps in flat)
    lengths = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    varies = np.logical_and(*(np.ptp(m, axis=1) > 1e-6 * np.abs(m).max(axis=1) for m in flat))
    products = (a * b).sum(axis=1)
    return np.divide(products, lengths, out=np.full(len(a), constant), where=varies)
