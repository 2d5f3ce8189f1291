"""The rivals that fit nothing, or one box: each on images whose answer is known."""

import numpy as np
import pytest
import torch
from rivals import constant, contrast, ddt, fitted, grabcut, untrained
from rivals.setting import Setting

from ganloc.box.iou import best_iou, iou
from ganloc.images.image_set import ImageSet

SETTING = Setting("", 0, torch.device("cpu"))


def discs(count, size=64):
    """A bright disc off the middle of dark noise; originals are twice as wide as high."""
    random = np.random.default_rng(0)
    pixels = random.integers(20, 60, (count, size, size, 3)).astype(np.uint8)
    truth = []
    y, x = np.mgrid[:size, :size] + 0.5
    for image in pixels:
        (cx, cy), radius = random.uniform(0.4, 0.6, 2) * size, random.uniform(0.2, 0.28) * size
        inside = (x - cx) ** 2 + (y - cy) ** 2 < radius**2
        image[inside] = random.integers(180, 230, (inside.sum(), 3))
        box = np.array([cx - radius, cy - radius, cx + radius, cy + radius]) / size
        truth.append(box[None] * [200, 100, 200, 100])
    names = tuple(f"{number}.png" for number in range(count))
    return ImageSet(pixels, names, np.full((count, 2), [200, 100]), tuple(truth))


def test_constant_boxes_are_in_pixels_of_the_original():
    images = discs(2)
    whole = constant.boxes(images, images, SETTING, fraction=1.0)
    np.testing.assert_allclose(whole, [[0, 0, 200, 100]] * 2)
    middle = constant.boxes(images, images, SETTING, fraction=0.8)
    np.testing.assert_allclose(middle, [[20, 10, 180, 90]] * 2)


def test_the_fitted_box_is_that_of_the_training_labels():
    images = discs(3)
    train = ImageSet(
        images.pixels, images.names, np.full((3, 2), 50), (np.array([[10, 20, 30, 40.0]]),) * 3
    )
    found = fitted.boxes(train, images.unlabelled(), SETTING)
    np.testing.assert_allclose(found, [[40, 40, 120, 80]] * 3, atol=1e-9)


def test_colour_contrast_finds_what_differs_from_the_border():
    images = discs(4)
    assert images.truth is not None
    for centre_prior in (False, True):
        found = contrast.boxes(images, images, SETTING, centre_prior)
        assert best_iou(found, images.truth).min() > 0.7


def test_grabcut_finds_the_disc_and_no_image_changes_anothers_box():
    pytest.importorskip("cv2")
    images = discs(4)
    assert images.truth is not None
    found = grabcut.boxes(images, images, SETTING)
    assert best_iou(found, images.truth).min() > 0.8
    np.testing.assert_array_equal(grabcut.boxes(images, images.subset([2]), SETTING), found[2:3])


def test_the_untrained_network_follows_the_seed_and_the_reading():
    images = discs(6)

    def found(seed, variant="dcgan", reading="border-distance"):
        setting = Setting("", seed, torch.device("cpu"))
        return untrained.boxes(images, images, setting, variant, reading)

    first = found(0)
    assert first.shape == (6, 4)
    assert (first >= 0).all()
    assert (first <= [200, 100, 200, 100]).all()
    np.testing.assert_array_equal(found(0), first)
    for other in (found(1), found(0, "sn-dcgan"), found(0, reading="plain-cam")):
        assert (other != first).any()


def test_ddts_box_holds_the_largest_positive_component():
    heatmaps = -np.ones((3, 8, 8))
    heatmaps[0, 1:4, 2:7] = 1.0
    heatmaps[0, 6:, 0] = 5.0  # higher, but smaller
    heatmaps[1] = 2.0
    images = discs(3, size=8)
    found = ddt.positive_boxes(heatmaps, images)
    assert found[0] == pytest.approx([50, 12.5, 175, 50])
    np.testing.assert_allclose(found[1:], [[0, 0, 200, 100]] * 2)  # all positive, nothing positive
    assert iou(found[1:2], found[2:3]) == 1.0
