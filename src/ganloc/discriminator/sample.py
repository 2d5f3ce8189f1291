"""Samples of a generator."""

import numpy as np
import torch

from ganloc.discriminator.networks import Generator, draw_z
from ganloc.recipes import Recipe
from ganloc.shapes import UInt8

_BATCH = 128


@torch.no_grad()
def sample(
    generator: Generator, recipe: Recipe, count: int, seed: int = 0
) -> UInt8[np.ndarray, "count size size 3"]:
    """Draw RGB images, 0–255, from a generator.

    The generator runs in evaluation mode, so no image depends on the others. It is left in the
    mode that it was in. The z are drawn on the CPU, so one seed gives the same z on every device.

    Args:
        generator: on any device.
        recipe: of the generator.
        count: images, at least 1.
        seed: of z.
    """
    device = next(generator.parameters()).device
    z = draw_z(count, recipe.latent, torch.Generator().manual_seed(seed))
    training = generator.training
    generator.eval()
    parts = [_to_pixels(generator(part.to(device))) for part in z.split(_BATCH)]
    generator.train(training)
    return np.concatenate(parts)


def _to_pixels(images: torch.Tensor) -> UInt8[np.ndarray, "n size size 3"]:
    """The inverse of `to_tensor` (images/batches.py)."""
    bright = images.add(1.0).mul(127.5).round().clamp(0, 255)
    return bright.to(torch.uint8).permute(0, 2, 3, 1).cpu().numpy()
