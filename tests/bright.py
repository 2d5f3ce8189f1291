"""A student that several test files use."""

from torch.nn.functional import avg_pool2d

from ganloc.student.unet import UNet


class Bright(UNet):
    """A student that learned to find what is bright."""

    def forward(self, images):
        return 20.0 * avg_pool2d(images[:, 0], 2)
