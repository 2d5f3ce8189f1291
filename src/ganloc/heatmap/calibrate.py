"""Batch norm calibrated on real images.

The running averages of a GAN's training mix real and generated batches. Heatmaps are of real images
only.
"""

import copy

import numpy as np
import torch
from torch import nn

from ganloc.discriminator.networks import Discriminator
from ganloc.images.batches import READ, to_tensor
from ganloc.images.image_set import every_nth
from ganloc.shapes import UInt8

CALIBRATION_IMAGES = 2048


def for_reading(
    discriminator: Discriminator, pixels: UInt8[np.ndarray, "n size size 3"]
) -> Discriminator:
    """A frozen copy in evaluation mode, with spectral norm folded into the weights.

    Batch norm gets the means and variances of at most `CALIBRATION_IMAGES` images, evenly over the
    set.
    """
    ready = _folded(discriminator)
    calibrate(ready, every_nth(pixels, CALIBRATION_IMAGES))
    return ready.eval()


@torch.no_grad()
def _folded(discriminator: Discriminator) -> Discriminator:
    """A copy without spectral norm whose weights are the normalised ones."""
    # Evaluation mode, because reading a weight in training mode runs a power iteration.
    source = copy.deepcopy(discriminator).eval()
    with torch.random.fork_rng(devices=[]):
        plain = Discriminator(source.size, source.width, source.norm, spectral=False)
    plain.to(next(source.parameters()).device)
    for name, module in plain.named_modules():
        for part in ("weight", "bias"):
            if getattr(module, part, None) is not None:
                getattr(module, part).copy_(getattr(source.get_submodule(name), part))
    return plain.requires_grad_(False)


@torch.no_grad()
def calibrate(network: nn.Module, pixels: UInt8[np.ndarray, "n size size 3"]) -> None:
    """Set the statistics of every batch norm to those of `pixels`, in place.

    Each batch is spread over the whole set, because sets are often sorted by class. A network
    without batch norm does not change.
    """
    norms = [module for module in network.modules() if isinstance(module, nn.BatchNorm2d)]
    if not norms:
        return
    device = next(network.parameters()).device
    for norm in norms:
        norm.momentum = None  # a plain mean over batches
    network.train()
    batches = -(-len(pixels) // READ)
    for first in range(batches):
        network(to_tensor(pixels[first::batches], device))
