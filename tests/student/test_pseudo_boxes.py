"""Pseudo-boxes on maps whose boxes are known, and what each source looks at."""

import numpy as np
import pytest
import torch
from PIL import Image

from ganloc.box.from_heatmap import boxes_from_heatmaps, normalise
from ganloc.box.iou import iou
from ganloc.box.otsu import common_otsu_threshold
from ganloc.discriminator.networks import Discriminator
from ganloc.heatmap.colour_contrast import CENTRE_PRIOR_THRESHOLD, colour_contrast
from ganloc.heatmap.feature_statistics import feature_statistics
from ganloc.heatmap.readings import READINGS, layer_heatmaps, read_heatmaps
from ganloc.recipes import PSEUDO_BOXES
from ganloc.student.pseudo_boxes import (
    IMAGES,
    OTSU_FACTOR,
    PseudoBoxFinder,
    boxes_above,
    find_pseudo_boxes,
    trusted_source,
)


def blocks(sides, high=4.0):
    """Maps of 0 with a block of `high`, from the upper left corner, in 20 × 20 pixels."""
    maps = np.zeros((len(sides), 20, 20), np.float32)
    for image, side in zip(maps, sides, strict=True):
        image[:side, :side] = high
    return maps


def things(count, seed):
    """Bright squares away from the border on dark noise, and their boxes in fractions."""
    random = np.random.default_rng(seed)
    pixels = random.integers(0, 90, (count, 32, 32, 3), np.uint8)
    boxes = np.empty((count, 4))
    for index in range(count):
        side = random.integers(8, 18)
        x, y = random.integers(4, 28 - side, 2)
        pixels[index, y : y + side, x : x + side] += 150
        boxes[index] = np.array([x, y, x + side, y + side]) / 32
    return pixels, boxes


@pytest.fixture(scope="module")
def network():
    """An untrained network without batch norm, fitted on squares."""
    torch.manual_seed(0)
    discriminator = Discriminator(32, 4, "none", spectral=False).eval().requires_grad_(False)
    return discriminator, feature_statistics(discriminator, things(64, seed=0)[0])


def test_one_threshold_tells_large_objects_from_small():
    maps = blocks([4, 10, 18])
    threshold = common_otsu_threshold(maps, OTSU_FACTOR)
    assert 0.0 < threshold < 4.0
    found = boxes_above(maps, threshold)
    np.testing.assert_allclose(found[:, 2:], np.array([[4, 4], [10, 10], [18, 18]]) / 20)


def test_a_faint_image_still_has_a_box_and_a_flat_one_is_whole():
    maps = np.concatenate([blocks([10]), blocks([4], high=1.0), np.zeros((1, 20, 20))])
    found = boxes_above(maps.astype(np.float32), threshold=3.0)
    np.testing.assert_allclose(found, [[0, 0, 0.5, 0.5], [0, 0, 0.2, 0.2], [0, 0, 1, 1]])


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_maps_that_are_not_finite_give_the_whole_image(value):
    maps = blocks([10, 10])
    maps[1, 3, 3] = value
    found = boxes_above(maps, threshold=3.0)
    np.testing.assert_allclose(found, [[0, 0, 0.5, 0.5], [0, 0, 1, 1]])


def test_maps_all_alike_have_a_threshold():
    maps = np.full((2, 8, 8), 3.0, np.float32)
    assert common_otsu_threshold(maps, OTSU_FACTOR) == 3.0
    np.testing.assert_array_equal(boxes_above(maps, 3.0), [[0, 0, 1, 1]] * 2)


@pytest.mark.parametrize("source", PSEUDO_BOXES)
def test_pseudo_boxes_are_of_each_image_alone(network, source):
    pixels, _ = things(131, seed=1)  # more than are read at a time
    finder = PseudoBoxFinder(*network, pixels, source)
    found = finder.boxes(pixels)
    assert found.shape == (131, 4)
    assert (found >= 0.0).all()
    assert (found <= 1.0).all()
    assert (found[:, 2:] > found[:, :2]).all()
    for part in (slice(3, 5), slice(127, 129), slice(130, 131)):
        np.testing.assert_allclose(finder.boxes(pixels[part]), found[part], atol=1e-6)


def test_the_set_is_known_from_images_spread_evenly_over_it(network):
    pixels, _ = things(IMAGES + 1, seed=1)
    pixels[::2] //= 2  # darker than the others
    some, known = (PseudoBoxFinder(*network, each, "both") for each in (pixels, pixels[::2].copy()))
    assert some.threshold == known.threshold
    np.testing.assert_array_equal(some.boxes(pixels[:50]), known.boxes(pixels[:50]))
    assert some.threshold != PseudoBoxFinder(*network, pixels[1::2].copy(), "both").threshold


def test_colour_alone_is_contrast_with_a_centre_prior(network):
    pixels, _ = things(6, seed=1)
    heatmaps = colour_contrast(pixels, centre_prior=True)
    expected = boxes_from_heatmaps(heatmaps, 32, CENTRE_PRIOR_THRESHOLD)
    found = PseudoBoxFinder(*network, pixels, "colour").boxes(pixels)
    np.testing.assert_allclose(found, expected)


def set_normalised(network, pixels, log_weight):
    """Standard scores of each layer over the set, their mean, plus logarithms of prior and colour.

    The prior is the default reading's, exp(−x²/2aσ² − y²/2σ²/a) with σ = 0.6 half sides.
    """
    discriminator, statistics = network
    parts = layer_heatmaps(discriminator, pixels, READINGS["lda"], statistics)
    layers = np.concatenate([part.double().numpy() for part in parts])
    layers -= layers.mean(axis=(0, 2, 3), keepdims=True)
    features = (layers / layers.std(axis=(0, 2, 3), keepdims=True)).mean(axis=1)
    at = (np.arange(32) + 0.5) / 16.0 - 1.0
    squares = at**2 / statistics.aspect + at[:, None] ** 2 * statistics.aspect
    colours = np.log(colour_contrast(pixels) + 0.03)
    return features - 0.7 * squares / (2 * 0.6**2) + log_weight * (colours - colours.mean())


@pytest.mark.parametrize(
    ("source", "log_weight", "power", "threshold"),
    [("discriminator", 0.0, 0.0, 0.7), ("both", 0.6, 0.5, 0.5)],
)
def test_a_pseudo_box_is_the_mean_of_two_boxes(network, source, log_weight, power, threshold):
    """Of the default reading's heatmap, stretched by itself, and of the set-normalised map.

    The discriminator's alone are not sharpened: colour contrast has no part in them.
    """
    pixels, _ = things(24, seed=1)
    finder = PseudoBoxFinder(*network, pixels, source)
    heatmaps = read_heatmaps(network[0], pixels, READINGS["lda"], network[1])
    sharpened = normalise(heatmaps) * (colour_contrast(pixels) + 0.001) ** power
    own = boxes_from_heatmaps(sharpened, 32, threshold, otsu=True)
    maps = set_normalised(network, pixels, log_weight)
    assert finder.threshold == pytest.approx(common_otsu_threshold(maps, OTSU_FACTOR), rel=1e-4)
    common = boxes_above(maps, finder.threshold)
    assert not np.allclose(own, common)
    np.testing.assert_allclose(finder.boxes(pixels), (own + common) / 2.0, atol=1e-6)


def test_squares_that_stand_out_are_found(network):
    pixels, truth = things(40, seed=1)
    found = PseudoBoxFinder(*network, pixels, "both").boxes(pixels)
    assert (iou(found, truth) > 0.5).mean() > 0.9


def features_of(boxes, shift=0.0, scale=1.0):
    """Heatmaps of 16 × 16 cells that are high in boxes, on any scale."""
    at = (np.arange(16) + 0.5) / 16.0
    x0, y0, x1, y1 = boxes.T[:, :, None]
    rows, columns = (at >= y0) & (at < y1), (at >= x0) & (at < x1)
    return (shift + scale * (rows[:, :, None] & columns[:, None, :])).astype(np.float32)


def test_features_count_as_much_as_the_discriminator(network):
    """By a geometric mean in the stretched map, by a mean in the set-normalised one."""
    pixels, _ = things(24, seed=1)
    known = np.random.default_rng(0).normal(5.0, 3.0, (24, 7, 7)).astype(np.float32)
    finder = PseudoBoxFinder(*network, pixels, "both", known)
    large = np.stack([np.asarray(Image.fromarray(one).resize((32, 32), 2)) for one in known])
    discriminator, statistics = network
    plain = read_heatmaps(discriminator, pixels, READINGS["lda"], statistics)
    at = (np.arange(32) + 0.5) / 16.0 - 1.0
    squares = at**2 / statistics.aspect + at[:, None] ** 2 * statistics.aspect
    prior = np.exp(-squares / (2 * 0.6**2))
    joined = np.sqrt((plain / prior) * normalise(large)) * prior
    sharpened = normalise(joined.astype(np.float32)) * np.sqrt(colour_contrast(pixels) + 0.001)
    own = boxes_from_heatmaps(sharpened, 32, 0.5, otsu=True)
    rest = set_normalised(network, pixels, 0.6) - set_normalised_features(network, pixels)
    score = (large - large.mean()) / large.std()
    maps = rest + (set_normalised_features(network, pixels) + score) / 2.0
    assert finder.threshold == pytest.approx(common_otsu_threshold(maps, OTSU_FACTOR), rel=1e-3)
    common = boxes_above(maps, finder.threshold)
    found = finder.boxes(pixels, known)
    close = np.isclose(found, (own + common) / 2.0, atol=1e-6).all(axis=1)
    assert close.mean() > 0.9  # Pillow rounds otherwise than torch


def set_normalised_features(network, pixels):
    """The part of `set_normalised` that comes from the discriminator."""
    parts = layer_heatmaps(network[0], pixels, READINGS["lda"], network[1])
    layers = np.concatenate([part.double().numpy() for part in parts])
    layers -= layers.mean(axis=(0, 2, 3), keepdims=True)
    return (layers / layers.std(axis=(0, 2, 3), keepdims=True)).mean(axis=1)


def test_the_scale_of_features_does_not_matter(network):
    pixels, truth = things(12, seed=1)
    known = features_of(truth)
    first = PseudoBoxFinder(*network, pixels, "both", known).boxes(pixels, known)
    other = features_of(truth, shift=-300.0, scale=40.0)
    found = PseudoBoxFinder(*network, pixels, "both", other).boxes(pixels, other)
    np.testing.assert_allclose(found, first, atol=1 / 32)


@pytest.mark.parametrize("source", ["both", "discriminator"])
def test_features_find_what_the_discriminator_does_not(network, source):
    random = np.random.default_rng(0)
    pixels = random.integers(0, 256, (64, 32, 32, 3), np.uint8)  # of which it can tell nothing
    corner = random.uniform(0.1, 0.4, (64, 2))
    truth = np.concatenate([corner, corner + random.uniform(0.3, 0.5, (64, 2))], axis=1)
    known = features_of(truth)
    found = PseudoBoxFinder(*network, pixels, source, known).boxes(pixels, known)
    alone = PseudoBoxFinder(*network, pixels, source).boxes(pixels)
    assert (iou(found, truth) > 0.5).mean() > 0.8 > 0.6 > (iou(alone, truth) > 0.5).mean()


def test_images_whose_features_are_alike_everywhere_still_have_boxes(network):
    pixels, truth = things(12, seed=1)
    flat = np.full((12, 4, 4), 7.0, np.float32)
    found = PseudoBoxFinder(*network, pixels, "both", flat).boxes(pixels, flat)
    assert (iou(found, truth) > 0.5).mean() > 0.9


def test_the_source_that_colours_speak_for():
    random = np.random.default_rng(0)
    noise = random.integers(0, 256, (5, 32, 32, 1), np.uint8).repeat(3, axis=3)
    right, wrong = (np.tile(box, (5, 1)) for box in ([0.25, 0.25, 0.5, 0.5], [0.4, 0.4, 1.0, 1.0]))
    assert trusted_source(noise, right, wrong) == "discriminator"
    assert trusted_source(noise, wrong, right) == "discriminator"  # there is no colour to go by
    noise[:, 8:16, 8:16, 0] = 255
    noise[:, 8:16, 8:16, 1:] = 0
    assert trusted_source(noise, right, right) == "both"
    assert trusted_source(noise, wrong, right) == "colour"
    assert trusted_source(noise, right, wrong) == "discriminator"


def test_colours_are_left_out_where_they_tell_nothing(network):
    pixels, _ = things(30, seed=1)
    finder, boxes = find_pseudo_boxes(*network, pixels, "both")
    assert finder.source == "both"
    np.testing.assert_array_equal(boxes, PseudoBoxFinder(*network, pixels, "both").boxes(pixels))
    noise = np.random.default_rng(2).integers(0, 256, (30, 32, 32, 1), np.uint8).repeat(3, axis=3)
    finder, boxes = find_pseudo_boxes(*network, noise, "both")
    assert not finder.uses_colours
    alone = PseudoBoxFinder(*network, noise, "discriminator").boxes(noise)
    np.testing.assert_array_equal(boxes, alone)
    finder, _ = find_pseudo_boxes(*network, noise, "colour")  # as the recipe says
    assert finder.uses_colours
    assert finder.anew(noise) is finder


def test_colour_is_believed_alone_where_the_discriminator_finds_nothing():
    torch.manual_seed(0)
    pixels = np.full((40, 32, 32, 3), 90, np.uint8)
    corner = np.random.default_rng(0).integers(4, 22, (40, 2))
    for image, (x, y) in zip(pixels, corner, strict=True):
        image[y : y + 5, x : x + 5] = (200, 40, 40)
    blind = Discriminator(32, 4, "none", spectral=False).eval().requires_grad_(False)
    for weights in blind.parameters():
        weights.zero_()
    statistics = feature_statistics(blind, pixels)
    finder, boxes = find_pseudo_boxes(blind, statistics, pixels, "both")
    assert finder.source == "colour"
    assert finder.anew(pixels).source == "both"  # close up, it may find them
    truth = np.concatenate([corner, corner + 5], axis=1) / 32
    assert (iou(boxes, truth) > 0.5).mean() > 0.8
    known = features_of(truth)
    finder, boxes = find_pseudo_boxes(blind, statistics, pixels, "both", known)
    assert finder.source == "both"
