"""Ready for reading: statistics of real images, plain weights, the original untouched."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.functional import conv2d, pad

from ganloc.discriminator.networks import Discriminator
from ganloc.heatmap.calibrate import CALIBRATION_IMAGES, for_reading
from ganloc.images.batches import to_tensor

CPU = torch.device("cpu")
VARIANTS = {
    "dcgan": ("batch", False),
    "sn-dcgan": ("none", True),
    "wgan-gp": ("layer", False),
    "sn-wgan-gp": ("layer", True),
}


def new(variant, size=32, seed=0):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        discriminator = Discriminator(size, 4, *VARIANTS[variant])
        with torch.no_grad():
            discriminator.linear.bias.fill_(0.5)
    return discriminator


def drawn_pixels(count, size=32, low=0, high=256, seed=0):
    """Blocks of colour, so that images differ in more than noise."""
    rng = np.random.default_rng(seed)
    blocks = rng.integers(low, high, (count, 4, 4, 3), dtype=np.uint8)
    return blocks.repeat(size // 4, axis=1).repeat(size // 4, axis=2)


def train_on(discriminator, *batches):
    """Training forward passes, as training makes them."""
    discriminator.train()
    for pixels in batches:
        discriminator(to_tensor(pixels, CPU))


def first_norm(discriminator):
    return next(m for m in discriminator.modules() if isinstance(m, nn.BatchNorm2d))


def first_maps(discriminator, pixels):
    """What enters the first norm, in float64: the first convolution's output, channels first."""
    weight = discriminator.state_dict()["blocks.0.1.weight"].double()
    scaled = torch.from_numpy(pixels.transpose(0, 3, 1, 2) / 127.5 - 1.0)
    return conv2d(pad(scaled, (1, 2, 1, 2)), weight).transpose(0, 1).flatten(2).numpy()


@pytest.mark.parametrize(("count", "batches"), [(100, [100]), (300, [100, 100, 100])])
def test_the_first_norm_knows_the_real_images(count, batches):
    discriminator, pixels = new("dcgan"), drawn_pixels(count)
    train_on(discriminator, drawn_pixels(50, low=200, seed=1))
    norm = first_norm(for_reading(discriminator, pixels))

    # Each batch is spread over the set: every first, every second, … image of so many.
    maps = first_maps(discriminator, pixels)
    parts = [maps[:, first :: len(batches)] for first in range(len(batches))]
    assert [part.shape[1] for part in parts] == batches
    means = np.mean([part.mean(axis=(1, 2)) for part in parts], axis=0)
    flat = [part.reshape(len(part), -1) for part in parts]
    variances = np.mean([part.var(axis=1, ddof=1) for part in flat], axis=0)
    np.testing.assert_allclose(norm.running_mean.numpy(), means, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(norm.running_var.numpy(), variances, rtol=1e-4)


def test_of_a_large_set_images_all_over_it_are_used():
    # The set grows brighter from its first image to its last, as folders do that are sorted.
    pixels = np.sort(drawn_pixels(CALIBRATION_IMAGES + 2), axis=0)
    norm = first_norm(for_reading(new("dcgan"), pixels))
    # Every other of 2,050 images, in nine batches of at most 128.
    chosen = first_maps(new("dcgan"), pixels[::2])
    means = np.mean([chosen[:, first::9].mean(axis=(1, 2)) for first in range(9)], axis=0)
    np.testing.assert_allclose(norm.running_mean.numpy(), means, rtol=1e-4, atol=1e-6)


def test_fakes_seen_in_training_leave_no_trace():
    real, fake = drawn_pixels(64), drawn_pixels(64, low=160, seed=1)
    only_real, both = new("dcgan"), new("dcgan")
    train_on(only_real, real)
    train_on(both, real, fake)
    ready, other = for_reading(only_real, real), for_reading(both, real)
    for name, value in ready.state_dict().items():
        assert torch.equal(value, other.state_dict()[name]), name


def test_reading_with_the_statistics_of_training_gives_another_heatmap():
    real, fake = drawn_pixels(64), drawn_pixels(64, low=160, seed=1)
    discriminator = new("dcgan")
    train_on(discriminator, *(pixels for _ in range(20) for pixels in (real, fake)))
    ready, images = for_reading(discriminator, real), to_tensor(real, CPU)
    discriminator.eval()
    with torch.no_grad():
        maps, others = (d.feature_maps(images)[-1] for d in (ready, discriminator))
    assert (first_norm(ready).running_mean - first_norm(discriminator).running_mean).abs().max() > (
        0.1 * first_norm(ready).running_var.sqrt().max()
    )
    assert (maps - others).norm() > 0.1 * maps.norm()


@pytest.mark.parametrize("size", [32, 64, 128, 256])
def test_spectral_norm_is_folded_into_the_weights(size):
    discriminator, pixels = new("sn-dcgan", size), drawn_pixels(6, size)
    train_on(discriminator, pixels, pixels)  # moves the singular vectors
    ready = for_reading(discriminator, pixels)
    assert not any("parametrizations" in name for name in ready.state_dict())
    images = to_tensor(pixels, CPU)
    with torch.no_grad():
        expected = discriminator.eval()(images).numpy()
        np.testing.assert_allclose(ready(images).numpy(), expected, rtol=1e-5, atol=1e-6)
        # Weights without their norm would be another network.
        raw = Discriminator(size, 4, "none", spectral=False).eval()
        originals = [p for p in discriminator.parameters() if p.ndim > 1]
        for weight, original in zip(
            [p for p in raw.parameters() if p.ndim > 1], originals, strict=True
        ):
            weight.copy_(original)
        assert not np.allclose(raw(images).numpy() + 0.5, expected, rtol=1e-2)


@pytest.mark.parametrize("variant", ["wgan-gp", "sn-wgan-gp"])
def test_layer_norm_is_read_as_it_was_trained(variant):
    discriminator, pixels = new(variant), drawn_pixels(6)
    with torch.no_grad():
        for parameter in discriminator.parameters():
            parameter += torch.linspace(0.1, 0.5, parameter.numel()).view_as(parameter)
    train_on(discriminator, pixels)
    images = to_tensor(pixels, CPU)
    with torch.no_grad():
        ready = for_reading(discriminator, pixels)(images)
        torch.testing.assert_close(ready, discriminator.eval()(images), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_ready_discriminator_is_frozen(variant):
    ready = for_reading(new(variant), drawn_pixels(10))
    assert not any(m.training for m in ready.modules())
    assert not any(p.requires_grad for p in ready.parameters())
    before = {name: value.clone() for name, value in ready.state_dict().items()}
    ready(to_tensor(drawn_pixels(5, seed=3), CPU))
    assert all(torch.equal(value, before[name]) for name, value in ready.state_dict().items())


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_original_goes_on_training_as_if_nothing_had_happened(variant):
    discriminator, pixels = new(variant), drawn_pixels(20)
    train_on(discriminator, pixels)
    before = {name: value.clone() for name, value in discriminator.state_dict().items()}
    chance = torch.get_rng_state()
    for_reading(discriminator, pixels)
    assert torch.equal(torch.get_rng_state(), chance)
    after = discriminator.state_dict()
    assert list(after) == list(before)
    # With spectral norm this holds the singular vectors: no power iteration has run either.
    assert all(torch.equal(value, before[name]) for name, value in after.items())
    assert all(m.training for m in discriminator.modules())
    assert all(p.requires_grad for p in discriminator.parameters())
    discriminator(to_tensor(pixels, CPU)).sum().backward()
    assert all(p.grad is not None for p in discriminator.parameters())


def test_one_image_is_enough():
    ready = for_reading(new("dcgan"), drawn_pixels(1))
    assert torch.isfinite(ready(to_tensor(drawn_pixels(1), CPU))).all()
