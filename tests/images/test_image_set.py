"""A set of images, some of them, and what is worked out of all."""

import dataclasses
import zlib

import numpy as np
import pytest

from ganloc.images.image_set import ImageSet, every_nth


def numbered(count, size=4):
    """Images whose every pixel is their number, with boxes and classes."""
    pixels = np.arange(count, dtype=np.uint8)[:, None, None, None]
    return ImageSet(
        np.tile(pixels, (1, size, size, 3)),
        tuple(f"{index}.png" for index in range(count)),
        np.stack([10 + np.arange(count), 20 + np.arange(count)], axis=1),
        tuple(np.full((index % 3, 4), float(index)) for index in range(count)),
        ("torn.png: not an image",),
        np.arange(count) % 2,
        ("cat", "dog"),
        source="photos",
    )


def noise(seed=0):
    pixels = np.random.default_rng(seed).integers(0, 256, (3, 32, 32, 3), np.uint8)
    return ImageSet(pixels, ("0.png", "1.png", "2.png"), np.full((3, 2), 40))


def test_boxes_in_pixels_of_images_of_any_shape():
    sizes = np.array([[200, 60], [7, 500], [32, 32]])  # width, height
    images = ImageSet(np.zeros((3, 8, 8, 3), np.uint8), ("a", "b", "c"), sizes)
    found = images.in_pixels(np.array([[0.25, 0.5, 0.75, 1.0], [0, 0, 1, 1], [0.5, 0, 1, 0.125]]))
    assert found.tolist() == [[50, 30, 150, 60], [0, 0, 7, 500], [16, 0, 32, 4]]
    assert images.subset([]).in_pixels(np.zeros((0, 4))).shape == (0, 4)


@pytest.mark.parametrize(
    ("count", "wanted", "expected"),
    [
        (5, 3, [0, 2, 4]),
        (10, 4, [0, 3, 6, 9]),
        (4, 3, [0, 2, 3]),  # 1½ is rounded to even
        (3, 3, [0, 1, 2]),
        (3, 8, [0, 1, 2]),
        (6, 2, [0, 5]),
        (6, 1, [0]),
        (1, 4, [0]),
        (0, 4, []),
    ],
)
def test_images_evenly_over_a_set_with_its_ends(count, wanted, expected):
    found = numbered(count).evenly(wanted)
    assert found.names == tuple(f"{index}.png" for index in expected)
    assert found.pixels[:, 0, 0, 0].tolist() == expected


@pytest.mark.parametrize(
    ("count", "most", "expected"),
    [(3, 5, [0, 1, 2]), (5, 5, [0, 1, 2, 3, 4]), (6, 5, [0, 2, 4]), (11, 5, [0, 3, 6, 9])],
)
def test_every_nth_of_a_set(count, most, expected):
    assert every_nth(numbered(count).pixels, most)[:, 0, 0, 0].tolist() == expected


def test_a_subset_holds_all_that_is_known_of_its_images():
    images = numbered(5)
    found = images.subset(np.array([4, 1]))
    assert len(found) == 2
    assert found.names == ("4.png", "1.png")
    assert found.pixels[:, 0, 0, 0].tolist() == [4, 1]
    assert found.sizes.tolist() == [[14, 24], [11, 21]]
    assert found.truth is not None
    assert [own.tolist() for own in found.truth] == [[[4.0] * 4], [[1.0] * 4]]
    assert found.labels is not None
    assert found.labels.tolist() == [0, 1]
    assert (found.classes, found.source) == (images.classes, images.source)
    bare = dataclasses.replace(images, truth=None, labels=None).subset([2])
    assert (bare.truth, bare.labels) == (None, None)


def test_what_training_may_see():
    images = numbered(3)
    unlabelled = images.unlabelled()
    assert (unlabelled.truth, unlabelled.labels, unlabelled.classes) == (None, None, ())
    assert (unlabelled.names, unlabelled.source) == (images.names, images.source)
    assert unlabelled.checksum == images.checksum


def test_what_is_said_of_files_that_were_left_out():
    images = dataclasses.replace(numbered(2), skipped=("a.png: torn", "b.png: empty"))
    lines = ["2 of 4 files could not be read (left out):", "  a.png: torn", "  b.png: empty"]
    assert images.left_out == "\n".join(lines)
    assert noise().left_out == ""


def test_the_checksum_tells_pixels_apart():
    one = noise()
    assert one.checksum == noise().checksum
    values = {one.checksum}
    for index in np.ndindex(3, 2, 2):  # some pixels of every image
        changed = one.pixels.copy()
        changed[index] ^= 1
        values.add(dataclasses.replace(one, pixels=changed).checksum)
    assert len(values) == 13
    assert dataclasses.replace(one, pixels=one.pixels[::-1]).checksum not in values


def test_the_checksum_does_not_depend_on_how_the_pixels_lie_nor_on_names():
    many = np.random.default_rng(0).integers(0, 256, (2050, 2, 2, 3), np.uint8)
    lie = [many, np.asfortranarray(many), np.repeat(many, 2, axis=0)[::2]]
    sets = [
        ImageSet(pixels, (name,) * 2050, np.full((2050, 2), 2))
        for pixels, name in zip(lie, "abc", strict=True)
    ]
    assert {one.checksum for one in sets} == {zlib.crc32(many.tobytes())}
