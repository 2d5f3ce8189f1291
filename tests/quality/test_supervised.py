"""The supervised CNN: its loss, its augmentation, and that it learns."""

import math

import numpy as np
import pytest
import torch
from rivals import supervised
from rivals.setting import Setting
from rivals.supervised import box_loss, corners, labelled, moved_and_mirrored

from ganloc.box.iou import best_iou
from ganloc.images.image_set import ImageSet
from ganloc.metrics.baselines import fitted_box


def rectangles(count, seed, size=64):
    """A bright rectangle on dark noise, with its box in fractions; originals of 80 × 40 pixels."""
    random = np.random.default_rng(seed)
    pixels = random.integers(0, 60, (count, size, size, 3)).astype(np.uint8)
    low = random.integers(3 * size // 16, 7 * size // 16, (count, 2))
    sides = random.integers(3 * size // 16, 6 * size // 16, (count, 2))
    boxes = np.concatenate([low, low + sides], axis=1)
    for image, (x0, y0, x1, y1) in zip(pixels, boxes, strict=True):
        image[y0:y1, x0:x1] = 250
    return pixels, boxes / size


def as_images(count, seed):
    pixels, boxes = rectangles(count, seed, size=32)
    truth = tuple((boxes * [80, 40, 80, 40])[:, None])
    return ImageSet(pixels, tuple(map(str, range(count))), np.full((count, 2), [80, 40]), truth)


def test_corners_from_middle_and_sides():
    quarter = math.log(0.25 / 0.75)  # the logit of ¼
    found = corners(torch.tensor([[0.0, quarter, 0.0, quarter]]))
    torch.testing.assert_close(found, torch.tensor([[0.25, 0.125, 0.75, 0.375]]))


def test_the_loss_is_that_worked_out_by_hand():
    # Shared ½ × ½ of 1 + ½ − ¼: IoU ¼ / 1¼ = ⅕. Corners differ by ½, 0, 0, ½ … of 4: mean ¼.
    found = torch.tensor([[0.0, 0.0, 1.0, 1.0], [0.1, 0.2, 0.3, 0.4]])
    target = torch.tensor([[0.5, 0.0, 1.5, 0.5], [0.1, 0.2, 0.3, 0.4]])
    expected = ((1 - 0.2) + 0) / 2 + (0.5 + 0.5 + 0.5) / 8
    assert box_loss(found, target).item() == pytest.approx(expected, abs=1e-6)
    apart = torch.tensor([[2.0, 2.0, 3.0, 3.0]])
    assert box_loss(found[:1], apart).item() == pytest.approx(1 + 2, abs=1e-6)


def test_boxes_move_and_turn_with_their_images():
    pixels, boxes = rectangles(40, seed=0)
    shown, moved = moved_and_mirrored(pixels, boxes, np.random.default_rng(0))
    assert (moved != boxes).any(axis=1).sum() > 30
    for image, box in zip(shown, moved, strict=True):
        y, x = np.nonzero(image[:, :, 0] > 100)  # too far inside to be reflected
        seen = np.array([x.min(), y.min(), x.max() + 1, y.max() + 1]) / 64
        np.testing.assert_allclose(box, seen)


def test_what_leaves_the_image_is_cut_off_the_box():
    pixels = np.zeros((64, 64, 64, 3), dtype=np.uint8)
    boxes = np.tile([0.0, 0.0, 1.0, 0.5], (64, 1))
    _, moved = moved_and_mirrored(pixels, boxes, np.random.default_rng(0))
    assert moved.min() == 0.0
    assert moved.max() == 1.0
    assert moved[:, 3].min() == pytest.approx(0.5 - 1 / 8)


def test_it_learns_to_find_rectangles():
    train, test = as_images(192, seed=0), as_images(32, seed=1)
    assert test.truth is not None
    setting = Setting("", 0, torch.device("cpu"))
    found = supervised.boxes(train, test.unlabelled(), setting, iterations=60)
    constant = fitted_box(test.sizes, train.truth, train.sizes)
    learned, fitted = (best_iou(boxes, test.truth).mean() for boxes in (found, constant))
    assert learned > fitted + 0.2
    assert (found >= 0).all()
    assert (found <= [80, 40, 80, 40]).all()


def test_images_without_truth_are_left_out_and_the_largest_box_counts():
    images = as_images(3, seed=0)
    truth = (np.zeros((0, 4)), np.array([[0, 0, 4, 4.0], [8, 4, 40, 36.0]]), images.truth[2])
    train = ImageSet(images.pixels, images.names, images.sizes, truth)
    pixels, boxes = labelled(train)
    np.testing.assert_array_equal(pixels, images.pixels[1:])
    np.testing.assert_allclose(boxes[0], [0.1, 0.1, 0.5, 0.9])
