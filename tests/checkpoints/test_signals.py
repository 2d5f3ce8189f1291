"""Signals against numbers worked out by hand or by counting."""

import dataclasses
import json
import math

import numpy as np
import pytest
import torch
from torch import nn

from ganloc.checkpoints import signals
from ganloc.checkpoints.signals import Signals, measure
from ganloc.discriminator.networks import Discriminator
from ganloc.discriminator.sample import sample
from ganloc.discriminator.train_state import new_train_state
from ganloc.heatmap.readings import DISCRIMINATOR_READING
from ganloc.images.batches import to_tensor
from ganloc.images.image_set import ImageSet
from ganloc.model import Model
from ganloc.recipes import Recipe

RANDOM = np.random.default_rng(0)
RECIPE = Recipe("dcgan", size=32, generator_width=2, discriminator_width=2, latent=4, seed=3)


def some_images(count=7):
    pixels = RANDOM.integers(0, 256, (count, 32, 32, 3), np.uint8)
    return ImageSet(pixels, ("p",) * count, np.tile([640, 48], (count, 1)))


@torch.no_grad()
def averaging_discriminator():
    """Its features are the mean colours of 1, 2 × 2, 4 × 4 and 8 × 8 pixels, plus 1."""
    network = Discriminator(32, 3, "none", spectral=False).eval().requires_grad_(False)
    first, *others = [m for m in network.blocks.modules() if isinstance(m, nn.Conv2d)]
    for convolution in (first, *others):
        convolution.weight.zero_()
    for colour in range(3):
        first.weight[colour, colour, 1, 1] = 1.0
        for convolution in others:  # its stride is 2
            convolution.weight[colour, colour, 1:3, 1:3] = 0.25
    first.bias.fill_(1.0)  # keeps dark pixels from the leaky slope
    return network


def some_signals(**changed):
    return dataclasses.replace(Signals(*np.linspace(0.1, 1.0, 7).tolist()), **changed)


def test_nan_becomes_null_and_comes_back():
    given = some_signals(alikeness=float("nan"))
    line = json.loads(json.dumps({"iteration": 5, **given.to_dict(), "criterion": 2.0}))
    assert line["alikeness"] is None
    back = Signals.from_dict(line)
    assert math.isnan(back.alikeness)
    assert dataclasses.replace(back, alikeness=0.0) == dataclasses.replace(given, alikeness=0.0)
    with pytest.raises(KeyError):
        Signals.from_dict({"alikeness": 1.0})


def test_moved_is_down_and_right_and_what_moves_in_is_a_reflection():
    pixels = np.arange(16, dtype=np.uint8).reshape(1, 4, 4, 1).repeat(3, axis=3)
    expected = [[5, 4, 5, 6], [1, 0, 1, 2], [5, 4, 5, 6], [9, 8, 9, 10]]
    np.testing.assert_array_equal(signals.moved(pixels, 1)[0, :, :, 0], expected)


def test_heatmaps_that_move_with_their_image_are_equivariant():
    heatmaps = RANDOM.random((3, 16, 16))
    of_moved = RANDOM.random((3, 16, 16))  # whatever moved in does not count
    of_moved[:, 2:, 2:] = 5.0 * heatmaps[:, :-2, :-2] - 1.0
    assert signals.shift_equivariance(heatmaps, of_moved, 2) == pytest.approx(1.0)
    assert abs(signals.shift_equivariance(heatmaps, heatmaps, 2)) < 0.2
    of_moved[0], of_moved[1] = -of_moved[0], 3.0  # −1, a constant one: 0, and still 1
    assert signals.shift_equivariance(heatmaps, of_moved, 2) == pytest.approx(0.0)


def test_heatmaps_that_mirror_with_their_image_are_equivariant():
    heatmaps = RANDOM.random((2, 8, 8))
    assert signals.mirror_equivariance(heatmaps, heatmaps[:, :, ::-1]) == pytest.approx(1.0)
    upside_down = heatmaps[:, ::-1, ::-1]
    assert abs(signals.mirror_equivariance(heatmaps, upside_down)) < 0.5


def test_image_dependence_by_hand():
    a = np.array([[1.0, -1.0], [0.0, 0.0]])
    b = np.array([[0.0, 0.0], [1.0, -1.0]])
    # The mean is along 2a + b, of which a has the cosine 2/√5 and b 1/√5.
    found = signals.image_dependence(np.stack([a, a, b]))
    assert found == pytest.approx(1 - (2 + 2 + 1) / math.sqrt(5) / 3)
    assert signals.image_dependence(np.stack([a, 3 * a + 1])) == pytest.approx(0.0)
    assert signals.image_dependence(np.ones((3, 4, 4))) == 0.0


def test_border_avoidance_by_hand():
    inside = np.zeros((1, 16, 16))
    inside[0, 2:-2, 2:-2] = 7.0
    assert signals.border_avoidance(inside) == pytest.approx(1.0)
    assert signals.border_avoidance(-inside) == pytest.approx(-1.0)
    assert signals.border_avoidance(np.concatenate([inside, -inside])) == pytest.approx(0.0)
    inside[0, 2:8, 2:-2] = 0.0  # half of the inside
    assert signals.border_avoidance(inside) == pytest.approx(0.5)


def test_auc_is_the_share_of_pairs_a_tie_being_half():
    high, low = RANDOM.integers(0, 6, (4, 5)) / 2, RANDOM.integers(-2, 5, 13) / 2
    pairs = [(h > x) + 0.5 * (h == x) for h in high.ravel() for x in low]
    assert signals.auc(high, low) == pytest.approx(np.mean(pairs))
    assert signals.auc(np.ones(3), np.ones(4)) == 0.5


def test_the_averaging_discriminator_averages():
    images = some_images(2)
    maps = averaging_discriminator().feature_maps(to_tensor(images.pixels, torch.device("cpu")))
    for cells, found in zip((32, 16, 8, 4), maps, strict=True):
        side = 32 // cells
        expected = images.pixels.reshape(2, cells, side, cells, side, 3).mean(axis=(2, 4)) / 127.5
        np.testing.assert_allclose(found[:, :3].permute(0, 2, 3, 1), expected, atol=1e-5)


def test_separation_is_tried_on_images_that_it_was_not_fitted_on():
    discriminator = averaging_discriminator()
    noise = RANDOM.integers(0, 50, (8, 32, 32, 3)).astype(np.uint8)
    bright = noise.copy()
    bright[:, 8:-8, 8:-8] += 200  # inside cells of the 4 × 4 map, and some of the others
    found = signals.separation(discriminator, bright)
    # Of the inner cells 1/1, 16/36 and 64/196 are bright; all others are chance.
    expected = np.mean([share + (1 - share) / 2 for share in (1, 16 / 36, 64 / 196)])
    assert found == pytest.approx(expected, abs=0.05)
    turned = bright.copy()
    turned[1::2] = 255 - turned[1::2]
    assert signals.separation(discriminator, turned) == pytest.approx(1 - expected, abs=0.05)
    assert signals.separation(discriminator, noise * 0 + 9) == 0.5


def test_spread_by_hand():
    boxes = np.array([[0.0, 0.0, 4.0, 4.0], [0.0, 0.0, 4.0, 4.0], [2.0, 0.0, 6.0, 4.0]])
    assert signals.spread(boxes[:2]) == 0.0
    assert signals.spread(boxes) == pytest.approx(1 - (1 + 1 + 1 / 3) / 3)


def test_generated_images_that_are_all_the_same_are_alike():
    one = RANDOM.integers(0, 256, (1, 32, 32, 3), np.uint8)
    assert signals.alikeness(np.repeat(one, 20, axis=0)) == pytest.approx(1.0)
    assert signals.alikeness(RANDOM.integers(0, 256, (20, 32, 32, 3), np.uint8)) < 0.2


def test_correlations_are_pearson_s():
    one, other = RANDOM.random((2, 3, 4, 5)).astype(np.float32)
    one[2] = 0.3
    found = signals.correlations(one, other, constant=-7.0)
    for index in range(2):
        expected = np.corrcoef(one[index].ravel(), other[index].ravel())[0, 1]
        assert found[index] == pytest.approx(expected, abs=1e-6)
    assert found[2] == -7.0


def test_measure_puts_every_signal_in_its_place():
    # Of 201 images at most 200 are looked at: every other one.
    state, images = new_train_state(RECIPE, torch.device("cpu")), some_images(201)
    model = Model.freeze(state.discriminator, images, RECIPE, iteration=0)
    before = torch.random.get_rng_state()
    first = measure(model, images)
    assert math.isnan(first.alikeness)
    samples = sample(state.generator, RECIPE, 20)
    second = measure(model, images, samples)
    assert second.alikeness == signals.alikeness(samples)
    assert dataclasses.replace(second, alikeness=0.0) == dataclasses.replace(first, alikeness=0.0)
    some = images.subset(range(0, 201, 2))
    assert dataclasses.replace(measure(model, some), alikeness=0.0) == dataclasses.replace(
        first, alikeness=0.0
    )
    assert first.separation == signals.separation(model.discriminator, some.pixels)
    boxes = model.detect(some, DISCRIMINATOR_READING).boxes
    assert boxes.shape == (101, 4)
    assert boxes.max() <= 1.0  # of the squeezed image, not 640 × 48
    assert first.spread == signals.spread(boxes)
    assert 0.0 < first.image_dependence <= 2.0
    assert all(-1.0 <= value <= 2.0 for value in dataclasses.astuple(first) if value == value)
    assert torch.equal(torch.random.get_rng_state(), before)


def test_features_that_follow_the_mirror_are_measured_so_from_the_pixels_on():
    # Colours as features: heatmaps follow every mirror exactly.
    images = some_images(6)
    images.pixels[:, 8:24, 8:24] |= 128
    model = Model.freeze(averaging_discriminator(), images, RECIPE, iteration=0)
    found = measure(model, images)
    assert found.mirror_equivariance == pytest.approx(1.0, abs=1e-5)
    assert found.border_avoidance > 0.2
