"""Training a student: what it learns, from what alone, and bit for bit again."""

import numpy as np
import pytest
import torch

from ganloc.box.from_heatmap import boxes_from_heatmaps
from ganloc.box.iou import iou
from ganloc.student.train_student import new_student, padded, soft_masks, train_student

CPU = torch.device("cpu")
pytestmark = pytest.mark.usefixtures("one_thread")


def squares(count, seed, noise=0.0):
    """Bright squares on dark noise: images, true boxes, and boxes with chance errors."""
    random = np.random.default_rng(seed)
    pixels = random.integers(0, 60, (count, 32, 32, 3), np.uint8)
    truth = np.empty((count, 4))
    for index in range(count):
        side = random.integers(10, 20)
        x, y = random.integers(0, 32 - side, 2)
        pixels[index, y : y + side, x : x + side] = random.integers(180, 255, 3)
        truth[index] = np.array([x, y, x + side, y + side]) / 32
    wrong = (truth + noise * random.normal(size=truth.shape)).clip(0.0, 1.0)
    boxes = np.concatenate(
        [np.minimum(wrong[:, :2], wrong[:, 2:]), np.maximum(wrong[:, :2], wrong[:, 2:])], axis=1
    )
    return pixels, truth, boxes


def trained(pixels, boxes, iterations=60, seed=0, width=4):
    student = new_student(32, width, seed, CPU)
    losses = list(train_student(student, pixels, boxes, iterations, seed))
    return student, losses


def cut(student, pixels):
    return boxes_from_heatmaps(soft_masks(student, pixels), 32, 0.6)


def test_it_finds_on_other_images_what_its_boxes_only_nearly_showed():
    pixels, truth, boxes = squares(200, seed=0, noise=0.12)
    student, losses = trained(pixels, boxes, iterations=150, width=8)
    assert np.mean(losses[-10:]) < 0.7 * np.mean(losses[:10])
    others, their_truth, _ = squares(60, seed=1)
    found = iou(cut(student, others), their_truth).mean()
    assert found > iou(boxes, truth).mean() + 0.1  # better than the boxes that it learned from


def test_the_same_again_bit_for_bit_and_another_seed_differs():
    pixels, _, boxes = squares(40, seed=0)
    first, again, other = (trained(pixels, boxes, 3, seed)[0].state_dict() for seed in (5, 5, 6))
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["mask.weight"], other["mask.weight"])


def test_it_takes_no_chance_from_elsewhere():
    pixels, _, boxes = squares(40, seed=0)
    torch.manual_seed(1)
    before = torch.get_rng_state()
    trained(pixels, boxes, 2)
    assert torch.equal(torch.get_rng_state(), before)


def test_it_ends_in_evaluation_mode_so_that_an_image_is_read_alone():
    pixels, _, boxes = squares(40, seed=0)
    student, _ = trained(pixels, boxes, 5)
    assert not student.training
    together, alone = soft_masks(student, pixels[:3]), soft_masks(student, pixels[1:2])
    np.testing.assert_allclose(together[1], alone[0], atol=1e-6)


def test_a_mask_is_the_mean_of_the_image_s_and_its_mirror_s():
    pixels, _, boxes = squares(40, seed=0)
    student, _ = trained(pixels, boxes, 5)
    masks = soft_masks(student, pixels[:2])
    assert masks.shape == (2, 32, 32)
    assert 0.0 < masks.min() < masks.max() < 1.0
    mirrored = soft_masks(student, np.ascontiguousarray(pixels[:2, :, ::-1]))
    np.testing.assert_allclose(mirrored[:, :, ::-1], masks, atol=1e-6)


def test_a_large_set_is_read_as_its_images_are():
    pixels, _, boxes = squares(131, seed=0)  # more than are read at a time
    student, _ = trained(pixels, boxes, 3)
    whole = soft_masks(student, pixels)
    for at in (0, 127, 128, 130):
        np.testing.assert_allclose(
            soft_masks(student, pixels[at : at + 1])[0], whole[at], atol=1e-6
        )


def test_rows_are_padded_with_boxes_without_area():
    rows = padded([np.array([[0.0, 0.0, 1.0, 1.0]]), np.zeros((0, 4))])
    assert rows.tolist() == [[[0, 0, 1, 1]], [[0, 0, 0, 0]]]
