"""Seeds on maps whose boxes are known, and what each source looks at."""

import numpy as np
import pytest
import torch

from ganloc.box.from_heatmap import boxes_from_heatmaps
from ganloc.box.iou import iou
from ganloc.discriminator.networks import Discriminator
from ganloc.heatmap.colour_contrast import CENTRE_PRIOR_THRESHOLD, colour_contrast
from ganloc.heatmap.feature_statistics import feature_statistics
from ganloc.heatmap.readings import READINGS, read_heatmaps
from ganloc.recipes import FIRST_BOXES
from ganloc.student.pseudo_boxes import LEVEL, SOURCES, PseudoBoxFinder, level_boxes, set_threshold


def blocks(sides, high=4.0):
    """Levels of 0 with a block of `high`, from the upper left corner, in 20 × 20 pixels."""
    levels = np.zeros((len(sides), 20, 20), np.float32)
    for image, side in zip(levels, sides, strict=True):
        image[:side, :side] = high
    return levels


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
    levels = blocks([4, 10, 18])
    threshold = set_threshold(levels)
    assert 0.0 < threshold < 4.0
    found = level_boxes(levels, threshold)
    np.testing.assert_allclose(found[:, 2:], np.array([[4, 4], [10, 10], [18, 18]]) / 20)


def test_the_threshold_is_otsu_s_of_all_pixels_times_a_constant():
    # Half of the set at 0, half at 16: of all cuts in 64 bins that part them equally well the
    # first counts, at 1/64 of the way; of the image at 0 alone nothing could be told.
    levels = np.stack([np.zeros((8, 8)), np.full((8, 8), 16.0)]).astype(np.float32)
    assert set_threshold(levels) == pytest.approx(LEVEL * 16.0 / 64.0)
    assert set_threshold(levels + 5.0) == pytest.approx(
        5.0 + LEVEL * 16.0 / 64.0
    )  # from the low end


def test_tails_do_not_move_the_threshold():
    levels = np.stack([np.zeros((64, 64)), np.full((64, 64), 16.0)]).astype(np.float32)
    before = set_threshold(levels)
    levels[0, 0, :4], levels[1, 0, :4] = -1e6, 1e6  # a thousandth of all pixels
    assert set_threshold(levels) == pytest.approx(before)


def test_a_faint_image_still_has_a_box_and_a_flat_one_is_whole():
    levels = np.concatenate([blocks([10]), blocks([4], high=1.0), np.zeros((1, 20, 20))])
    found = level_boxes(levels.astype(np.float32), threshold=3.0)
    np.testing.assert_allclose(found, [[0, 0, 0.5, 0.5], [0, 0, 0.2, 0.2], [0, 0, 1, 1]])


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_levels_that_are_not_finite_give_the_whole_image(value):
    levels = blocks([10, 10])
    levels[1, 3, 3] = value
    found = level_boxes(levels, threshold=3.0)
    np.testing.assert_allclose(found, [[0, 0, 0.5, 0.5], [0, 0, 1, 1]])


def test_levels_all_alike_have_a_threshold():
    levels = np.full((2, 8, 8), 3.0, np.float32)
    assert set_threshold(levels) == 3.0
    np.testing.assert_array_equal(level_boxes(levels, 3.0), [[0, 0, 1, 1]] * 2)


@pytest.mark.parametrize("source", FIRST_BOXES)
def test_seeds_are_the_same_however_many_are_read_together(network, source, monkeypatch):
    pixels, _ = things(12, seed=1)
    together = PseudoBoxFinder(*network, pixels, source).boxes(pixels)
    monkeypatch.setattr("ganloc.heatmap.readings.BATCH", 5)
    np.testing.assert_allclose(
        PseudoBoxFinder(*network, pixels, source).boxes(pixels), together, atol=1e-6
    )


def test_the_set_is_known_from_images_spread_evenly_over_it(network, monkeypatch):
    pixels, _ = things(12, seed=1)
    monkeypatch.setattr("ganloc.student.pseudo_boxes.IMAGES", 4)
    few, known = (
        PseudoBoxFinder(*network, pixels, "both"),
        PseudoBoxFinder(*network, pixels[::3].copy(), "both"),
    )
    assert few.threshold == known.threshold
    np.testing.assert_array_equal(few.boxes(pixels), known.boxes(pixels))
    monkeypatch.setattr("ganloc.student.pseudo_boxes.IMAGES", 12)
    assert few.threshold != PseudoBoxFinder(*network, pixels, "both").threshold


@pytest.mark.parametrize("source", FIRST_BOXES)
def test_seeds_are_boxes_of_each_image_alone(network, source):
    pixels, _ = things(12, seed=1)
    seeder = PseudoBoxFinder(*network, pixels, source)
    found = seeder.boxes(pixels)
    assert found.shape == (12, 4)
    assert (found >= 0.0).all()
    assert (found <= 1.0).all()
    assert (found[:, 2:] > found[:, :2]).all()
    np.testing.assert_allclose(seeder.boxes(pixels[3:5]), found[3:5], atol=1e-6)


def test_colour_seeds_are_contrast_with_a_centre_prior(network):
    pixels, _ = things(6, seed=1)
    heatmaps = colour_contrast(pixels, centre_prior=True)
    expected = boxes_from_heatmaps(heatmaps, 32, np.full((6, 2), 32), CENTRE_PRIOR_THRESHOLD)
    found = PseudoBoxFinder(*network, pixels, "colour").boxes(pixels)
    np.testing.assert_allclose(found * 32, expected)


def test_the_discriminator_s_seeds_are_half_those_of_its_default_reading(network):
    pixels, _ = things(6, seed=1)
    seeder = PseudoBoxFinder(*network, pixels, "discriminator")
    rule = READINGS["lda"]
    heatmaps = read_heatmaps(network[0], pixels, rule, network[1])
    shape = boxes_from_heatmaps(heatmaps, 32, np.ones((6, 2), int), rule.threshold, rule.otsu)
    layers = np.concatenate([each.numpy() for each in seeder._layers(pixels)])
    nothing = np.ones((6, 32, 32), np.float32)  # no weight lies on contrast
    levels = level_boxes(seeder._levels(layers, nothing), seeder.threshold)
    np.testing.assert_allclose(seeder.boxes(pixels), (shape + levels) / 2.0, atol=1e-6)
    assert SOURCES["discriminator"].shape == rule.threshold


def test_the_discriminator_s_seeds_do_not_see_what_contrast_sees(network, monkeypatch):
    pixels, _ = things(6, seed=1)
    before = PseudoBoxFinder(*network, pixels, "discriminator").boxes(pixels)

    def other(pixels, centre_prior=False):
        return np.random.default_rng(0).random(pixels.shape[:3]).astype(np.float32)

    monkeypatch.setattr("ganloc.student.pseudo_boxes.colour_contrast", other)
    np.testing.assert_allclose(
        PseudoBoxFinder(*network, pixels, "discriminator").boxes(pixels), before
    )
    both = PseudoBoxFinder(*network, pixels, "both").boxes(pixels)
    assert not np.allclose(both, before)


def test_squares_that_stand_out_are_found(network):
    pixels, truth = things(40, seed=1)
    found = PseudoBoxFinder(*network, pixels, "both").boxes(pixels)
    assert (iou(found, truth) > 0.5).mean() > 0.9
