"""Hits as text: which images, at which threshold."""

import numpy as np

from ganloc.metrics.hits import packed, unpacked


def test_eight_images_are_two_digits_the_first_highest():
    ious = np.array([0.9, 0.5, 0.51, 0.0, 0.0, 0.0, 0.0, 0.7, 0.71])  # strictly above counts
    assert packed(ious) == {"0.5": "a180", "0.7": "8080"}
    expected = [True, False, True, False, False, False, False, True, True]
    assert unpacked(packed(ious), 0.5, 9).tolist() == expected
    assert unpacked(packed(ious), 0.7, 9).tolist() == [True, *[False] * 7, True]


def test_any_number_of_images_comes_back():
    random = np.random.default_rng(0)
    for count in (1, 7, 8, 17):
        ious = random.random(count)
        np.testing.assert_array_equal(unpacked(packed(ious), 0.7, count), ious > 0.7)
