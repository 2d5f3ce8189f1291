"""The student's network: a small U-Net from an image to a soft mask of its object.

U-Net: Ronneberger, Fischer, Brox, MICCAI 2015 (arXiv 1505.04597). The encoder ends at 4×4 cells.
The decoder ends at half of the image's side, with a skip connection at each size.
"""

import math
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from ganloc.shapes import Float

COARSEST = 4  # side of the coarsest maps, in cells
DOUBLINGS = 3  # of the channels in the encoder; deeper maps have no more


class UNet(nn.Module):
    """Images → logits of "object", at half of the image's side.

    Args:
        size: side of the images in pixels: 32, 64, 128 or 256.
        width: channels of the finest maps.
        channels: of the output; `forward` returns the first.
    """

    def __init__(self, size: int, width: int, channels: int = 1):
        super().__init__()
        self.size, self.width = size, width
        steps = round(math.log2(size / COARSEST))
        ladder = [width * 2 ** min(step, DOUBLINGS) for step in range(steps)]
        self.down = nn.ModuleList(
            nn.Sequential(_convolution(channels, wider, stride=2), _convolution(wider, wider))
            for channels, wider in zip([3, *ladder], ladder, strict=False)
        )
        self.up = nn.ModuleList(
            _convolution(wider + channels, channels) for channels, wider in pairwise(ladder)
        )
        self.mask = nn.Conv2d(width, channels, 1)

    def forward(self, images: Float[Tensor, "n 3 size size"]) -> Float[Tensor, "n half half"]:
        """Logits for images of −1 to 1. Positive means object."""
        return self.outputs(images)[:, 0]

    def outputs(
        self, images: Float[Tensor, "n 3 size size"]
    ) -> Float[Tensor, "n channels half half"]:
        """All channels of the output."""
        maps = []
        for block in self.down:
            images = block(images)
            maps.append(images)
        joined = maps[-1]
        for block, finer in zip(reversed(self.up), reversed(maps[:-1]), strict=True):
            doubled = interpolate(joined, size=finer.shape[2:], mode="bilinear")
            joined = block(torch.cat([doubled, finer], dim=1))
        return self.mask(joined)


def _convolution(channels: int, wider: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(channels, wider, 3, stride, padding=1, bias=False),
        nn.BatchNorm2d(wider),
        nn.ReLU(inplace=True),
    )
