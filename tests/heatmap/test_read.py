"""Readings: which maps are read, how several become one heatmap, and which sign a CAM gets."""

import numpy as np
import pytest
import torch
from torch import nn

from ganloc.adversary.networks import Discriminator
from ganloc.heatmap import read
from ganloc.heatmap.read import DEFAULT, READINGS, Reading, choose_sign, read_heatmaps


def new(norm="batch", size=32, spectral=False):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return Discriminator(size, 4, norm, spectral).eval().requires_grad_(False)


def drawn_pixels(count, size=32):
    return np.random.default_rng(0).integers(0, 256, (count, size, size, 3), dtype=np.uint8)


def maps_of(discriminator, picture):
    """Every block's maps of one picture, which goes in alone, as float64."""
    scaled = torch.from_numpy(picture.transpose(2, 0, 1) / 127.5 - 1.0).float()
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
    assert DEFAULT in READINGS


@pytest.mark.parametrize("size", [32, 64, 128])
def test_plain_cam_is_read_once_from_the_last_maps(size):
    discriminator, pixels = new(size=size), drawn_pixels(3, size)
    found = read_heatmaps(discriminator, pixels, READINGS["plain-cam"])
    weights = discriminator.linear.weight[0].double().numpy()
    expected = [np.tensordot(weights, maps_of(discriminator, p)[-1], axes=1) for p in pixels]
    assert found.shape == (3, 4, 4)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("name", READINGS)
def test_a_picture_is_read_alike_in_every_company(name, monkeypatch):
    discriminator, pixels = new(), drawn_pixels(8)
    together = read_heatmaps(discriminator, pixels, READINGS[name])
    monkeypatch.setattr(read, "BATCH", 3)
    apart = read_heatmaps(discriminator, pixels, READINGS[name])
    np.testing.assert_allclose(apart, together, rtol=1e-4, atol=1e-6)
    alone = read_heatmaps(discriminator, pixels[7:], READINGS[name])
    np.testing.assert_allclose(alone[0], together[7], rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("name", READINGS)
@pytest.mark.parametrize(("norm", "spectral"), [("batch", False), ("none", True)])
def test_every_reading_can_be_cut_into_boxes(name, norm, spectral):
    row = READINGS[name]
    found = read_heatmaps(new(norm, 64, spectral), drawn_pixels(2, 64), row)
    if row.steps or len(row.layers) > 1:
        assert found.shape == (2, 64, 64)
    assert np.isfinite(found).all()
    assert (np.ptp(found, axis=(1, 2)) > 0.0).all()
    assert 0.0 <= row.threshold < 1.0


def test_one_layer_keeps_its_own_cells_and_values():
    discriminator, pixels = new(), drawn_pixels(2)
    found = read_heatmaps(discriminator, pixels, Reading("border-distance", layers=(-2,)))
    expected = [unlike_the_border(maps_of(discriminator, p)[-2]) for p in pixels]
    assert found.shape == (2, 8, 8)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)


def test_several_layers_become_the_geometric_mean_of_each_stretched_to_0_to_1():
    discriminator, pixels = new(), drawn_pixels(3)
    reading = Reading("border-distance", layers=(-3, -1), steps=0)
    found = read_heatmaps(discriminator, pixels, reading)
    assert found.shape == (3, 32, 32)
    assert found.min() >= 0.0
    assert found.max() <= 1.0
    for heatmap, picture in zip(found, pixels, strict=True):
        maps = maps_of(discriminator, picture)
        product = np.ones((32, 32))
        for layer in (1, 3):  # of four blocks, 16×16 and 4×4
            one = stretched(unlike_the_border(maps[layer]), 32)
            product *= (one - one.min()) / (one.max() - one.min())
        np.testing.assert_allclose(heatmap**2, product, atol=1e-4)


def test_a_prior_for_the_middle_is_multiplied_into_the_stretched_heatmap():
    discriminator, pixels = new(), drawn_pixels(2)
    plain = read_heatmaps(discriminator, pixels, Reading())
    found = read_heatmaps(discriminator, pixels, Reading(centre=0.5))
    low, high = (end(plain, axis=(1, 2), keepdims=True) for end in (np.min, np.max))
    # Cell centres lie at ±¼ and ±¾ of half a side; exp(−r² / 2σ²) with σ = ½ is exp(−2r²).
    at = np.array([-0.75, -0.25, 0.25, 0.75])
    prior = np.exp(-2.0 * (at[:, None] ** 2 + at**2))
    np.testing.assert_allclose(found, (plain - low) / (high - low) * prior, rtol=1e-4, atol=1e-6)


def test_one_step_is_the_mean_with_the_mirror_image_at_full_size():
    discriminator, pixels = new(), drawn_pixels(2)
    found = read_heatmaps(discriminator, pixels, Reading(steps=1))
    weights = discriminator.linear.weight[0].double().numpy()
    for heatmap, picture in zip(found, pixels, strict=True):
        plain, mirrored = (
            stretched(np.tensordot(weights, maps_of(discriminator, p)[-1], axes=1), 32)
            for p in (picture, picture[:, ::-1])
        )
        np.testing.assert_allclose(heatmap, (plain + mirrored[:, ::-1]) / 2, rtol=1e-3, atol=1e-6)


def test_the_sign_turns_a_heatmap_over():
    discriminator, pixels = new(), drawn_pixels(2)
    signed = Reading(signed=True, steps=1)
    plus, minus = (read_heatmaps(discriminator, pixels, signed, sign) for sign in (1, -1))
    np.testing.assert_array_equal(minus, -plus)


class Drawn(Discriminator):
    """Says 0 along the border and `inside(brightness of the picture)` within, times `weight`."""

    def __init__(self, inside, weight=1.0):
        super().__init__(32, 1, "none", spectral=False)
        self.inside = inside
        self.linear = nn.Linear(1, 1)
        self.linear.weight.data.fill_(weight)
        self.linear.bias.data.fill_(100.0)  # must not matter
        self.eval()

    def feature_maps(self, pictures):
        maps = torch.zeros(len(pictures), 1, 4, 4)
        maps[:, :, 1:3, 1:3] = self.inside(pictures[:, :1, :1, :1])
        return [maps]


def flat_pixels(*values):
    return np.stack([np.full((32, 32, 3), value, dtype=np.uint8) for value in values])


def test_the_sign_makes_the_inside_higher_than_the_border():
    pixels = flat_pixels(0, 255)
    assert choose_sign(Drawn(lambda _: 2.0), pixels) == 1
    assert choose_sign(Drawn(lambda _: -2.0), pixels) == -1
    assert choose_sign(Drawn(lambda _: 2.0, weight=-1.0), pixels) == -1
    assert choose_sign(Drawn(lambda _: -2.0, weight=-1.0), pixels) == 1
    assert choose_sign(Drawn(lambda _: 0.0), pixels) == 1  # nothing to choose by: the paper's


def test_the_sign_is_the_sets_not_that_of_most_pictures():
    # 3 above the border in one bright picture, 1 below it in each of two dark ones.
    discriminator = Drawn(lambda brightness: 1.0 + 2.0 * brightness)  # −1 → −1, 1 → 3
    assert choose_sign(discriminator, flat_pixels(0, 0, 255)) == 1
    assert choose_sign(discriminator, flat_pixels(0, 0, 0, 0, 255)) == -1


def test_maps_that_say_nothing_give_no_nan():
    reading = Reading("border-distance", layers=(-1, -1))
    found = read_heatmaps(Drawn(lambda _: 0.0), flat_pixels(9), reading)
    assert found.shape == (1, 32, 32)
    assert np.ptp(found) == 0.0
