"""Masks at the resolution of files, by hand and against bilinear resizing by PyTorch."""

import numpy as np
import pytest
import torch
from torch.nn.functional import interpolate

from ganloc.box.soft_mask import SoftMask


def resized(values, width, height):
    stack = torch.from_numpy(values)[None, None]
    return interpolate(stack, size=(height, width), mode="bilinear")[0, 0].numpy()


@pytest.mark.parametrize("size", [(640, 480), (37, 211), (8, 8), (5, 3), (1, 1)])
def test_a_mask_is_the_soft_one_resized_and_cut(size):
    values = np.random.default_rng(0).random((8, 8)).astype(np.float32)
    expected = resized(values, *size)
    mask = SoftMask(values, 0.6).at(*size)
    assert mask.shape == size[::-1]
    clear = abs(expected - 0.6) > 1e-5
    np.testing.assert_array_equal(mask[clear], expected[clear] > 0.6)


def test_only_the_object_of_its_number_is_in_the_mask():
    values = np.zeros((8, 8), np.float32)
    labels = np.zeros((8, 8), np.int16)
    values[1:3, 1:3], labels[1:3, 1:3] = 1.0, 1
    values[5:7, 4:8], labels[5:7, 4:8] = 1.0, 2
    both = SoftMask(values, 0.5).at(80, 40)
    first, second = (SoftMask(values, 0.5, labels, number).at(80, 40) for number in (1, 2))
    np.testing.assert_array_equal(first | second, both)
    assert not (first & second).any()
    # Of ten by five pixels a cell, values are above a half up to the edges of cells, but for the
    # corners.
    assert first[5:15, 15:25].all()
    assert first[8:12, 10:30].all()
    rows, columns = np.nonzero(first)
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (5, 14, 10, 29)


def test_objects_that_touch_share_their_border_without_gap_or_overlap():
    values = np.full((4, 8), 0.9, np.float32)
    labels = np.ones((4, 8), np.int16)
    labels[:, 4:] = 2
    left, right = (SoftMask(values, 0.5, labels, number).at(64, 12) for number in (1, 2))
    expected = np.zeros((12, 64), bool)
    expected[:, :32] = True
    np.testing.assert_array_equal(left, expected)
    np.testing.assert_array_equal(right, ~expected)


def test_a_grid_may_cover_a_part_of_the_image():
    # Whole cells: pixels 10 to 50 and 10 to 20 of 100 × 40, of which the right half is above.
    values = np.array([[0.0, 0.0, 1.0, 1.0]])
    mask = SoftMask(values, 0.5, region=(0.1, 0.25, 0.5, 0.5)).at(100, 40)
    expected = np.zeros((40, 100), bool)
    expected[10:20, 30:50] = True
    np.testing.assert_array_equal(mask, expected)


@pytest.mark.parametrize("size", [(640, 480), (9, 100), (3, 2)])
def test_the_window_holds_the_whole_mask_and_is_not_far_larger(size):
    values = np.zeros((16, 16), np.float32)
    values[4:7, 9:12] = 1.0
    top, left, window = SoftMask(values, 0.6).window(*size)
    expected = resized(values, *size) > 0.6
    own = np.zeros_like(expected)
    own[top : top + window.shape[0], left : left + window.shape[1]] = window
    np.testing.assert_array_equal(own, expected)
    assert window.size <= (7 / 16) ** 2 * size[0] * size[1] + sum(size) + 1


def test_nothing_above_the_level_is_an_empty_mask():
    mask = SoftMask(np.full((4, 4), 0.3), 0.5)
    assert not mask.at(7, 5).any()
    assert mask.window(7, 5)[2].size == 0
