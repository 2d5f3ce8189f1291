"""Generator and discriminator of Table 1 (arXiv 1806.00236).

Both are stacks of 4×4 convolutions. Table 1 is for images of 64×64 pixels. At 32×32, the first
convolution of the discriminator and the last of the generator have stride 1. At 128×128 each
network has one more block at its low-resolution end, at 256×256 two more. The coarsest maps are
4×4 at every size.
"""

import math
from collections import OrderedDict

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from ganloc.shapes import Float

KERNEL = 4
COARSEST = 4  # side of the coarsest maps, in cells
TABLE = 64  # side of the images of Table 1, in pixels


class Generator(nn.Module):
    """z → image (Table 1): linear to 4×4, then transposed convolutions up to `size`.

    Args:
        size: side of the images in pixels, 32, 64, 128 or 256.
        width: unit of the channel ladder 1:2:4:8; 64 in the paper.
        latent: length of z.
    """

    def __init__(self, size: int, width: int = 64, latent: int = 128):
        super().__init__()
        self.latent = latent
        ladder = [width * 2**i for i in reversed(range(1, 4))]
        ladder = [ladder[0]] * _more_blocks(size) + ladder
        self.seed_channels = 2 * width
        self.linear = nn.Linear(latent, self.seed_channels * COARSEST**2)
        layers: OrderedDict[str, nn.Module] = OrderedDict()
        channels = self.seed_channels
        for i, wider in enumerate(ladder, start=1):
            layers[f"up{i}"] = nn.ConvTranspose2d(channels, wider, KERNEL, 2, 1, bias=False)
            layers[f"norm{i}"] = nn.BatchNorm2d(wider)
            layers[f"relu{i}"] = nn.ReLU()
            channels = wider
        layers["image"] = _last_up(channels, stride=1 if size == 32 else 2)
        layers["tanh"] = nn.Tanh()
        self.layers = nn.Sequential(layers)
        self.apply(_initialise)

    def forward(self, z: Float[Tensor, "batch latent"]) -> Float[Tensor, "batch 3 size size"]:
        """Images with values from −1 to 1."""
        return self.layers(self.linear(z).unflatten(1, (self.seed_channels, COARSEST, COARSEST)))


class Discriminator(nn.Module):
    """Image → logit of "real" (Table 1): convolutions down to 4×4, then GAP and one linear unit.

    Args:
        size: side of the images in pixels, 32, 64, 128 or 256.
        width: channels of the first convolution; 64 in the paper.
        norm: "batch", "layer" or "none", after every convolution. The statistics of layer norm are
            over C×H×W of each image; its scale and shift are per channel.
        spectral: spectral norm on every convolution and on the linear unit, with one power
            iteration per training forward pass and no gradient through the singular vectors.
        border_heads: a 1×1 convolution on each of the last three blocks, for the border pretext
            task (border_pretext.py). Heatmaps do not use them.
    """

    def __init__(
        self,
        size: int,
        width: int = 64,
        norm: str = "none",
        spectral: bool = True,
        border_heads: bool = False,
    ):
        super().__init__()
        self.size, self.width, self.norm = size, width, norm
        ladder = [width * 2**i for i in range(4)]
        ladder += [ladder[-1]] * _more_blocks(size)
        blocks = []
        channels = 3
        for i, wider in enumerate(ladder):
            stride = 1 if size == 32 and i == 0 else 2
            blocks.append(_down(channels, wider, stride, norm))
            channels = wider
        self.blocks = nn.ModuleList(blocks)
        self.linear = nn.Linear(channels, 1)
        self.apply(_initialise)
        if spectral:
            for module in self.modules():
                if isinstance(module, nn.Conv2d | nn.Linear):
                    spectral_norm(module)
        deep = ladder[-3:] if border_heads else []
        self.border_heads = nn.ModuleList(nn.Conv2d(wider, 1, 1) for wider in deep)

    def feature_maps(self, images: Float[Tensor, "batch 3 size size"]) -> list[Tensor]:
        """The output of every block, finest first. GAP averages the last one."""
        maps = []
        for block in self.blocks:
            images = block(images)
            maps.append(images)
        return maps

    def forward(self, images: Float[Tensor, "batch 3 size size"]) -> Float[Tensor, " batch"]:
        """Logits. Positive means real."""
        return self.linear(self.feature_maps(images)[-1].mean(dim=(2, 3))).squeeze(1)


def _more_blocks(size: int) -> int:
    return max(0, round(math.log2(size / TABLE)))


def _down(channels: int, wider: int, stride: int, norm: str) -> nn.Sequential:
    layers: list[nn.Module] = []
    if stride == 1:  # a 4×4 kernel keeps the size with 1 before and 2 after
        layers.append(nn.ZeroPad2d((1, 2, 1, 2)))
    padding = 0 if stride == 1 else 1
    layers.append(nn.Conv2d(channels, wider, KERNEL, stride, padding, bias=norm == "none"))
    if norm == "batch":
        layers.append(nn.BatchNorm2d(wider))
    elif norm == "layer":
        layers.append(nn.GroupNorm(1, wider))
    layers.append(nn.LeakyReLU(0.2))
    return nn.Sequential(*layers)


def _last_up(channels: int, stride: int) -> nn.Module:
    if stride == 2:
        return nn.ConvTranspose2d(channels, 3, KERNEL, 2, 1)
    # Cropping 1 before and 2 after gives the adjoint of the padded stride-1 convolution.
    return nn.Sequential(nn.ConvTranspose2d(channels, 3, KERNEL, 1), nn.ZeroPad2d((-1, -2, -1, -2)))


def _initialise(module: nn.Module) -> None:
    """Draw weights from N(0, 0.02²) and set biases to 0. Scales of norms stay 1."""
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
        nn.init.normal_(module.weight, 0.0, 0.02)
        if module.bias is not None:
            nn.init.zeros_(module.bias)


def draw_z(count: int, latent: int, generator: torch.Generator) -> Float[Tensor, "count latent"]:
    """Latent vectors z, uniform on [−1, 1), on the device of the random `generator`."""
    return torch.rand(count, latent, generator=generator, device=generator.device) * 2.0 - 1.0
