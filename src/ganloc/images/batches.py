"""Which images come when: a function of the seed and the step, so a run can go on anywhere."""

import numpy as np
import torch
from torch import Tensor

from ganloc.shapes import Float, Int, UInt8


def batch_indices(count: int, batch: int, seed: int, step: int) -> Int[np.ndarray, " batch"]:
    """The images of step `step` (from 0): a walk through one shuffling of the set after another.

    Every image is seen once before any is seen again, also where a batch crosses from one
    shuffling into the next or is larger than the set.
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
