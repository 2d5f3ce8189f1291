"""Images whose boxes are painted over."""

import numpy as np
import pytest

from ganloc.student.paint_over import paint_over

MIDDLE = np.array([[0.25, 0.25, 0.75, 0.75]])  # with its margin pixels 7 to 24 of 32


@pytest.fixture
def ramp():
    """From black at the left to light at the right, with noise in the middle."""
    pixels = np.tile(np.arange(32, dtype=np.uint8)[None, None, :, None] * 7, (1, 32, 1, 3))
    random = np.random.default_rng(0)
    pixels[:, 8:24, 8:24] = random.integers(0, 256, (1, 16, 16, 3), np.uint8)
    return pixels


def test_a_box_takes_the_colours_around_it(ramp):
    painted = paint_over(ramp, MIDDLE).astype(int)
    rows = painted[0, 8:24, :, 0]
    assert rows[:, 8].mean() < 100 < 120 < rows[:, 23].mean()  # the ramp has 56 and 161 there
    assert np.abs(np.diff(rows[:, 7:25], axis=1)).max() < 45  # no edge is left of the box


def test_what_is_around_stays(ramp):
    painted = paint_over(ramp, MIDDLE)
    changed = np.zeros((32, 32), bool)
    changed[7:25, 7:25] = True  # the margin is 0.8 pixels: the centres of one more are within
    np.testing.assert_array_equal(painted[0][~changed], ramp[0][~changed])
    assert (painted[0, 9:23, 9:23] != ramp[0, 9:23, 9:23]).any(axis=2).mean() > 0.9


def test_an_image_that_its_box_covers_stays(ramp):
    np.testing.assert_array_equal(paint_over(ramp, np.array([[0.0, 0.0, 1.0, 1.0]])), ramp)


def test_each_image_has_its_own_box(ramp):
    corner = np.array([[0.0, 0.0, 0.25, 0.25]])
    both = paint_over(np.repeat(ramp, 2, axis=0), np.concatenate([MIDDLE, corner]))
    np.testing.assert_array_equal(both[:1], paint_over(ramp, MIDDLE))
    np.testing.assert_array_equal(both[1:], paint_over(ramp, corner))
