"""Texture features: mean responses of an image to small filters learned from its folder.

Coates and Ng, Learning Feature Representations with K-means (2012). Patches are normalised to equal
contrast, whitened and clustered by spherical k-means. Means over the whole image describe its
texture, not the place of the object.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, unfold

from ganloc.images.batches import batched, to_tensor
from ganloc.shapes import Float, UInt8

COUNT = 32  # filters
SIDE = 6  # side of a filter, in pixels
STRIDE = 2  # between the patches of an image, in pixels
LARGEST = 64  # larger images are downsampled to this side
PATCHES = 40_000  # training patches, at most
PER_IMAGE = 200  # training patches for each image of the folder, at most
ROUNDS = 10  # of k-means
FLAT = 10 / 127.5**2  # added to a patch's variance, so that nearly flat patches are not amplified
WHITENING = 0.1  # added to the variances of the patches
THRESHOLD = 0.5  # subtracted from responses, which are then clipped at 0
BATCH = 64  # images at a time, because their patches take much memory


@dataclass(frozen=True)
class PatchFilters:
    """The filters of a folder.

    Attributes:
        mean: mean of the training patches, channels first.
        filters: one column a filter, whitening included.
    """

    mean: Float[Tensor, " values"]
    filters: Float[Tensor, "values filters"]

    @classmethod
    @torch.no_grad()
    def learn(cls, pixels: UInt8[np.ndarray, "n size size 3"], seed: int) -> "PatchFilters":
        """Learn the filters from random patches of images by spherical k-means.

        Args:
            pixels: RGB, 0–255, at least one image.
            seed: of the patches and the first centroids.
        """
        random = torch.Generator().manual_seed(seed)
        patches = _contrast(_sampled(pixels, random))
        mean = patches.mean(dim=0)
        variances, axes = torch.linalg.eigh((patches - mean).T.cov(correction=0))
        whitening = axes * (variances.clamp(min=0.0) + WHITENING).rsqrt() @ axes.T
        white = (patches - mean) @ whitening
        first = torch.randperm(len(white), generator=random)[:COUNT]
        centroids = _unit(white[first])
        for _ in range(ROUNDS):
            cosines = white @ centroids.T
            nearest = cosines.abs().argmax(dim=1, keepdim=True)
            weights = torch.zeros_like(cosines).scatter(1, nearest, cosines.gather(1, nearest))
            # The second term keeps the centroid of an empty cluster.
            centroids = _unit(weights.T @ white + 1e-3 * centroids)
        return cls(mean.float(), (whitening @ centroids.T).float())

    @torch.no_grad()
    def features(self, pixels: UInt8[np.ndarray, "n size size 3"]) -> Float[Tensor, "n both_signs"]:
        """Features of each image, ≥ 0: the square root of its mean response to each filter.

        The second half of the features are the responses to the negative filters.

        Args:
            pixels: RGB, 0–255, of the size of the training images.
        """
        device = self.filters.device
        features = []
        for part in batched(len(pixels), BATCH):
            images = _shrunk(to_tensor(pixels[part], device))
            patches = _contrast(unfold(images, SIDE, stride=STRIDE).transpose(1, 2))
            responses = (patches - self.mean) @ self.filters
            both = torch.cat([responses, -responses], dim=2)
            features.append((both - THRESHOLD).clamp(min=0.0).mean(dim=1).sqrt())
        return torch.cat(features)


def _sampled(
    pixels: UInt8[np.ndarray, "n size size 3"], random: torch.Generator
) -> Float[Tensor, "patches values"]:
    """Patches from random places of random images, channels first."""
    cpu = torch.device("cpu")
    images = torch.cat(
        [_shrunk(to_tensor(pixels[part], cpu)) for part in batched(len(pixels), BATCH)]
    )
    shape = (min(PATCHES, PER_IMAGE * len(images)), 1, 1, 1)
    image = torch.randint(len(images), shape, generator=random)
    places = images.shape[-1] - SIDE + 1
    row, column = (torch.randint(places, shape, generator=random) for _ in "yx")
    within = torch.arange(SIDE)
    channel = torch.arange(3)[:, None, None]
    patches = images[image, channel, row + within[:, None], column + within]
    return patches.flatten(1).double()


def _shrunk(images: Float[Tensor, "n 3 size size"]) -> Float[Tensor, "n 3 _ _"]:
    return avg_pool2d(images, max(1, images.shape[-1] // LARGEST))


def _contrast(patches: Float[Tensor, "*n values"]) -> Float[Tensor, "*n values"]:
    """Patches normalised to mean 0 and variance 1. Nearly flat patches stay nearly flat."""
    variance, mean = torch.var_mean(patches, dim=-1, correction=0, keepdim=True)
    return (patches - mean) * (variance + FLAT).rsqrt()


def _unit(rows: Float[Tensor, "n values"]) -> Float[Tensor, "n values"]:
    return rows / rows.norm(dim=1, keepdim=True).clamp(min=1e-9)
