"""Reflection-padded maps: as in a much larger image, and without a trace of the padding."""

import numpy as np
import pytest
import torch

from ganloc.discriminator.networks import Discriminator
from ganloc.discriminator.reflection_padding import reflection_padded_maps

SIZES = pytest.mark.parametrize("size", [32, 64, 128, 256])
# Of the size: the image, the border pretext task's window, and the smallest that is read.
PARTS = pytest.mark.parametrize("part", [1.0, 0.75, 0.5])


def new(size, norm="none"):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        discriminator = Discriminator(size, 2, norm, spectral=False).double().eval()
    for weights in discriminator.parameters():
        weights.requires_grad_(False).mul_(5.0)  # so that the deepest maps are not nearly nothing
        if weights.ndim == 1:
            weights.add_(0.3)
    return discriminator


def drawn(side, count=2):
    values = np.random.default_rng(side).uniform(-1.0, 1.0, (count, 3, side, side))
    return torch.from_numpy(values)


@SIZES
@PARTS
def test_each_map_is_as_large_as_without_a_margin(size, part):
    images = drawn(int(size * part))
    discriminator = new(size)
    found = reflection_padded_maps(discriminator, images)
    assert [maps.shape[2:] for maps in found] == [(int(c * part),) * 2 for c in (16, 8, 4)]
    without = discriminator.feature_maps(images)[-3:]
    assert [maps.shape for maps in found] == [maps.shape for maps in without]


@SIZES
@PARTS
def test_every_cell_is_that_of_a_much_larger_image(size, part):
    """Two sides of reflection all around keep the padding's zeros far from the middle."""
    side = int(size * part)
    images, discriminator = drawn(side, 1), new(size)
    far = np.pad(images.numpy(), ((0, 0), (0, 0), *((2 * side,) * 2,) * 2), mode="reflect")
    expected = discriminator.feature_maps(torch.from_numpy(far))[-3:]
    for maps, whole, cells in zip(
        reflection_padded_maps(discriminator, images), expected, (16, 8, 4), strict=True
    ):
        first, many = 2 * side * cells // size, side * cells // size
        inner = whole[:, :, first : first + many, first : first + many]
        assert inner.abs().max() > 1e-3
        torch.testing.assert_close(maps, inner, rtol=1e-9, atol=1e-12)


@SIZES
@PARTS
@pytest.mark.parametrize("norm", ["none", "batch", "layer"])
def test_a_constant_image_gives_constant_maps_and_zero_padding_does_not(size, part, norm):
    side = int(size * part)
    images, discriminator = torch.full((1, 3, side, side), 0.7).double(), new(size, norm)

    def spread(maps):
        return ((maps.amax((2, 3)) - maps.amin((2, 3))).max() / maps.abs().max()).item()

    for maps in reflection_padded_maps(discriminator, images):
        assert spread(maps) < 1e-9
    for maps in discriminator.feature_maps(images)[-3:]:
        assert spread(maps) > 1e-3


def test_gradients_reach_the_images():
    images = drawn(32).requires_grad_()
    (slope,) = torch.autograd.grad(
        reflection_padded_maps(new(32), images)[-1].square().sum(), images
    )
    assert (slope.abs().amax(dim=(0, 1)) > 0.0).all()
