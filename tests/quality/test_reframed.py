"""Random crops of images: what they keep, and that pixels and boxes stay together."""

import numpy as np
import pytest
import sets
from reframed import KEPT, SMALLEST, draw_crop, reframed

from ganloc.errors import UserError
from ganloc.images.image_set import ImageSet
from ganloc.images.synthetic import draw_images
from ganloc.images.tiny_imagenet import SETS
from tiny_archives import make_tiny_imagenet


def bright(count=40, size=64):
    """Dark images of 128 × 64 pixels with one bright box in the middle, as they are squeezed."""
    pixels = np.zeros((count, size, size, 3), np.uint8)
    pixels[:, 16:48, 16:48] = 255
    truth = (np.array([[32.0, 16.0, 96.0, 48.0]]),) * count
    return ImageSet(pixels, tuple(map(str, range(count))), np.full((count, 2), [128, 64]), truth)


def test_boxes_stay_on_what_they_were_around():
    found = reframed(bright(), seed=0)
    assert found.truth is not None
    for pixels, size, (box,) in zip(found.pixels, found.sizes, found.truth, strict=True):
        x0, y0, x1, y1 = (box / np.tile(size, 2) * 64).round().astype(int)
        inside = np.zeros((64, 64), bool)
        inside[y0:y1, x0:x1] = True
        lit = pixels[..., 0] > 127
        assert (lit == inside).mean() > 0.97


def test_crops_keep_most_of_the_object_and_move_it_off_the_middle():
    found = reframed(bright(300), seed=0)
    assert found.truth is not None
    boxes = np.concatenate(found.truth)
    areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    assert areas.min() >= KEPT * 64 * 32
    assert areas.min() < 0.9 * 64 * 32  # and no more than that is asked
    assert (found.sizes <= [128, 64]).all()
    assert found.sizes.min() >= SMALLEST * 64 - 1
    middle = (boxes[:, :2] + boxes[:, 2:]) / 2.0 / found.sizes
    assert middle.std(axis=0).min() > 0.05  # of a side; before, all were in the middle
    assert len({tuple(size) for size in found.sizes}) > 20


def test_an_image_that_no_crop_suits_stays_whole():
    boxes = np.array([[0.0, 0.0, 40.0, 30.0]])
    random = np.random.default_rng(0)
    crops = np.stack([draw_crop(np.array([40, 30]), boxes, random) for _ in range(50)])
    kept = (crops[:, 2] - crops[:, 0]) * (crops[:, 3] - crops[:, 1])
    assert kept.min() >= KEPT * 40 * 30
    whole = draw_crop(np.array([40, 30]), boxes, random, tries=0)
    np.testing.assert_array_equal(whole, [0, 0, 40, 30])


def test_an_image_without_a_box_may_be_cut_anywhere_and_the_seed_decides():
    drawn = draw_images(6, 32, seed=0)
    without = ImageSet(drawn.pixels, drawn.names, drawn.sizes, (np.empty((0, 4)),) * 6)
    first, again, other = (reframed(without, seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first.pixels, again.pixels)
    assert not np.array_equal(first.pixels, other.pixels)
    assert first.truth is not None
    assert all(len(own) == 0 for own in first.truth)


def test_a_set_is_reframed_by_its_name(tmp_path):
    archive = make_tiny_imagenet(tmp_path / "tiny.zip", SETS["bear"], train=3, val=2)
    train, test = sets.load_set("bear+reframed", 32, archive, {})
    whole, same = sets.load_set("bear", 32, archive, {})
    assert train is not None
    assert whole is not None
    np.testing.assert_array_equal(test.pixels, reframed(same, seed=1).pixels)
    np.testing.assert_array_equal(train.pixels, reframed(whole, seed=0).pixels)
    assert train.source == "bear+reframed"
    with pytest.raises(UserError, match="paper's six"):
        sets.refuse_exam("bird+reframed")
    sets.refuse_exam("bear+reframed")
