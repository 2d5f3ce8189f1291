"""Own colours: the likelihood ratio of each colour, and when colours tell nothing."""

import numpy as np

from ganloc.heatmap.own_colours import LEAST, SMOOTHING, overlap, sharpen


def test_an_image_of_one_colour_leaves_the_mask_as_it_is():
    image = np.full((1, 16, 16, 3), 99, np.uint8)
    mask = np.random.default_rng(0).uniform(0.1, 0.9, (1, 16, 16))
    np.testing.assert_allclose(sharpen(image, mask), mask, atol=1e-4)
    np.testing.assert_allclose(overlap(image, mask), 1.0, atol=1e-6)


def test_a_part_that_the_mask_missed_comes_in_by_its_colour():
    image = np.zeros((1, 32, 32, 3), np.uint8)
    image[:, 8:24, 4:28] = [240, 200, 20]
    mask = np.full((1, 32, 32), LEAST)
    mask[:, 8:24, 4:16] = 0.95  # the left half
    mask[:, 8:24, 16:28] = 0.3
    before, after = mask > 0.5, sharpen(image, mask) > 0.5
    assert before[0, 16, 4:28].sum() == 12
    assert after[0, 16, 4:28].sum() >= 23  # smoothing may take a column at the edge
    edge = round(3 * SMOOTHING)
    assert not after[0, :, : 4 - edge].any()
    assert not after[0, : 8 - edge].any()


def test_each_image_has_colours_of_its_own():
    random = np.random.default_rng(1)
    images = random.integers(0, 256, (3, 16, 16, 3), np.uint8)
    masks = random.uniform(0.0, 1.0, (3, 16, 16))
    together = sharpen(images, masks)
    for index in range(3):
        alone = sharpen(images[index : index + 1], masks[index : index + 1])
        np.testing.assert_allclose(together[index], alone[0], atol=1e-5)


def test_overlap_by_hand():
    """Inside: red 3/4, black 1/4; outside: red 1/4, black 3/4; 2 √(3/16) = 0.866."""
    image = np.zeros((1, 8, 8, 3), np.uint8)
    image[:, :6, :4, 0] = image[:, 6:, 4:, 0] = 255
    mask = np.zeros((1, 8, 8))
    mask[:, :, :4] = 1.0
    np.testing.assert_allclose(overlap(image, mask), 2 * np.sqrt(3 / 16), atol=1e-3)


def test_a_mask_that_leaves_nothing_outside_has_nothing_to_be_told_from():
    image = np.zeros((1, 32, 32, 3), np.uint8)
    image[:, :16] = 255
    mask = np.zeros((1, 32, 32))
    assert overlap(image, mask) == overlap(image, 1.0 - mask) == 1.0
    mask[:, :16] = 1.0
    assert overlap(image, mask) < 0.01
