"""What a folder's images are made of: a few small patterns, and how strongly an image has each.

Coates and Ng (2012), Learning Feature Representations with K-means: patches are set to equal
contrast, whitened and clustered by direction. Means over a whole image tell its texture, wherever
the object is and whatever its box.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, unfold

from ganloc.images.batches import to_tensor
from ganloc.shapes import Float, UInt8

COUNT = 32
SIDE = 6  # pixels of a pattern
STRIDE = 2
LARGEST = 64  # larger images are shrunk to this side
PATCHES = 40_000  # to learn from, or of few images so many each:
PER_IMAGE = 200
ROUNDS = 10
FLAT = 10 / 127.5**2  # added to a patch's variance, so that what is all but flat stays so
WHITENING = 0.1  # added to the patches' variances
QUIET = 0.5  # answers up to this are none
BATCH = 64


@dataclass(frozen=True)
class PatchFilters:
    """Patterns of a folder.

    Attributes:
        mean: of all patches, channels first.
        filters: a column a pattern; with their whitening.
    """

    mean: Float[Tensor, " values"]
    filters: Float[Tensor, "values patterns"]

    @classmethod
    @torch.no_grad()
    def learn(cls, pixels: UInt8[np.ndarray, "n size size 3"], seed: int) -> "PatchFilters":
        """Learn them from patches of these images, by spherical k-means.

        Args:
            pixels: RGB, 0–255, at least one.
            seed: of the patches and the first patterns.
        """
        random = torch.Generator().manual_seed(seed)
        patches = _contrast(_sampled(pixels, random))
        mean = patches.mean(dim=0)
        variances, axes = torch.linalg.eigh((patches - mean).T.cov(correction=0))
        whitening = axes * (variances.clamp(min=0.0) + WHITENING).rsqrt() @ axes.T
        white = (patches - mean) @ whitening
        first = torch.randperm(len(white), generator=random)[:COUNT]
        filters_ = _unit(white[first])
        for _ in range(ROUNDS):
            answers = white @ filters_.T
            nearest = answers.abs().argmax(dim=1, keepdim=True)
            weights = torch.zeros_like(answers).scatter(1, nearest, answers.gather(1, nearest))
            filters_ = _unit(weights.T @ white + 1e-3 * filters_)  # one that is nobody's stays
        return cls(mean.float(), (whitening @ filters_.T).float())

    @torch.no_grad()
    def strengths(
        self, pixels: UInt8[np.ndarray, "n size size 3"]
    ) -> Float[Tensor, "n both_signs"]:
        """How strongly each image has each pattern, then each in negative, at least 0.

        The square root of the mean over the image.

        Args:
            pixels: RGB, 0–255, of the size that was learned from: patterns have a size in pixels.
        """
        side, device = SIDE, self.filters.device
        strengths = []
        for start in range(0, len(pixels), BATCH):
            images = _shrunk(to_tensor(pixels[start : start + BATCH], device))
            patches = _contrast(unfold(images, side, stride=STRIDE).transpose(1, 2))
            answers = (patches - self.mean) @ self.filters
            both = torch.cat([answers, -answers], dim=2)
            strengths.append((both - QUIET).clamp(min=0.0).mean(dim=1).sqrt())
        return torch.cat(strengths)


def _sampled(
    pixels: UInt8[np.ndarray, "n size size 3"], random: torch.Generator
) -> Float[Tensor, "patches values"]:
    """Patches from random places of random images, channels first."""
    images = torch.cat(
        [
            _shrunk(to_tensor(pixels[start : start + BATCH], torch.device("cpu")))
            for start in range(0, len(pixels), BATCH)
        ]
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
    """Each patch with mean 0 and, unless it is all but flat, variance 1."""
    variance, mean = torch.var_mean(patches, dim=-1, correction=0, keepdim=True)
    return (patches - mean) * (variance + FLAT).rsqrt()


def _unit(rows: Float[Tensor, "n values"]) -> Float[Tensor, "n values"]:
    return rows / rows.norm(dim=1, keepdim=True).clamp(min=1e-9)
