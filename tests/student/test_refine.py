"""Looking again: where, how often, and that boxes come back to the image."""

import numpy as np
import pytest

from ganloc.student import refine as module
from ganloc.student.refine import LOOKS, MARGIN, refine_boxes, surroundings
from ganloc.student.unet import UNet

STUDENT = UNet(32, 1)


@pytest.fixture
def upper_left(monkeypatch):
    """Every look finds the upper left quarter of what it is shown."""

    def student_boxes(student, pixels):
        return np.tile([0.0, 0.0, 0.5, 0.5], (len(pixels), 1))

    monkeypatch.setattr(module, "student_boxes", student_boxes)


def looks(seen):
    def crop_reader(indices, parts):
        seen.append((indices.tolist(), parts.copy()))
        return np.zeros((len(indices), 32, 32, 3), np.uint8)

    return crop_reader


def test_surroundings_are_one_and_a_half_times_as_wide_and_stay_in_the_image():
    assert MARGIN == 1.5
    boxes = np.array([[0.4, 0.4, 0.6, 0.8], [0.0, 0.7, 0.2, 1.0], [0.1, 0.0, 0.9, 1.0]])
    np.testing.assert_allclose(
        surroundings(boxes),
        [
            [0.35, 0.3, 0.65, 0.9],
            [0.0, 0.55, 0.3, 1.0],  # moved, not cut
            [0.0, 0.0, 1.0, 1.0],  # no larger than the image
        ],
    )


def test_boxes_within_what_is_shown_come_back_to_the_image(upper_left):
    seen = []
    found = refine_boxes(
        STUDENT, np.array([[0.4, 0.4, 0.6, 0.8]]), np.array([[90, 40]]), looks(seen)
    )
    first = np.array([0.35, 0.3, 0.65, 0.9])
    np.testing.assert_allclose(seen[0][1], [first])
    # Around the quarter found in it, [0.35, 0.3, 0.5, 0.6], sides half as long again.
    np.testing.assert_allclose(seen[1][1], [[0.3125, 0.225, 0.5375, 0.675]])
    np.testing.assert_allclose(found, [[0.3125, 0.225, 0.425, 0.45]])
    assert len(seen) == LOOKS == 2


def test_what_is_no_larger_than_the_network_keeps_its_box(upper_left):
    seen = []
    boxes = np.tile([0.2, 0.2, 0.6, 0.6], (3, 1))
    found = refine_boxes(STUDENT, boxes, np.array([[32, 32], [10, 33], [20, 8]]), looks(seen))
    assert [indices for indices, _ in seen] == [[1], [1]]
    np.testing.assert_array_equal(found[[0, 2]], boxes[[0, 2]])
    assert not np.array_equal(found[1], boxes[1])
    np.testing.assert_array_equal(boxes, np.tile([0.2, 0.2, 0.6, 0.6], (3, 1)))  # untouched


def test_what_has_been_seen_whole_is_not_looked_at_again(upper_left):
    seen = []
    boxes = np.array([[0.1, 0.0, 0.9, 1.0], [0.4, 0.4, 0.6, 0.8], [0.0, 0.2, 1.0, 0.9]])
    found = refine_boxes(STUDENT, boxes, np.full((3, 2), 64), looks(seen))
    assert [indices for indices, _ in seen] == [[1], [1]]
    np.testing.assert_array_equal(found[[0, 2]], boxes[[0, 2]])
    assert not np.array_equal(found[1], boxes[1])
    refine_boxes(STUDENT, boxes[:1], np.full((1, 2), 64), looks(seen))
    assert len(seen) == 2


def test_many_are_looked_at_some_at_a_time(upper_left, monkeypatch):
    monkeypatch.setattr(module, "STACK", 2)
    random = np.random.default_rng(0)
    low = random.uniform(0.0, 0.5, (5, 2))
    boxes, sizes = np.concatenate([low, low + 0.3], axis=1), np.full((5, 2), 64)
    seen = []
    parts = refine_boxes(STUDENT, boxes, sizes, looks(seen))
    assert [indices for indices, _ in seen] == [[0, 1], [0, 1], [2, 3], [2, 3], [4], [4]]
    monkeypatch.setattr(module, "STACK", 512)
    np.testing.assert_array_equal(refine_boxes(STUDENT, boxes, sizes, looks([])), parts)
