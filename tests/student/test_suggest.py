"""Which images are suggested."""

import dataclasses

import numpy as np
import pytest
import torch

from ganloc.errors import UserError
from ganloc.images.image_set import ImageSet
from ganloc.student.suggest import farthest, suggest
from ganloc.student.train_student import new_student

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def student():
    return new_student(32, 4, 0, CPU).eval().requires_grad_(False)


def kinds(counts):
    """Images of several colours, so many of each."""
    random = np.random.default_rng(0)
    colours = [(220, 30, 30), (30, 220, 30), (30, 30, 220), (220, 220, 30)]
    pixels = np.concatenate(
        [
            np.array(colour) + random.integers(-8, 9, (count, 32, 32, 3))
            for colour, count in zip(colours, counts, strict=False)
        ]
    ).astype(np.uint8)
    names = tuple(f"{index:03}.png" for index in range(len(pixels)))
    return ImageSet(pixels, names, np.full((len(pixels), 2), 32)), np.repeat(
        np.arange(len(counts)), counts
    )


def test_every_kind_of_image_is_suggested_once(student):
    images, kind = kinds([20, 9, 5, 2])
    assert sorted(kind[suggest(student, images, 4)].tolist()) == [0, 1, 2, 3]


def test_kinds_that_have_a_hint_are_not_suggested_again(student):
    images, kind = kinds([20, 9, 5])
    for known in (3, 25, 31):
        found = suggest(student, images, 2, hinted=[images.names[known]])
        assert sorted({*kind[found].tolist(), kind[known]}) == [0, 1, 2]


def test_the_first_image_is_in_the_middle(student):
    images, _ = kinds([12])
    pixels = images.pixels.copy()
    pixels[5] = np.random.default_rng(1).integers(0, 256, pixels[5].shape)
    found = suggest(student, dataclasses.replace(images, pixels=pixels), 2)
    assert found[0] != 5
    assert found[1] == 5  # the farthest


def test_the_first_few_of_many_are_the_few(student):
    images, _ = kinds([20, 9, 5])
    assert suggest(student, images, 9)[:4] == suggest(student, images, 4)


def test_no_more_than_there_are_and_none_twice(student):
    images, _ = kinds([3])
    same = dataclasses.replace(images, pixels=images.pixels[[0, 0, 0]])
    for each in (images, same):
        assert sorted(suggest(student, each, 10)) == [0, 1, 2]
        assert sorted(suggest(student, each, 10, hinted=[each.names[1]])) == [0, 2]


def test_farthest_first_by_hand():
    places = np.array([[0.0, 0.0], [3.0, 4.0], [3.0, 3.0], [9.0, 0.0]])
    # The mean is (3.75, 1.75). Distances from (3, 3): 4.2, 1, 0, 6.7; then 4.2, 1, 0, 0.
    assert farthest(places, chosen=(), count=4) == [2, 3, 0, 1]
    assert farthest(places, chosen=[0], count=2) == [3, 1]  # 5 and 4.2 from the origin


@pytest.mark.parametrize("count", [0, -1])
def test_a_count_that_is_none(count, student):
    images, _ = kinds([3])
    with pytest.raises(UserError, match="count is"):
        suggest(student, images, count)
