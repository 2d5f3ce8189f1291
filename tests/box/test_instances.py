"""The objects of a mask: components, necks, and what is too small."""

import numpy as np
import pytest
from scipy import ndimage

from ganloc.box.from_heatmap import largest_boxes
from ganloc.box.instances import find_instances, split_at_necks


def discs(*circles, shape=(64, 64)):
    """A mask of circles of x, y and radius, in pixels."""
    y, x = np.indices(shape) + 0.5
    return np.any([(x - a) ** 2 + (y - b) ** 2 <= r**2 for a, b, r in circles], axis=0)


def found(masks, several=True):
    masks = np.atleast_3d(masks) if masks.ndim == 3 else masks[None]
    return find_instances(masks, masks.astype(float), np.full(len(masks), 0.5), several)


def test_one_object_an_image_is_the_component_of_the_largest_box():
    masks = np.random.default_rng(0).random((7, 16, 16)) < 0.4
    one = found(masks, several=False)
    np.testing.assert_array_equal(one.image, np.arange(7))
    np.testing.assert_array_equal(one.boxes * 16, largest_boxes(masks))
    for mask, box, own in zip(masks, one.boxes * 16, one.masks, strict=True):
        labels, _ = ndimage.label(mask, np.ones((3, 3)))
        pixels = own.at(16, 16)
        assert len(set(labels[pixels])) == 1  # a whole component and nothing else
        assert (labels == labels[pixels][0]).sum() == pixels.sum()
        rows, columns = np.nonzero(pixels)
        ends = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
        np.testing.assert_array_equal(ends, box)


def test_all_objects_come_image_by_image_the_largest_first():
    masks = np.stack([discs((20, 20, 6), (45, 45, 9)), discs((30, 30, 10))])
    every = found(masks)
    assert every.image.tolist() == [0, 0, 1]
    expected = [[36, 36, 54, 54], [14, 14, 26, 26], [20, 20, 40, 40]]
    np.testing.assert_array_equal(every.boxes * 64, expected)
    for mask, own in zip([masks[0], masks[0], masks[1]], every.masks, strict=True):
        assert (own.at(64, 64) <= mask).all()
    areas = [own.at(64, 64).sum() for own in every.masks]
    assert areas == [discs((45, 45, 9)).sum(), discs((20, 20, 6)).sum(), masks[1].sum()]


@pytest.mark.parametrize(("radius", "count"), [(2, 1), (4, 2)])
def test_what_is_far_smaller_than_the_largest_is_left_out(radius, count):
    # Areas of 2² and 4² to 10²: 0.04 and 0.16.
    assert len(found(discs((20, 20, 10), (50, 50, radius))).image) == count


@pytest.mark.parametrize("apart", [17, 18, 20])
def test_touching_discs_are_cut_where_they_touch(apart):
    # Circles of radius 10: the neck is √(100 − (apart / 2)²) ≤ 5.3 wide on either side.
    left, right = 32 - apart / 2, 32 + apart / 2
    every = found(discs((left, 32, 10), (right, 32, 10)))
    assert len(every.image) == 2
    boxes = np.sort(every.boxes[:, ::2] * 64, axis=0)
    np.testing.assert_allclose(boxes, [[left - 10, 32], [32, right + 10]], atol=1.0)
    one, other = (mask.at(64, 64) for mask in every.masks)
    np.testing.assert_array_equal(one ^ other, discs((left, 32, 10), (right, 32, 10)))


def test_one_thing_is_not_cut_in_two():
    body, head = (28, 32, 12), (41, 22, 6)
    thin = np.zeros((64, 64), bool)
    thin[31:33, 10:50] = True
    bent = np.zeros((64, 64), bool)
    bent[10:50, 10:20] = bent[40:50, 10:50] = True
    for mask in (
        discs((32, 32, 15)),
        discs((26, 32, 10), (38, 32, 10)),  # a peanut, its neck at 0.8 of its width
        discs(body, head),  # a head is much narrower than its body
        thin,
        bent,
        np.ones((64, 64), bool),
        np.eye(64, dtype=bool),
    ):
        assert len(found(mask).image) == 1


def test_what_the_frame_cuts_is_not_narrow_there():
    # Two halves of discs at the frame, each as wide there as a disc.
    mask = discs((10, 0, 9), (27, 0, 9))
    assert len(found(mask).image) == 2
    assert len(found(discs((20, 0, 12))).image) == 1


def test_three_in_a_row_are_three_whatever_their_order():
    mask = discs((12, 32, 9), (29, 32, 9), (46, 32, 9))
    assert split_at_necks(mask).max() == 3
    assert split_at_necks(mask.T).max() == 3
    parts = split_at_necks(mask)
    np.testing.assert_array_equal(parts > 0, mask)
    assert np.bincount(parts.ravel())[1:].min() > 0.8 * discs((30, 30, 9)).sum()


@pytest.mark.parametrize("several", [False, True])
def test_no_images_have_no_objects(several):
    nothing = np.zeros((0, 8, 8))
    found = find_instances(nothing > 0, nothing, np.zeros(0), several)
    assert (len(found.image), found.boxes.shape, found.masks) == (0, (0, 4), ())
