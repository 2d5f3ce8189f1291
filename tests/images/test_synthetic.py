"""The embedded set: reproducible, truly boxed, not to be solved by a constant box or a colour."""

import numpy as np
import pytest

from ganloc.images import synthetic
from ganloc.images.source import load_images
from ganloc.images.synthetic import draw_images

SIZE = 32


@pytest.fixture(scope="module")
def drawn():
    """The test images."""
    return load_images("embedded", SIZE, "test")


@pytest.fixture(scope="module")
def boxes(drawn):
    return np.concatenate(drawn.truth)


@pytest.fixture(scope="module")
def bare(drawn):
    """The same rosettes in white on black: how bright each pixel is, 0–1."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(synthetic, "background", lambda _rng, x, _y: np.zeros((*x.shape, 3)))
        patch.setattr(synthetic, "random_colour", lambda _rng: np.ones(3))
        images = draw_images(len(drawn), SIZE, seed=2)
    np.testing.assert_array_equal(np.concatenate(images.truth), np.concatenate(drawn.truth))
    return images.pixels.mean(axis=3) / 255


def test_the_test_images_are_500_of_their_own_seed(drawn):
    assert len(drawn) == 500
    np.testing.assert_array_equal(drawn.pixels[:3], draw_images(3, SIZE, seed=2).pixels)
    assert not np.array_equal(drawn.pixels[:3], draw_images(3, SIZE, seed=0).pixels)


def test_equal_seeds_draw_equal_images():
    first, again, other = (draw_images(4, 64, seed) for seed in (7, 7, 8))
    np.testing.assert_array_equal(first.pixels, again.pixels)
    np.testing.assert_array_equal(np.stack(first.truth), np.stack(again.truth))
    assert (first.pixels != other.pixels).mean() > 0.5
    assert not np.array_equal(np.stack(first.truth), np.stack(other.truth))
    assert len({image.tobytes() for image in first.pixels}) == 4


def test_a_longer_set_starts_with_the_shorter_one():
    np.testing.assert_array_equal(
        draw_images(5, SIZE, seed=2).pixels[:2], draw_images(2, SIZE, seed=2).pixels
    )


@pytest.mark.parametrize("size", [32, 64, 128, 256])
def test_what_is_drawn(size):
    images = draw_images(3, size, seed=0)
    assert images.pixels.shape == (3, size, size, 3)
    assert images.pixels.dtype == np.uint8
    assert images.sizes.tolist() == [[size, size]] * 3
    assert len(set(images.names)) == 3
    assert [box.shape for box in images.truth] == [(1, 4)] * 3
    assert images.skipped == ()


def test_the_same_object_at_every_size():
    small, large = (np.concatenate(draw_images(3, size, seed=5).truth) for size in (32, 128))
    np.testing.assert_allclose(small * 4, large, rtol=1e-9)


def test_objects_lie_within_and_take_30_to_70_percent(boxes):
    assert boxes.min() >= 0.0
    assert boxes.max() <= SIZE
    sides = (boxes[:, 2:] - boxes[:, :2]) / SIZE
    longer = sides.max(axis=1)
    assert longer.min() >= 0.3
    assert longer.max() <= 0.7
    assert abs(longer.mean() - 0.5) < 0.025  # uniform: a standard error of 0.115 / √500 = 0.005
    assert sides.min() > 0.1
    assert (sides[:, 0] > sides[:, 1]).mean() == pytest.approx(0.5, abs=0.1)


def test_boxes_are_tight(boxes, bare):
    # A ninth of a pixel is the least that is drawn; the noise of a mean of three channels is 0.012.
    extents = []
    for image in bare:
        rows, columns = np.nonzero(image > 0.08)
        extents.append([columns.min(), rows.min(), columns.max() + 1, rows.max() + 1])
    off = np.array(extents) - boxes
    assert np.abs(off).max() < 1.0
    # Whole pixels stick out by up to one, as far on the left and top as on the right and bottom.
    assert (np.abs(off.mean(axis=0)) < 0.5).all()
    assert np.abs(off[:, :2].mean(axis=0) + off[:, 2:].mean(axis=0)).max() < 0.1


def test_objects_fill_a_good_part_of_their_boxes(boxes, bare):
    filled = bare.sum(axis=(1, 2)) / (boxes[:, 2:] - boxes[:, :2]).prod(axis=1)
    assert filled.min() > 0.4
    assert filled.max() < 0.9


def hits(spans_x, spans_y, boxes):
    """Share of `boxes` that each box spans_x × spans_y hits with IoU > ½, in percent."""
    shared_x, shared_y = (
        np.clip(
            np.minimum(spans[:, 1:], boxes[:, axis + 2]) - np.maximum(spans[:, :1], boxes[:, axis]),
            0.0,
            None,
        )
        for axis, spans in enumerate((spans_x, spans_y))
    )
    areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    heights = spans_y[:, 1:] - spans_y[:, :1]
    table = []
    for (left, right), wide in zip(spans_x, shared_x, strict=True):
        shared = wide * shared_y
        # IoU > ½ ⇔ 3 · shared > area + area, without a division.
        table.append((3.0 * shared > (right - left) * heights + areas).mean(axis=1))
    return 100.0 * np.array(table)


def test_no_constant_box_does_well(boxes):
    edges = np.linspace(0.0, SIZE, 17)  # every sixteenth
    spans = np.array([(a, b) for a in edges for b in edges if a < b])
    best = hits(spans, spans, boxes).max()
    assert 5.0 < best <= 40.0  # some box does hit some objects
    whole = np.array([[0.0, SIZE]])
    assert hits(whole, whole, boxes).item() <= 5.0


def test_no_colour_gives_the_object_away(drawn, bare):
    colours = drawn.pixels / 255
    inside, outside = colours[bare > 0.9], colours[bare < 0.08]
    assert len(inside) > 50_000
    assert len(outside) > 200_000
    # Standard error of a mean over 500 images: 0.18 / √500 = 0.008. Objects that were always red
    # would be off by up to 0.45.
    np.testing.assert_allclose(inside.mean(axis=0), outside.mean(axis=0), atol=0.035)
    np.testing.assert_allclose(inside.std(axis=0), outside.std(axis=0), atol=0.03)
    greyness = [np.ptp(part, axis=1).mean() for part in (inside, outside)]
    assert greyness[0] == pytest.approx(greyness[1], abs=0.03)
