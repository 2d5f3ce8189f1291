"""Boxes that cannot be true of their image: refused, dropped or clipped, and told of."""

from pathlib import Path

import numpy as np
import pytest

from ganloc.errors import UserError
from ganloc.images.possible_boxes import possible_boxes

PATH = Path("truth.json")


def check(*bboxes, size=(100, 80)):
    """The kept boxes, as corners, and what was told; each box is in an image of its own."""
    names = [f"{number}.jpg" for number in range(len(bboxes))]
    sizes = np.array([size] * len(bboxes))
    kept, boxes, told = possible_boxes(PATH, names, sizes, np.array(bboxes, dtype=float))
    return boxes[kept].tolist(), told


def test_possible_boxes_stay_as_they_are():
    boxes = [[0, 0, 100, 80], [5.25, 6, 1, 0.5], [1, 0, 1, 1], [99, 79, 1, 1]]
    assert check(*boxes) == (
        [[0, 0, 100, 80], [5.25, 6, 6.25, 6.5], [1, 0, 2, 1], [99, 79, 100, 80]],
        [],
    )
    assert check([10, 20, 30 + 1e-9, 60.01])[1] == []  # rounding


@pytest.mark.parametrize(
    "box", [[0.1, 0.1, 0.5, 0.5], [0, 0, 1, 1], [0.5, 0.5, 1.0, 0.9], [0.2, 0.3, 0.9, 0.95]]
)
def test_fractions_are_refused(box):
    message = r"^truth\.json .* like fractions of the image \(1 of 2, in 1\.jpg\): .* pixels\.$"
    with pytest.raises(UserError, match=message):
        check([30, 30, 20, 20], box)


def test_images_of_a_pixel_or_two_have_such_boxes():
    assert check([0, 0, 1, 1], size=(2, 2)) == ([[0, 0, 1, 1]], [])


@pytest.mark.parametrize(
    "box", [[60, 40, 95, 75], [50, 5, 70, 30], [5, 50, 30, 70], [60, 40, 100, 80]]
)
def test_corners_are_refused(box):
    message = r"like two corners \(1 of 2, in 1\.jpg\): write them as x, y, width and height"
    with pytest.raises(UserError, match=message):
        check([20, 30, 40, 50], box)


def test_one_box_far_out_among_sides_is_clipped():
    """No more than a third could be corners, so the file has sides."""
    sides = [[50, 40, 20, 10], [60, 30, 20, 10]]
    boxes, told = check(*sides, [60, 40, 95, 75])
    assert boxes[2] == [60, 40, 100, 80]
    assert told == ["1 box reaching out of the image clipped (2.jpg)"]


@pytest.mark.parametrize(
    ("box", "clipped"),
    [
        ([-10, -10, 60, 60], [0, 0, 50, 50]),
        ([80, 60, 40, 40], [80, 60, 100, 80]),
        ([20, 10, 85, 50], [20, 10, 100, 60]),  # 5 % too wide
        ([-5, -5, 110, 90], [0, 0, 100, 80]),
    ],
)
def test_boxes_that_reach_out_are_clipped(box, clipped):
    assert check(box) == ([clipped], ["1 box reaching out of the image clipped (0.jpg)"])


@pytest.mark.parametrize(
    "box", [[150, 90, 30, 30], [-40, 10, 40, 20], [100, 10, 5, 5], [10, -9, 20, 9], [900, 9, 9, 9]]
)
def test_boxes_wholly_outside_are_dropped(box):
    assert check(box) == ([], ["1 box outside the image left out (0.jpg)"])


@pytest.mark.parametrize("box", [[10, 10, 0, 5], [10, 10, 5, 0], [0, 0, 0, 0], [500, 9, 0, 9]])
def test_boxes_of_no_area_are_dropped(box):
    boxes, told = check(*[box] * 5, [10, 10, 5, 5])
    assert boxes == [[10, 10, 15, 15]]
    assert told == ["5 boxes of no area left out (0.jpg, 1.jpg, 2.jpg, …)"]


def test_boxes_of_a_much_larger_image_are_refused():
    with pytest.raises(UserError, match=r"too large for their images \(1 of 1, in 0\.jpg\)"):
        check([10, 10, 950, 750])


def test_boxes_in_percent_are_wondered_at():
    """Ten boxes, none of which leaves the upper left quarter of an image of 640 × 480."""
    boxes = [[n, 2 * n, 50, 60] for n in range(5, 15)]
    assert len(check(*boxes, size=(640, 480))[1]) == 1
    assert "percentages" in check(*boxes, size=(640, 480))[1][0]
    assert check(*boxes[1:], size=(640, 480))[1] == []
    assert check(*boxes, [300, 10, 50, 60], size=(640, 480))[1] == []


def test_no_boxes():
    kept, boxes, told = possible_boxes(PATH, [], np.zeros((0, 2), int), np.zeros((0, 4)))
    assert (len(kept), boxes.shape, told) == (0, (0, 4), [])
