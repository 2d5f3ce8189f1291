"""The outlier score: the distance of an image from the inliers of its folder.

There are no inlier labels. We take as inliers the 30 % of images that are closest to half of the
folder. The score is the Mahalanobis distance from the inliers in a few principal components. The
residual counts as one more component.

Outliers may be a compact group, such as micrographs among photographs. Robust covariance
(Rousseeuw's MCD) would take the group for the inliers. Our rule makes the same mistake only if the
rest of the folder is very varied.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields

import numpy as np
import torch
from torch import Tensor

from ganloc.images.image_set import every_nth
from ganloc.outliers.patch_filters import PatchFilters
from ganloc.shapes import Float, Int, UInt8

IMAGES = 2048  # the model is fitted on at most so many, evenly over the folder
FEWEST_IMAGES = 20  # images that a model needs
NEAREST = 0.5  # an image's distance to the folder is this quantile of its distances
INLIERS = 0.3  # share of the folder
NEARER = 0.7  # share of the folder with which the search for the fence begins
FENCE = 1.5  # interquartile ranges from the upper quartile to the fence (Tukey, 1977)
COMPONENTS = 8  # at most
PER_COMPONENT = 4  # inliers needed for each component
FARTHEST = 6.0  # standard deviations at which features are clipped
REGULAR = 1e-3  # added to variances
LISTED = 10  # outliers that are named to the user


@dataclass(frozen=True)
class OutlierModel:
    """The distribution of a folder's inliers.

    Attributes:
        filters: give the texture features.
        centre: median of each feature.
        scale: standard deviation of each feature.
        axes: linear map from scaled features to coordinates that are whitened on the inliers. An
            image that is closer than 1 to `origin` does not stand out.
        origin: mean of the inliers in these coordinates.
    """

    filters: PatchFilters
    centre: Float[Tensor, " both_signs"]
    scale: Float[Tensor, " both_signs"]
    axes: Float[Tensor, "both_signs both_signs"]
    origin: Float[Tensor, " both_signs"]

    @classmethod
    @torch.no_grad()
    def fit(cls, pixels: UInt8[np.ndarray, "n size size 3"], seed: int) -> "OutlierModel":
        """Fit the model on a folder, without a label.

        Args:
            pixels: RGB, 0–255, at least one image; `FEWEST_IMAGES` to be useful.
            seed: of the filters.
        """
        some = every_nth(pixels, IMAGES)
        filters = PatchFilters.learn(some, seed)
        features = filters.features(some).double()
        centre, scale = features.median(dim=0).values, features.std(dim=0, correction=0) + 1e-3
        scaled = _scaled(features, centre, scale)
        to_half = torch.cdist(scaled, scaled).quantile(NEAREST, dim=1)
        inliers = to_half.argsort()[: max(1, round(INLIERS * len(some)))]
        axes = _axes(scaled, inliers)
        placed = scaled @ axes
        origin = placed[inliers].mean(dim=0)
        unit = max(1.0, fence((placed - origin).norm(dim=1).numpy()))
        own = (centre, scale, axes / unit, origin / unit)
        return cls(filters, *(tensor.float() for tensor in own))

    def scores(self, pixels: UInt8[np.ndarray, "n size size 3"]) -> Float[np.ndarray, " n"]:
        """The outlier score of each image, 0 and above. Outliers score 1 or more (`fence`).

        Args:
            pixels: RGB, 0–255, of the size that the model was fitted at.
        """
        scaled = _scaled(self.filters.features(pixels), self.centre, self.scale)
        return (scaled @ self.axes - self.origin).norm(dim=1).double().cpu().numpy()

    def to(self, device: torch.device) -> "OutlierModel":
        """The same model on `device`."""
        return OutlierModel.of({name: own.to(device) for name, own in self.tensors().items()})

    def tensors(self) -> dict[str, Tensor]:
        """All tensors of the model by name."""
        own = {field.name: getattr(self, field.name) for field in fields(self)[1:]}
        return {"mean": self.filters.mean, "filters": self.filters.filters, **own}

    @classmethod
    def of(cls, tensors: Mapping[str, Tensor]) -> "OutlierModel":
        """The inverse of `tensors`. Raises KeyError if one is missing."""
        filters = PatchFilters(tensors["mean"], tensors["filters"])
        return cls(filters, *(tensors[field.name] for field in fields(cls)[1:]))


def fence(distances: Float[np.ndarray, " n"]) -> float:
    """The distance from which on an image is an outlier.

    It is Tukey's fence of the logarithms: 1.5 interquartile ranges above the upper quartile (Tukey,
    Exploratory Data Analysis, 1977). It is computed of the nearest 70 % of the folder, and again of
    what lies within it until nothing is added, so that many outliers do not hide one another.

    Args:
        distances: of the images of a folder, 0 and above.

    >>> distances = np.exp(np.arange(9) / 8)  # quartiles of the logarithms: ¼ and ¾
    >>> float(np.log(fence(np.append(distances, [90.0, 80.0, 85.0])))).__round__(6)
    1.5
    """
    logs = np.log(np.sort(distances).clip(1e-3))
    within = max(1, int(NEARER * len(logs)))
    while True:
        low, high = np.quantile(logs[:within], [0.25, 0.75])
        top = high + FENCE * (high - low)
        count = int((logs <= top).sum())
        if count <= within:
            return float(np.exp(top))
        within = count


def describe_outliers(names: Sequence[str], scores: Float[np.ndarray, " n"]) -> str:
    """A message that names the images with the highest outlier scores; "" without outliers.

    >>> describe_outliers(["a.jpg", "b.jpg"], np.array([0.4, 1.61]))
    'Outliers, unlike most training images: 1 of 2: b.jpg (1.6). Some may not belong.'
    """
    found = np.flatnonzero(scores >= 1.0)
    if not len(found):
        return ""
    first = found[np.argsort(-scores[found], kind="stable")][:LISTED]
    listed = ", ".join(f"{names[index]} ({scores[index]:.1f})" for index in first)
    more = len(found) - len(first)
    return (
        f"Outliers, unlike most training images: {len(found)} of {len(names)}: {listed}"
        f"{f' and {more} more' if more else ''}. Some may not belong."
    )


def _scaled(
    features: Float[Tensor, "n both_signs"],
    centre: Float[Tensor, " both_signs"],
    scale: Float[Tensor, " both_signs"],
) -> Float[Tensor, "n both_signs"]:
    return ((features - centre) / scale).clamp(-FARTHEST, FARTHEST)


def _axes(
    scaled: Float[Tensor, "n both_signs"], inliers: Int[Tensor, " t"]
) -> Float[Tensor, "both_signs both_signs"]:
    """Principal components whitened on the inliers, and the residual as one more component."""
    # Reversed, because eigh sorts by ascending variance.
    directions = torch.linalg.eigh(_covariance(scaled)).eigenvectors.flip(1)
    count = min(max(1, len(inliers) // PER_COMPONENT), COMPONENTS)
    components, rest = directions[:, :count], directions[:, count:]
    components = components / ((scaled @ components).var(dim=0, correction=0) + REGULAR).sqrt()
    covariance = _covariance((scaled @ components)[inliers]) + REGULAR * torch.eye(count)
    variance = (scaled @ rest)[inliers].var(dim=0, correction=0).sum()
    components = components @ torch.linalg.cholesky(covariance.inverse())
    return torch.cat([components, rest / (variance + REGULAR).sqrt()], dim=1)


def _covariance(rows: Float[Tensor, "n k"]) -> Float[Tensor, "k k"]:
    centred = rows - rows.mean(dim=0)
    return centred.T @ centred / len(rows)
