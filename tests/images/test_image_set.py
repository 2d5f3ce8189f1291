"""A set of images, and some of them."""

import numpy as np
import pytest

from ganloc.images.image_set import spread_over


@pytest.mark.parametrize(
    ("count", "most", "expected"),
    [(3, 5, [0, 1, 2]), (5, 5, [0, 1, 2, 3, 4]), (6, 5, [0, 2, 4]), (11, 5, [0, 3, 6, 9])],
)
def test_images_evenly_over_a_set(count, most, expected):
    pixels = np.arange(count, dtype=np.uint8)[:, None, None, None].repeat(3, axis=3)
    assert spread_over(pixels, most)[:, 0, 0, 0].tolist() == expected
