"""Table 1, layer by layer, and what the two networks compute at their edges."""

import math

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.functional import conv2d, pad
from torch.nn.utils import parametrize

from ganloc.discriminator import networks
from ganloc.discriminator.networks import Discriminator, Generator, draw_z

KINDS = (nn.Linear, nn.Conv2d, nn.ConvTranspose2d, nn.BatchNorm2d, nn.ReLU, nn.LeakyReLU, nn.Tanh)
VARIANTS = {"dcgan": ("batch", False), "sn-dcgan": ("none", True)}


def parameters(module):
    return sum(p.numel() for p in module.parameters())


def record(network, children, given):
    """(output shape without the batch, parameter count) of each child, and the kinds of layers."""
    rows, kinds = [], []
    for child in children:
        child.register_forward_hook(
            lambda module, _, out: rows.append((tuple(out.shape[1:]), parameters(module)))
        )
    for module in network.modules():
        if isinstance(module, KINDS):
            kind = next(kind for kind in KINDS if isinstance(module, kind))
            module.register_forward_hook(lambda _module, _in, _out, kind=kind: kinds.append(kind))
    with torch.no_grad():
        out = network(given)
    return rows, kinds, out


@pytest.mark.parametrize("size", [32, 64])
def test_generator_is_table_1(size):
    network = Generator(size)
    rows, kinds, images = record(
        network, [network.linear, *network.layers], torch.rand(2, 128) * 2 - 1
    )
    # The stride of 1 at 32×32 only changes the size of the last map.
    assert rows == [
        ((2048,), 264_192),  # 128 · 4·4·128 weights + 2048 biases
        ((512, 8, 8), 1_048_576),  # 128 · 512 · 4·4, no bias before a norm
        ((512, 8, 8), 1_024),  # scale and shift of 512 channels
        ((512, 8, 8), 0),
        ((256, 16, 16), 2_097_152),  # 512 · 256 · 4·4
        ((256, 16, 16), 512),
        ((256, 16, 16), 0),
        ((128, 32, 32), 524_288),  # 256 · 128 · 4·4
        ((128, 32, 32), 256),
        ((128, 32, 32), 0),
        ((3, size, size), 6_147),  # 128 · 3 · 4·4 + 3 biases
        ((3, size, size), 0),
    ]
    block = [nn.ConvTranspose2d, nn.BatchNorm2d, nn.ReLU]
    assert kinds == [nn.Linear, *block, *block, *block, nn.ConvTranspose2d, nn.Tanh]
    assert images.abs().max() < 1
    assert parameters(network) == 3_942_147  # the sum of the column above


@pytest.mark.parametrize("size", [32, 64])
@pytest.mark.parametrize(
    ("variant", "counts"),
    [
        (
            "dcgan",
            [
                3_200,  # 3 · 64 · 4·4 = 3072, + scale and shift 2 · 64
                131_328,  # 64 · 128 · 16 = 131072, + 2 · 128
                524_800,  # 128 · 256 · 16 = 524288, + 2 · 256
                2_098_176,  # 256 · 512 · 16 = 2097152, + 2 · 512
            ],
        ),
        (
            "sn-dcgan",
            [
                3_136,  # 3072 + 64 biases
                131_200,  # 131072 + 128
                524_544,  # 524288 + 256
                2_097_664,  # 2097152 + 512
            ],
        ),
    ],
)
def test_discriminator_is_table_1(size, variant, counts):
    norm, spectral = VARIANTS[variant]
    network = Discriminator(size, norm=norm, spectral=spectral)
    rows, kinds, logits = record(
        network, [*network.blocks, network.linear], torch.rand(2, 3, size, size) * 2 - 1
    )
    sides = [32, 16, 8, 4]  # At 32×32 the first convolution keeps the 32.
    shapes = [(c, side, side) for c, side in zip([64, 128, 256, 512], sides, strict=True)]
    assert rows == [*zip(shapes, counts, strict=True), ((1,), 513)]  # 512 + a bias
    norms = [nn.BatchNorm2d] if variant == "dcgan" else []
    assert kinds == [nn.Conv2d, *norms, nn.LeakyReLU] * 4 + [nn.Linear]
    assert logits.shape == (2,)
    normed = [parametrize.is_parametrized(m, "weight") for m in network.modules() if is_weighted(m)]
    assert normed == [variant == "sn-dcgan"] * 5


def is_weighted(module):
    return isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.Linear)


def test_parameters_and_last_maps_at_128():
    # 3,942,147 + one more block of 512 · 512 · 16 = 4,194,304 weights + 1,024 scales and shifts
    assert parameters(Generator(128)) == 8_137_475
    # 2,757,504 in the four blocks + 513 = 2,758,017 at 64; + 4,194,304 + 1,024
    dcgan = Discriminator(128, norm="batch", spectral=False)
    assert parameters(dcgan) == 6_953_345
    # 2,756,544 + 513 = 2,757,057 at 64; + 4,194,304 + 512 biases
    assert parameters(Discriminator(128)) == 6_951_873

    generator, discriminator = Generator(128, width=2), Discriminator(128, width=2)
    images = generator(torch.rand(2, 128))
    assert images.shape == (2, 3, 128, 128)
    maps = discriminator.feature_maps(images)
    assert [tuple(m.shape[1:]) for m in maps] == [
        (2, 64, 64),
        (4, 32, 32),
        (8, 16, 16),
        (16, 8, 8),
        (16, 4, 4),
    ]


def test_parameters_and_last_maps_at_256():
    # Two more blocks than at 64, of 4,194,304 weights each, + 1,024 scales and shifts
    assert parameters(Generator(256)) == 3_942_147 + 2 * 4_195_328
    dcgan = Discriminator(256, norm="batch", spectral=False)
    assert parameters(dcgan) == 2_758_017 + 2 * 4_195_328
    generator, discriminator = Generator(256, width=2), Discriminator(256, width=2)
    maps = discriminator.feature_maps(generator(torch.rand(2, 128)))
    channels, sides = [2, 4, 8, 16, 16, 16], [128, 64, 32, 16, 8, 4]
    assert [tuple(m.shape[1:]) for m in maps] == [
        (c, side, side) for c, side in zip(channels, sides, strict=True)
    ]


def test_widths_and_latent_are_settings_of_each_network():
    generator = Generator(32, width=4, latent=5)
    assert generator(torch.zeros(2, 5)).shape == (2, 3, 32, 32)
    # 5·128+128, 8·32·16+64, 32·16·16+32, 16·8·16+16, 8·3·16+3
    assert parameters(generator) == 768 + 4160 + 8224 + 2064 + 387
    # 3·3·16+3, 3·6·16+6, 6·12·16+12, 12·24·16+24, 24+1
    assert parameters(Discriminator(32, width=3)) == 147 + 294 + 1164 + 4632 + 25


def test_the_logit_is_the_linear_unit_of_the_averaged_last_maps():
    discriminator = Discriminator(32, width=2, norm="batch", spectral=False).eval()
    images = torch.rand(3, 3, 32, 32)
    with torch.no_grad():
        discriminator.linear.bias.fill_(0.25)
        last = discriminator.feature_maps(images)[-1].numpy()
        logits = discriminator(images).numpy()
    weights = discriminator.linear.weight.detach().numpy()[0]
    per_place = np.einsum("k,nkyx->nyx", weights, last)
    np.testing.assert_allclose(logits, per_place.mean(axis=(1, 2)) + 0.25, rtol=1e-5)


def first_maps_of_a_delta(row, column):
    """What D's first convolution makes of one lit pixel; its kernel is 1…16, row by row."""
    discriminator = Discriminator(32, width=1, norm="none", spectral=False)
    weight = discriminator.blocks[0].get_parameter("1.weight")
    image = torch.zeros(1, 3, 32, 32)
    image[0, 1, row, column] = 1
    with torch.no_grad():
        weight.zero_()
        weight[0, 1] = torch.arange(1.0, 17.0).reshape(4, 4)
        out = discriminator.feature_maps(image)[0]
    return out[0, 0].numpy()


def test_stride_one_pads_one_before_and_two_after():
    # out[y, x] = Σ kernel[a, b] · image[y − 1 + a, x − 1 + b], kernel rows 1–4, 5–8, 9–12, 13–16.
    turned = np.arange(16.0, 0.0, -1.0).reshape(4, 4)
    middle = first_maps_of_a_delta(10, 20)
    assert middle.shape == (32, 32)
    np.testing.assert_array_equal(middle[8:12, 18:22], turned)
    assert np.count_nonzero(middle) == 16

    corner = first_maps_of_a_delta(0, 0)
    np.testing.assert_array_equal(corner[:2, :2], [[6, 5], [2, 1]])
    assert np.count_nonzero(corner) == 4

    corner = first_maps_of_a_delta(31, 31)
    np.testing.assert_array_equal(corner[29:, 29:], [[16, 15, 14], [12, 11, 10], [8, 7, 6]])
    assert np.count_nonzero(corner) == 9


@pytest.mark.parametrize("size", [32, 64])
def test_the_last_transposed_convolution_is_the_adjoint_of_a_convolution(size):
    generator = Generator(size, width=2).double()
    last = dict(generator.layers.named_children())["image"]
    (weight,) = (p for p in last.parameters() if p.ndim == 4)
    random = torch.Generator().manual_seed(3)
    maps = torch.randn(1, 4, 32, 32, generator=random, dtype=torch.float64)
    image = torch.randn(1, 3, size, size, generator=random, dtype=torch.float64)
    if size == 32:
        convolved = conv2d(pad(image, (1, 2, 1, 2)), weight)
    else:
        convolved = conv2d(image, weight, stride=2, padding=1)
    expected = (convolved * maps).sum().item()
    assert (last(maps) * image).sum().item() == pytest.approx(expected, rel=1e-10)


def test_leaky_slope_is_a_fifth():
    slopes = [m.negative_slope for m in Discriminator(64).modules() if isinstance(m, nn.LeakyReLU)]
    assert slopes == [0.2] * 4


@pytest.mark.parametrize("variant", VARIANTS)
def test_initial_weights(variant):
    torch.manual_seed(0)
    norm, spectral = VARIANTS[variant]
    drawn = []
    for network in (Generator(64), Discriminator(64, norm=norm, spectral=spectral)):
        for name, values in network.named_parameters():
            if values.ndim > 1:  # convolutions and linear units
                n = values.numel()
                # Five standard errors of a mean and of a standard deviation.
                assert abs(values.mean().item()) < 5 * 0.02 / math.sqrt(n), name
                assert values.std().item() == pytest.approx(0.02, rel=5 / math.sqrt(2 * n)), name
                drawn.append(values.detach().flatten())
            elif name.endswith("bias"):
                assert torch.all(values == 0), name
            else:
                assert torch.all(values == 1), name
    # The share of a Gaussian within one standard deviation; 0.577 for a uniform law.
    assert (torch.cat(drawn).abs() < 0.02).float().mean().item() == pytest.approx(0.6827, abs=2e-3)


def test_z_is_uniform_from_minus_one_to_one():
    z = draw_z(1000, 100, torch.Generator().manual_seed(0))
    assert z.shape == (1000, 100)
    assert z.dtype == torch.float32
    shares = np.histogram(z.numpy(), bins=10, range=(-1, 1))[0] / 1e5
    np.testing.assert_allclose(shares, 0.1, atol=5e-3)  # five standard errors
    assert z.min() >= -1
    assert z.max() < 1


def test_z_reaches_minus_one_but_not_one(monkeypatch):
    extremes = torch.tensor([[0.0, 1 - 2.0**-24]])  # of torch.rand in float32
    monkeypatch.setattr(networks.torch, "rand", lambda *_args, **_options: extremes)
    assert draw_z(1, 2, torch.Generator()).tolist() == [[-1.0, 1 - 2.0**-23]]


def test_z_follows_its_generator_only():
    before = torch.get_rng_state()
    random = torch.Generator().manual_seed(5)
    first, second = draw_z(4, 3, random), draw_z(4, 3, random)
    assert torch.equal(torch.get_rng_state(), before)
    assert not torch.equal(first, second)
    assert torch.equal(draw_z(4, 3, torch.Generator().manual_seed(5)), first)
