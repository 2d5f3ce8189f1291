"""Diversity of a set of images: the mean MS-SSIM of random pairs.

The paper judges the diversity of GANs by looking at samples, and names MS-SSIM in its section
Limitation. The value of real images is the reference for samples of a generator.
"""

from dataclasses import dataclass

import numpy as np
import torch

from ganloc.metrics.ms_ssim import ms_ssim
from ganloc.shapes import Float, Int, UInt8

_BATCH = 50  # pairs compared at a time


@dataclass(frozen=True)
class Diversity:
    """MS-SSIM within a set of images. A high value means low diversity.

    Attributes:
        mean: mean over all pairs of all samplings, 0–1.
        deviation: standard deviation (n − 1) of the means of the samplings. It measures the choice
            of pairs only, not that of the images.
    """

    mean: float
    deviation: float


def diversity(
    images: UInt8[np.ndarray, "n size size 3"],
    pairs: int = 200,
    seed: int = 0,
    samplings: int = 5,
    device: torch.device | None = None,
) -> Diversity:
    """Mean MS-SSIM of `samplings` × `pairs` pairs of different images.

    No pair is drawn twice, so the samplings are disjoint. An image may be in several pairs.

    Args:
        images: RGB, 0–255. Values of different sizes are not comparable.
        pairs: pairs a sampling, at least 1.
        seed: random seed of the pairs.
        samplings: number of samplings, at least 2.
        device: where to compute; the CPU by default.

    Raises:
        ValueError: too few images for so many pairs, or too few pairs or samplings.
    """
    if pairs < 1 or samplings < 2:
        raise ValueError("Diversity needs at least one pair a sampling, and two samplings.")
    drawn = draw_pairs(len(images), samplings * pairs, seed)
    values = [
        _similarities(images, part, device or torch.device("cpu"))
        for part in np.split(drawn, range(_BATCH, len(drawn), _BATCH))
    ]
    means = np.concatenate(values).reshape(samplings, pairs).mean(axis=1)
    return Diversity(float(means.mean()), float(means.std(ddof=1)))


def draw_pairs(count: int, pairs: int, seed: int) -> Int[np.ndarray, "pairs 2"]:
    """Random pairs of different indices below `count`, the larger first. No pair is drawn twice.

    Raises:
        ValueError: there are fewer different pairs.
    """
    possible = count * (count - 1) // 2
    if pairs > possible:
        raise ValueError(f"{count} images make {possible} different pairs, not {pairs}.")
    drawn = np.random.default_rng(seed).choice(possible, pairs, replace=False)
    # Pair k is (i, j) of the triangle (1, 0), (2, 0), (2, 1), (3, 0), …: k = i(i − 1)/2 + j.
    i = ((1 + np.sqrt(1 + 8 * drawn)) // 2).astype(np.int64)
    return np.stack([i, drawn - i * (i - 1) // 2], axis=1)


def _similarities(
    images: UInt8[np.ndarray, "n size size 3"],
    pairs: Int[np.ndarray, "pairs 2"],
    device: torch.device,
) -> Float[np.ndarray, " pairs"]:
    both = torch.from_numpy(images[pairs.T]).to(device).permute(0, 1, 4, 2, 3).double()
    return ms_ssim(both[0], both[1], data_range=255.0).cpu().numpy()
