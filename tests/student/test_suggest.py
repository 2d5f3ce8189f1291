"""Which images are suggested."""

import dataclasses

import numpy as np
import pytest
import torch

from ganloc.errors import UserError
from ganloc.images.image_set import ImageSet
from ganloc.student.suggest import suggest
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


def test_every_kind_of_image_is_suggested_once_the_most_frequent_first(student):
    images, kind = kinds([20, 9, 5])
    for seed in range(3):
        assert kind[suggest(student, images, 3, seed)].tolist() == [0, 1, 2]


def test_kinds_that_have_a_hint_are_not_suggested_again(student):
    images, kind = kinds([20, 9, 5])
    found = suggest(student, images, 2, 0, hinted=[images.names[3]])
    assert images.names[3] not in [images.names[index] for index in found]
    assert {1, 2} <= set(kind[found].tolist())


def test_the_typical_image_of_a_kind(student):
    images, _ = kinds([12])
    pixels = images.pixels.copy()
    pixels[5] = np.random.default_rng(1).integers(0, 256, pixels[5].shape)
    assert suggest(student, dataclasses.replace(images, pixels=pixels), 1, 0) != [5]


def test_no_more_than_there_are(student):
    images, _ = kinds([3])
    assert len(set(suggest(student, images, 10, 0))) <= 3
    assert suggest(student, images, 10, 0)


@pytest.mark.parametrize("count", [0, -1])
def test_a_count_that_is_none(count, student):
    images, _ = kinds([3])
    with pytest.raises(UserError, match="count is"):
        suggest(student, images, count, 0)
