"""Images whose boxes are painted over."""

import numpy as np
import pytest

from ganloc.student import paint_over as module
from ganloc.student.paint_over import paint_over

MIDDLE = np.array([[0.25, 0.25, 0.75, 0.75]])  # pixels 8 to 23 of 32, with its margin 7 to 24


@pytest.fixture
def ramp():
    """Red rises from left to right, green from top to bottom; the middle is noise."""
    rise = np.arange(32, dtype=np.uint8) * 7
    pixels = np.zeros((1, 32, 32, 3), np.uint8)
    pixels[..., 0], pixels[..., 1] = rise, rise[:, None]
    pixels[:, 8:24, 8:24] = np.random.default_rng(0).integers(0, 256, (16, 16, 3), np.uint8)
    return pixels


def test_the_margin_is_painted_and_what_is_around_stays(ramp):
    ramp[:, 7:25, 7:25] = 255
    painted = paint_over(ramp, MIDDLE)[0]
    assert (painted[7:25, 7:25] < 255).all()
    ramp[0, 7:25, 7:25] = painted[7:25, 7:25] = 0
    np.testing.assert_array_equal(painted, ramp[0])


def test_a_pixel_is_the_gaussian_mean_of_what_is_around(ramp, monkeypatch):
    monkeypatch.setattr(module, "BLURS", (1 / 8,))
    around = np.ones((32, 32), bool)
    around[7:25, 7:25] = False
    y, x = np.indices((32, 32))
    for row, column in ((12, 12), (10, 16), (16, 22)):
        weight = np.exp(-((y - row) ** 2 + (x - column) ** 2) / (2 * 4.0**2)) * around
        expected = (ramp[0] * weight[..., None]).sum(axis=(0, 1)) / weight.sum()
        np.testing.assert_allclose(paint_over(ramp, MIDDLE)[0, row, column], expected, atol=6)


def test_colours_go_on_over_the_edge_of_the_box(ramp):
    painted = paint_over(ramp, MIDDLE)[0].astype(int)
    across, down = painted[12:20, :, 0], painted[:, 12:20, 1]
    step = 7
    for colours in (across, down.T):
        assert np.abs(np.diff(colours, axis=1)).max() <= 4 * step
        assert colours[:, 8].mean() + 4 * step < colours[:, 23].mean()


@pytest.mark.parametrize("box", [(0.0, 0.0, 0.85, 1.0), (0.0, 0.0, 0.97, 1.0), (0.03, 0.03, 1, 1)])
def test_a_large_box_is_filled_to_its_end(ramp, box):
    ramp[:] = 200
    ramp[:, 3:29, 3:29] = 10
    boxed = np.zeros((32, 32), bool)
    x0, y0, x1, y1 = (round(32 * at) for at in box)
    boxed[y0:y1, x0:x1] = True
    ramp[0][~boxed] = 100
    assert (paint_over(ramp, np.array([box]))[0] == 100).all()


def test_an_image_that_its_box_covers_stays(ramp):
    np.testing.assert_array_equal(paint_over(ramp, np.array([[0.0, 0.0, 1.0, 1.0]])), ramp)


def test_each_image_has_its_own_box(ramp):
    corner = np.array([[0.0, 0.0, 0.25, 0.25]])
    both = paint_over(np.repeat(ramp, 2, axis=0), np.concatenate([MIDDLE, corner]))
    np.testing.assert_array_equal(both[:1], paint_over(ramp, MIDDLE))
    np.testing.assert_array_equal(both[1:], paint_over(ramp, corner))
