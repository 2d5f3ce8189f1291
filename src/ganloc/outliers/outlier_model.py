"""How far an image is from what is typical of its folder.

Nobody says which of the folder's images belong there, so the typical ones come first: those that
half of the folder is nearest to. Others may be scattered, or one group that is more alike than the
rest, as cells among photographs: robust covariance (Rousseeuw's MCD) would settle on these. So does
this one where the folder itself is very varied. The distance is then Mahalanobis', from the typical
images, in a few principal components; what they leave out is one more component.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields

import numpy as np
import torch
from torch import Tensor

from ganloc.images.image_set import spread_over
from ganloc.outliers.patch_filters import PatchFilters
from ganloc.shapes import Float, Int, UInt8

IMAGES = 2048  # at most, evenly over the folder, from which it is known what is typical
FEWEST = 20  # images, below which nothing is typical
NEAREST = 0.5  # share of the folder that a typical image is near to
TYPICAL = 0.3  # share of the folder that is typical in any case
NEARER = 0.25  # share of the folder that is nearer than the unit of distance
COMPONENTS = 8
PER_COMPONENT = 4  # typical images, or there are fewer components
FARTHEST = 6.0  # standard deviations, at which strengths are cut
REGULAR = 1e-3  # added to variances
ODD = 2.0  # from here on an image is told of
LISTED = 10


@dataclass(frozen=True)
class OutlierModel:
    """What is typical of a folder.

    Attributes:
        patterns: its images' patterns.
        centre, scale: median and standard deviation of the patterns' strengths.
        axes: from scaled strengths to coordinates in which the typical images are round.
        origin: their mean in these coordinates, of which the unit is such that a quarter of the
            folder is nearer.
    """

    filters_: PatchFilters
    centre: Float[Tensor, " both_signs"]
    scale: Float[Tensor, " both_signs"]
    axes: Float[Tensor, "both_signs both_signs"]
    origin: Float[Tensor, " both_signs"]

    @classmethod
    def of_folder(
        cls, pixels: UInt8[np.ndarray, "n size size 3"], seed: int
    ) -> "OutlierModel | None":
        """`fit`, of enough images; None of fewer than `FEWEST`."""
        return cls.fit(pixels, seed) if len(pixels) >= FEWEST else None

    @classmethod
    @torch.no_grad()
    def fit(cls, pixels: UInt8[np.ndarray, "n size size 3"], seed: int) -> "OutlierModel":
        """Find what is typical of these images, without a label.

        Args:
            pixels: RGB, 0–255, at least one; `FEWEST` to be of use.
            seed: of the patterns.
        """
        some = spread_over(pixels, IMAGES)
        filters_ = PatchFilters.learn(some, seed)
        strengths = filters_.strengths(some).double()
        centre, scale = strengths.median(dim=0).values, strengths.std(dim=0, correction=0) + 1e-3
        scaled = _scaled(strengths, centre, scale)
        nearness = torch.cdist(scaled, scaled).quantile(NEAREST, dim=1)
        typical = nearness.argsort()[: max(1, round(TYPICAL * len(some)))]
        axes = _axes(scaled, typical)
        placed = scaled @ axes
        origin = placed[typical].mean(dim=0)
        unit = (placed - origin).norm(dim=1).quantile(NEARER).clamp(min=1.0)
        own = (centre, scale, axes / unit, origin / unit)
        return cls(filters_, *(tensor.float() for tensor in own))

    def scores(self, pixels: UInt8[np.ndarray, "n size size 3"]) -> Float[np.ndarray, " n"]:
        """How far from typical each image is: 0 and more; a quarter of the folder is below 1.

        Args:
            pixels: RGB, 0–255, of the size that was learned from.
        """
        strengths = self.filters_.strengths(pixels)
        placed = _scaled(strengths, self.centre, self.scale) @ self.axes
        return (placed - self.origin).norm(dim=1).double().cpu().numpy()

    def to(self, device: torch.device) -> "OutlierModel":
        """The same on `device`."""
        return OutlierModel.of({name: tensor.to(device) for name, tensor in self.tensors().items()})

    def tensors(self) -> dict[str, Tensor]:
        """All that it is, by name; `of` takes it back."""
        own = {field.name: getattr(self, field.name) for field in fields(self)[1:]}
        return {"mean": self.filters_.mean, "filters": self.filters_.filters, **own}

    @classmethod
    def of(cls, tensors: Mapping[str, Tensor]) -> "OutlierModel":
        """What `tensors` gave.

        Raises:
            KeyError: some are missing.
        """
        filters_ = PatchFilters(tensors["mean"], tensors["filters"])
        return cls(filters_, *(tensors[field.name] for field in fields(cls)[1:]))


def describe_outliers(names: Sequence[str], scores: Float[np.ndarray, " n"]) -> str:
    """The most unusual images in two sentences, "" where none is."""
    odd = np.flatnonzero(scores >= ODD)
    if not len(odd):
        return ""
    first = odd[np.argsort(-scores[odd], kind="stable")][:LISTED]
    listed = ", ".join(f"{names[index]} ({scores[index]:.1f})" for index in first)
    more = len(odd) - len(first)
    return (
        f"Unlike most images that were learned from, {len(odd)} of {len(names)}: {listed}"
        f"{f' and {more} more' if more else ''}. Some may not belong."
    )


def _scaled(
    strengths: Float[Tensor, "n both_signs"],
    centre: Float[Tensor, " both_signs"],
    scale: Float[Tensor, " both_signs"],
) -> Float[Tensor, "n both_signs"]:
    return ((strengths - centre) / scale).clamp(-FARTHEST, FARTHEST)


def _axes(
    scaled: Float[Tensor, "n both_signs"], typical: Int[Tensor, " t"]
) -> Float[Tensor, "both_signs both_signs"]:
    """Principal components in which the typical images are round, and the rest as one more."""
    # Highest variance first.
    directions = torch.linalg.eigh(_covariance(scaled)).eigenvectors.flip(1)
    count = min(max(1, len(typical) // PER_COMPONENT), COMPONENTS)
    components, rest = directions[:, :count], directions[:, count:]
    components = components / ((scaled @ components).var(dim=0, correction=0) + REGULAR).sqrt()
    covariance = _covariance((scaled @ components)[typical]) + REGULAR * torch.eye(count)
    variance = (scaled @ rest)[typical].var(dim=0, correction=0).sum()
    components = components @ torch.linalg.cholesky(covariance.inverse())
    return torch.cat([components, rest / (variance + REGULAR).sqrt()], dim=1)


def _covariance(rows: Float[Tensor, "n k"]) -> Float[Tensor, "k k"]:
    centred = rows - rows.mean(dim=0)
    return centred.T @ centred / len(rows)
