"""The network of the CAM reference: a pre-activation ResNet-34 with GAP and one linear layer.

K. He, X. Zhang, S. Ren, J. Sun, Identity Mappings in Deep Residual Networks, ECCV 2016. The numbers
of blocks are those of their Deep Residual Learning, CVPR 2016, table 1. The stem has stride 1 and
no pooling, because the images are small: 64×64 pixels give maps of 8×8 cells, 32×32 give 4×4.
"""

from torch import Tensor, nn

from ganloc.shapes import Float

BLOCKS = (3, 4, 6, 3)


class ResNet(nn.Module):
    """Image → one logit a class.

    Args:
        classes: number of classes.
        width: channels of the stem and the first stage, doubled by each later stage; 64 in the
            paper.
    """

    def __init__(self, classes: int, width: int = 64):
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(3, width, 7, padding=3, bias=False), *_activation(width)
        )
        blocks = []
        channels = width
        for stage, count in enumerate(BLOCKS):
            for index in range(count):
                stride = 2 if stage > 0 and index == 0 else 1
                blocks.append(Block(channels, width * 2**stage, stride, first=not blocks))
                channels = width * 2**stage
        self.blocks = nn.Sequential(*blocks)
        self.last_activation = nn.Sequential(*_activation(channels))
        self.linear = nn.Linear(channels, classes)
        self.apply(_initialise)

    def feature_maps(
        self, images: Float[Tensor, "batch 3 size size"]
    ) -> Float[Tensor, "batch channels h w"]:
        """The last maps, after the last batch norm and ReLU. GAP averages them."""
        return self.last_activation(self.blocks(self.stem(images)))

    def forward(self, images: Float[Tensor, "batch 3 size size"]) -> Float[Tensor, "batch k"]:
        """Logits of the classes."""
        return self.linear(self.feature_maps(images).mean(dim=(2, 3)))


class Block(nn.Module):
    """A residual unit: x + conv(relu(norm(conv(relu(norm(x)))))), its convolutions 3×3.

    A block that changes the number of channels replaces the shortcut x by a 1×1 convolution of the
    activated x. The `first` block does not activate x, because the stem does (the paper's
    appendix).
    """

    def __init__(self, channels: int, wider: int, stride: int, first: bool = False):
        super().__init__()
        self.activation = nn.Sequential(*([] if first else _activation(channels)))
        self.residual = nn.Sequential(
            nn.Conv2d(channels, wider, 3, stride, padding=1, bias=False),
            *_activation(wider),
            nn.Conv2d(wider, wider, 3, padding=1, bias=False),
        )
        self.projection = (
            None if channels == wider else nn.Conv2d(channels, wider, 1, stride, bias=False)
        )

    def forward(self, x: Float[Tensor, "batch _ _ _"]) -> Float[Tensor, "batch _ _ _"]:
        """Maps of `wider` channels, with sides divided by the stride."""
        active = self.activation(x)
        shortcut = x if self.projection is None else self.projection(active)
        return shortcut + self.residual(active)


def _activation(channels: int) -> tuple[nn.Module, nn.Module]:
    return nn.BatchNorm2d(channels), nn.ReLU(inplace=True)


def _initialise(module: nn.Module) -> None:
    """Draw weights of convolutions as in K. He et al., Delving Deep into Rectifiers, 2015."""
    if isinstance(module, nn.Conv2d):
        nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
    elif isinstance(module, nn.Linear):
        nn.init.normal_(module.weight, 0.0, 0.01)
        nn.init.zeros_(module.bias)
