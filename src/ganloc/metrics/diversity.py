"""How diverse a set of images is: the mean MS-SSIM of random pairs of it.

The paper's finding, that GANs of low diversity localize, rests on looking at samples; this is its
number (its "Limitation" names MS-SSIM). Real images give the value that a generator would reach
if it were as diverse as they are.
"""

from dataclasses import dataclass

import numpy as np
import torch

from ganloc.metrics.ms_ssim import ms_ssim
from ganloc.shapes import Float, Int, UInt8

_BATCH = 50  # Pairs compared at a time.


@dataclass(frozen=True)
class Diversity:
    """MS-SSIM within a set of images. *High* means alike: low diversity.

    Attributes:
        mean: over all pairs of all samplings, 0–1.
        deviation: standard deviation of the samplings' means (n − 1): how far one sampling moves by
            the choice of its pairs alone. Other images may move it further.
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

    No pair is drawn twice, in any order: the samplings are disjoint. (An image may be in several
    pairs.)

    Args:
        images: RGB, 0–255, of one size; only values of the same size can be compared.
        pairs: a sampling, at least 1.
        seed: the same seed draws the same pairs.
        samplings: at least 2.
        device: where to compute; the CPU by default.

    Raises:
        ValueError: too few images for so many different pairs, or too few pairs or samplings.
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
    """Numbers of two different images of `count`, the larger first; no pair comes twice.

    Raises:
        ValueError: there are not so many different pairs.
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
