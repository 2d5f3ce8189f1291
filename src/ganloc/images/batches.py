"""Batches: the images of each training step, and slices of large sets."""

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from ganloc.shapes import Float, Int, UInt8

READ = 128  # images in one forward pass
CUT = 512  # heatmaps that are cut to boxes at a time


def batched(count: int, size: int = READ) -> Iterator[slice]:
    """Slices of at most `size` rows that cover `count` rows.

    >>> ["abcde"[part] for part in batched(5, 2)]
    ['ab', 'cd', 'e']
    """
    return (slice(start, start + size) for start in range(0, count, size))


def batch_indices(count: int, batch: int, seed: int, step: int) -> Int[np.ndarray, " batch"]:
    """Indices of the images of training step `step`, which is counted from 0.

    They depend on seed and step alone, so a resumed training sees the same batches. Each epoch is
    a new permutation of the set. A batch may cross epochs and may be larger than the set.
    """
    first, last = step * batch, (step + 1) * batch
    epochs = range(first // count, (last - 1) // count + 1)
    order = np.concatenate([np.random.default_rng((seed, e)).permutation(count) for e in epochs])
    start = first - epochs[0] * count
    return order[start : start + batch]


def to_tensor(
    pixels: UInt8[np.ndarray, "n size size 3"], device: torch.device
) -> Float[Tensor, "n 3 size size"]:
    """Pixels 0–255 as the networks' input: channels first, −1 to 1."""
    moved = torch.from_numpy(np.ascontiguousarray(pixels)).to(device).permute(0, 3, 1, 2)
    return moved.contiguous().float().div_(127.5).sub_(1.0)
