"""Readings: which maps are read, how several become one heatmap, and what is multiplied in."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from ganloc.discriminator.networks import Discriminator
from ganloc.heatmap.feature_statistics import FeatureStatistics
from ganloc.heatmap.readings import DISCRIMINATOR_READING, READINGS, Reading, read_heatmaps


def new(norm="batch", size=32, spectral=False):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return Discriminator(size, 4, norm, spectral).eval().requires_grad_(False)


def drawn_pixels(count, size=32):
    return np.random.default_rng(0).integers(0, 256, (count, size, size, 3), dtype=np.uint8)


def some_statistics(discriminator, sign=1, aspect=1.0):
    """Directions of the right lengths, drawn at random."""
    random = torch.Generator().manual_seed(1)
    channels = [discriminator.width * 2**block for block in (1, 2, 3)]
    lda = tuple(torch.randn(count, generator=random) for count in channels)
    return FeatureStatistics(sign, lda, aspect)


def read_as(reading, discriminator, pixels, **statistics):
    row = READINGS[reading] if isinstance(reading, str) else reading
    return read_heatmaps(discriminator, pixels, row, some_statistics(discriminator, **statistics))


def maps_of(discriminator, image):
    """Every block's maps of one image, which goes in alone, as float64."""
    scaled = torch.from_numpy(image.transpose(2, 0, 1) / 127.5 - 1.0).float()
    return [maps[0].double().numpy() for maps in discriminator.feature_maps(scaled[None])]


def stretched(maps, size):
    """Bilinear, between cell centres: a pixel's centre (i + ½) lies at (i + ½) · cells / size."""
    cells = len(maps)
    matrix = np.zeros((size, cells))
    for pixel in range(size):
        at = min(max((pixel + 0.5) * cells / size - 0.5, 0.0), cells - 1.0)
        left = min(int(at), cells - 2)
        matrix[pixel, left] = 1.0 - (at - left)
        matrix[pixel, left + 1] = at - left
    return matrix @ maps @ matrix.T


def unlike_the_border(maps):
    ring = np.ones(maps.shape[1:], dtype=bool)
    ring[1:-1, 1:-1] = False
    background = maps[:, ring].mean(axis=1)
    return np.sqrt(((maps - background[:, None, None]) ** 2).sum(axis=0))


def test_plain_cam_is_the_papers():
    plain = Reading("cam", (-1,), signed=False, steps=0, centre=0.0, threshold=0.2, otsu=False)
    assert READINGS["plain-cam"] == plain
    assert DISCRIMINATOR_READING in READINGS


@pytest.mark.parametrize("size", [32, 64, 128, 256])
def test_plain_cam_is_read_once_from_the_last_maps(size):
    discriminator, pixels = new(size=size), drawn_pixels(3, size)
    found = read_as("plain-cam", discriminator, pixels)
    weights = discriminator.linear.weight[0].double().numpy()
    expected = [np.tensordot(weights, maps_of(discriminator, p)[-1], axes=1) for p in pixels]
    assert found.shape == (3, 4, 4)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("name", READINGS)
def test_an_image_is_read_alike_in_every_company(name):
    discriminator, pixels = new(), drawn_pixels(131)  # more than are read at a time
    together = read_as(name, discriminator, pixels)
    for at in (0, 127, 128, 130):
        alone = read_as(name, discriminator, pixels[at : at + 1])
        np.testing.assert_allclose(alone[0], together[at], rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("name", READINGS)
@pytest.mark.parametrize(("norm", "spectral"), [("batch", False), ("none", True)])
def test_every_reading_can_be_cut_into_boxes(name, norm, spectral):
    row = READINGS[name]
    found = read_as(name, new(norm, 64, spectral), drawn_pixels(2, 64))
    if row.steps or len(row.layers) > 1:
        assert found.shape == (2, 64, 64)
    assert np.isfinite(found).all()
    assert (np.ptp(found, axis=(1, 2)) > 0.0).all()
    assert 0.0 <= row.threshold < 1.0


def test_one_layer_keeps_its_own_cells_and_values():
    discriminator, pixels = new(), drawn_pixels(2)
    found = read_as(Reading("border-distance", layers=(-2,)), discriminator, pixels)
    expected = [unlike_the_border(maps_of(discriminator, p)[-2]) for p in pixels]
    assert found.shape == (2, 8, 8)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)


def test_several_layers_become_the_geometric_mean_of_each_stretched_to_0_to_1():
    discriminator, pixels = new(), drawn_pixels(3)
    reading = Reading("border-distance", layers=(-3, -1), steps=0)
    found = read_as(reading, discriminator, pixels)
    assert found.shape == (3, 32, 32)
    assert found.min() >= 0.0
    assert found.max() <= 1.0
    for heatmap, image in zip(found, pixels, strict=True):
        maps = maps_of(discriminator, image)
        product = np.ones((32, 32))
        for layer in (1, 3):  # of four blocks, 16×16 and 4×4
            one = stretched(unlike_the_border(maps[layer]), 32)
            product *= (one - one.min()) / (one.max() - one.min())
        np.testing.assert_allclose(heatmap**2, product, atol=1e-4)


def test_a_prior_for_the_middle_is_multiplied_into_the_stretched_heatmap():
    discriminator, pixels = new(), drawn_pixels(2)
    plain = read_as(Reading(), discriminator, pixels, aspect=2.0)
    found = read_as(Reading(centre=0.5), discriminator, pixels, aspect=2.0)
    low, high = (end(plain, axis=(1, 2), keepdims=True) for end in (np.min, np.max))
    # Cell centres lie at ±¼ and ±¾ of half a side; exp(−r² / 2σ²) with σ = ½ is exp(−2r²).
    at = np.array([-0.75, -0.25, 0.25, 0.75])
    prior = np.exp(-2.0 * (at[:, None] ** 2 + at**2))
    np.testing.assert_allclose(found, (plain - low) / (high - low) * prior, rtol=1e-4, atol=1e-6)


def test_one_step_is_the_mean_with_the_mirror_image_at_full_size():
    discriminator, pixels = new(), drawn_pixels(2)
    found = read_as(Reading(steps=1), discriminator, pixels)
    weights = discriminator.linear.weight[0].double().numpy()
    for heatmap, image in zip(found, pixels, strict=True):
        plain, mirrored = (
            stretched(np.tensordot(weights, maps_of(discriminator, p)[-1], axes=1), 32)
            for p in (image, image[:, ::-1])
        )
        np.testing.assert_allclose(heatmap, (plain + mirrored[:, ::-1]) / 2, rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize(("signed", "factor"), [(True, -1.0), (False, 1.0)])
def test_the_sets_sign_turns_a_cam_over_where_the_reading_asks_for_it(signed, factor):
    discriminator, pixels = new(), drawn_pixels(2)
    reading = Reading(signed=signed, steps=1)
    plus, minus = (read_as(reading, discriminator, pixels, sign=sign) for sign in (1, -1))
    np.testing.assert_array_equal(minus, factor * plus)


@pytest.mark.parametrize("name", ["border-distance", "lda"])
def test_the_sign_is_a_cams_alone(name):
    discriminator, pixels = new(), drawn_pixels(2)
    plus, minus = (read_as(name, discriminator, pixels, sign=sign) for sign in (1, -1))
    np.testing.assert_array_equal(minus, plus)


def maps_going_on(discriminator, image):
    """The last three blocks' maps of one image that goes on as its reflection, margin cut off."""
    side = len(image)
    around = np.pad(image, ((side // 4, side // 4 + 1),) * 2 + ((0, 0),), mode="reflect")
    maps = maps_of(discriminator, around)[-3:]
    return [m[:, k:-k, k:-k] for m, k in zip(maps, (4, 2, 1), strict=True)]


@pytest.mark.parametrize("size", [32, 64])
@pytest.mark.parametrize("layer", [-3, -2, -1])
def test_a_direction_is_laid_over_the_maps_of_its_own_block(layer, size):
    discriminator, pixels = new(size=size), drawn_pixels(2, size)
    found = read_as(Reading("lda", layers=(layer,)), discriminator, pixels)
    statistics = some_statistics(discriminator)
    assert found.shape == (2, *{-3: (16, 16), -2: (8, 8), -1: (4, 4)}[layer])
    for heatmap, image in zip(found, pixels, strict=True):
        maps = maps_going_on(discriminator, image)[layer]
        expected = np.tensordot(statistics.lda[layer].double().numpy(), maps, axes=1)
        np.testing.assert_allclose(heatmap, expected, rtol=1e-4, atol=1e-4 * abs(expected).max())


@pytest.mark.parametrize("aspect", [0.5, 1.0, 2.0])
def test_the_prior_is_as_much_wider_than_high_as_the_set_says(aspect):
    discriminator, pixels = new(), drawn_pixels(2)
    flat = Reading("lda", (-3, -2, -1), steps=2)
    plain = read_as(flat, discriminator, pixels)
    reading = replace(flat, centre=0.6, aspect=True)
    found = read_as(reading, discriminator, pixels, aspect=aspect)
    # A Gaussian whose deviations multiply to 0.6² and divide to the aspect.
    across, down = 0.6 * aspect**0.5, 0.6 / aspect**0.5
    at = (np.arange(32) + 0.5) / 16.0 - 1.0
    prior = np.exp(-((at / across) ** 2) / 2)[None] * np.exp(-((at / down) ** 2) / 2)[:, None]
    np.testing.assert_allclose(found, plain * prior, rtol=1e-4, atol=1e-6)


def test_the_default_reading_is_the_lda_s_with_the_set_s_aspect():
    assert READINGS[DISCRIMINATOR_READING].heatmap == "lda"
    discriminator, pixels = new(), drawn_pixels(1)
    wide, high = (
        read_as(DISCRIMINATOR_READING, discriminator, pixels, aspect=a)[0] for a in (2.0, 0.5)
    )
    for_all = [
        read_as("lda-multilayer", discriminator, pixels, aspect=aspect)[0] for aspect in (2.0, 0.5)
    ]
    np.testing.assert_array_equal(*for_all)
    # exp(−x²/2aσ² − y²/2σ²/a) at a = 2 over that at a = ½: exp((x² − y²)(2 − ½) / 2σ²).
    at = (np.arange(32) + 0.5) / 16.0 - 1.0
    ratio = np.exp((at**2 - at[:, None] ** 2) * 1.5 / (2 * 0.6**2))
    np.testing.assert_allclose(wide, high * ratio, rtol=1e-4, atol=1e-5)


def test_maps_that_say_nothing_give_no_nan():
    discriminator = new("none")
    for block in discriminator.blocks:
        for values in block.parameters():
            values.zero_()
    for kind in ("border-distance", "lda"):
        found = read_as(Reading(kind, layers=(-1, -1)), discriminator, drawn_pixels(1))
        assert found.shape == (1, 32, 32)
        assert np.ptp(found) == 0.0
