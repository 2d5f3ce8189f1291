"""The checksum of a set of images: equal pixels, equal number."""

import dataclasses
import zlib

import numpy as np

from ganloc.images.image_set import ImageSet


def images():
    pixels = np.random.default_rng(0).integers(0, 256, (3, 32, 32, 3), np.uint8)
    return ImageSet(pixels, ("0.png", "1.png", "2.png"), np.full((3, 2), 40))


def test_checksum_tells_pixels_apart():
    one = images()
    assert one.checksum == images().checksum
    values = {one.checksum}
    for index in np.ndindex(3, 2, 2):  # some pixels of every image
        changed = one.pixels.copy()
        changed[index] ^= 1
        values.add(dataclasses.replace(one, pixels=changed).checksum)
    assert len(values) == 13
    assert dataclasses.replace(one, pixels=one.pixels[::-1]).checksum not in values


def test_checksum_does_not_depend_on_how_the_pixels_lie():
    many = np.random.default_rng(0).integers(0, 256, (2050, 2, 2, 3), np.uint8)
    lie = [many, np.asfortranarray(many), np.repeat(many, 2, axis=0)[::2]]
    sets = [ImageSet(pixels, ("",) * 2050, np.full((2050, 2), 2)) for pixels in lie]
    assert {one.checksum for one in sets} == {zlib.crc32(many.tobytes())}
