"""Views against places worked out by hand, and how views are spread."""

import numpy as np
import pytest
import torch

from ganloc.student.random_views import CLOSEST, STRETCH, WIDEST, Views, filled_boxes


def views(width=1.0, height=1.0, x=0.0, y=0.0):
    return Views(torch.tensor([[[width, 0.0, x], [0.0, height, y]]]))


def drawn(count=4000, seed=0):
    return Views.draw(count, torch.Generator().manual_seed(seed)).maps.numpy()


IMAGE = torch.arange(64.0).reshape(1, 1, 8, 8)


def test_the_whole_image_is_the_image():
    torch.testing.assert_close(views().of(IMAGE), IMAGE)


def test_a_view_in_the_mirror():
    torch.testing.assert_close(views(width=-1.0).of(IMAGE), IMAGE.flip(3))


def test_a_closer_view_shows_the_places_between():
    # Half as wide and high, its middle ¼ of half a side to the right: column j lies at 2.75 + j/2,
    # row i at 1.75 + i/2, and the image's value is 8 · row + column.
    found = views(0.5, 0.5, 0.25).of(IMAGE)[0, 0]
    steps = torch.arange(8.0) / 2.0
    torch.testing.assert_close(found, 8.0 * (1.75 + steps)[:, None] + 2.75 + steps)


def test_beyond_the_image_is_its_reflection():
    found = views(width=2.0).of(IMAGE)[0, 0, 0].numpy()
    # Twice as wide: the outer quarters of the view mirror what lies beside them.
    np.testing.assert_allclose(found[:2], found[2:4][::-1], atol=1e-5)
    np.testing.assert_allclose(found[-2:], found[-4:-2][::-1], atol=1e-5)


def test_sides_lie_within_bounds_and_are_the_image_s_on_average():
    maps = drawn()
    width, height = np.abs(maps[:, 0, 0]), maps[:, 1, 1]
    side = np.sqrt(width * height)
    assert CLOSEST <= side.min() < CLOSEST + 0.01
    assert WIDEST - 0.01 < side.max() <= WIDEST + 1e-5
    assert np.log(side).mean() == pytest.approx(0.0, abs=0.03)
    assert np.abs(np.log(width / height)).max() == pytest.approx(2.0 * STRETCH, abs=0.01)
    assert (maps[:, 0, 0] < 0.0).mean() == pytest.approx(0.5, abs=0.03)


def test_a_smaller_view_lies_in_the_image_and_a_larger_one_holds_it():
    maps = drawn()
    for axis in (0, 1):
        half, middle = np.abs(maps[:, axis, axis]), maps[:, axis, 2]
        assert (np.abs(middle) <= np.abs(1.0 - half) + 1e-6).all()
    smaller = np.abs(maps[:, 0, 0]) < 0.8
    assert np.abs(maps[smaller, 0, 2]).max() > 0.15  # and anywhere within it


def test_views_follow_their_random_stream():
    assert np.array_equal(drawn(5), drawn(5))
    assert not np.array_equal(drawn(5), drawn(5, seed=1))


def test_a_filled_box_holds_the_pixels_whose_middles_it_holds():
    boxes = torch.tensor([[0.25, 0.0, 0.75, 0.5], [0.0, 0.0, 1.0, 1.0], [0.3, 0.3, 0.3, 0.9]])
    masks = filled_boxes(boxes, 4)
    expected = torch.zeros(4, 4)
    expected[:2, 1:3] = 1.0  # middles at ⅛, ⅜, ⅝, ⅞
    torch.testing.assert_close(masks[0], expected)
    assert (masks[1].mean().item(), masks[2].sum().item()) == (1.0, 0.0)
