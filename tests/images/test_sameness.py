"""Copies and flat images are counted and told of."""

import numpy as np
import pytest

from ganloc.images.image_set import ImageSet
from ganloc.images.sameness import describe_sameness

RANDOM = np.random.default_rng(0)


def images(pixels):
    names = tuple(f"{index}.png" for index in range(len(pixels)))
    return ImageSet(np.asarray(pixels, np.uint8), names, np.full((len(pixels), 2), 8))


def different(count):
    return list(RANDOM.integers(0, 256, (count, 8, 8, 3), np.uint8))


def flat(count):
    return [np.full((8, 8, 3), (index, 0, 9)) for index in range(count)]


@pytest.mark.parametrize(
    ("pixels", "said"),
    [
        (different(1) * 30, "All 30 images are identical: there is nothing to learn from."),
        (flat(7), "All 7 images are of one flat colour each: there is nothing to learn from."),
        (
            flat(1) * 5,
            "All 5 images are identical and of one flat colour: there is nothing to learn from.",
        ),
        (
            [*different(17), *different(1) * 4],
            "3 of 21 images are exact copies of others (such as 18.png of 17.png): they teach "
            "nothing new.",
        ),
        (
            [*flat(2), *different(18)],
            "2 of 20 images are of one flat colour (such as 0.png): they teach nothing new.",
        ),
        (
            [*flat(1) * 2, *different(8)],
            "1 of 10 images are exact copies of others (such as 1.png of 0.png), and 2 of 10 "
            "images are of one flat colour (such as 0.png): they teach nothing new.",
        ),
        (different(40), ""),
        ([*different(99), *flat(2)], ""),  # 2 of 101 are not worth a line
        (different(1), ""),
    ],
)
def test_what_is_said_of_alike_images(pixels, said):
    assert describe_sameness(images(pixels)) == said


def test_an_image_that_differs_in_one_value_is_no_copy():
    one, other = different(1) * 2
    other = other.copy()
    other[3, 4, 1] ^= 1
    assert describe_sameness(images([one, other])) == ""
