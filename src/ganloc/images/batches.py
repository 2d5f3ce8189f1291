"""Batches: which images come when in a training, and large sets some rows at a time."""

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from ganloc.shapes import Float, Int, UInt8

READ = 128  # images that a network reads at a time
CUT = 512  # heatmaps that are cut to boxes at a time


def batched(count: int, size: int = READ) -> Iterator[slice]:
    """Slices of `size` rows that cover `count` rows, so that a large set needs no large memory.

    >>> [values[part] for values in ["abcde"] for part in batched(5, 2)]
    ['ab', 'cd', 'e']
    """
    return (slice(start, start + size) for start in range(0, count, size))


def batch_indices(count: int, batch: int, seed: int, step: int) -> Int[np.ndarray, " batch"]:
    """The images of training step `step` (from 0), a function of seed and step alone.

    The set is shuffled epoch by epoch: every image is seen once before any is seen again, also
    where a batch crosses from one epoch into the next or is larger than the set.
    """
    first, last = step * batch, (step + 1) * batch
    epochs = range(first // count, (last - 1) // count + 1)
    order = np.concatenate([np.random.default_rng((seed, e)).permutation(count) for e in epochs])
    start = first - epochs[0] * count
    return order[start : start + batch]


def to_tensor(
    pixels: UInt8[np.ndarray, "n size size 3"], device: torch.device
) -> Float[Tensor, "n 3 size size"]:
    """Pixels 0–255 as the networks take them: channels first, −1 to 1."""
    moved = torch.from_numpy(np.ascontiguousarray(pixels)).to(device).permute(0, 3, 1, 2)
    return moved.contiguous().float().div_(127.5).sub_(1.0)
