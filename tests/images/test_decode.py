"""Crops of image files: the right rectangle, at the resolution of the file."""

import io

import numpy as np
import pytest
from PIL import Image

from ganloc.images.decode import WHOLE, decode, open_rgb


def encoded(pixels, kind="png", **options):
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, kind, **options)
    return file.getvalue()


def checked(side=256, square=4):
    """Squares of black and white, too fine to be seen in the image at 32 pixels."""
    y, x = np.mgrid[:side, :side] // square
    return np.repeat((255 * ((x + y) % 2)).astype(np.uint8)[..., None], 3, axis=2)


@pytest.mark.parametrize("kind", ["png", "jpeg"])
def test_the_whole_is_a_crop_too(kind):
    pixels = np.random.default_rng(0).integers(0, 256, (50, 70, 3), np.uint8)
    data = encoded(pixels, kind)
    (crop, size), (whole, _) = decode(data, 32, WHOLE), decode(data, 32)
    np.testing.assert_array_equal(crop, whole)
    assert size == (70, 50)


def test_a_crop_shows_what_the_squeezed_image_cannot():
    data = encoded(checked())
    whole, _ = decode(data, 32)
    assert np.ptp(whole[4:-4, 4:-4].astype(int)) < 60  # grey
    crop, _ = decode(data, 32, np.array([0.25, 0.5, 0.375, 0.625]))  # 32 × 32 pixels
    np.testing.assert_array_equal(crop, checked()[128:160, 64:96])


def test_a_small_crop_of_a_jpeg_is_decoded_at_full_resolution():
    data = encoded(checked(1024, 8), "jpeg", quality=95)
    crop, _ = decode(data, 32, np.array([0.5, 0.25, 0.53125, 0.28125]))
    expected = checked(1024, 8)[256:288, 512:544]
    assert np.abs(crop.astype(int) - expected).mean() < 5


def test_a_large_crop_of_a_jpeg_is_decoded_at_a_fraction_of_its_resolution():
    noise = np.random.default_rng(0).integers(0, 256, (1024, 1024, 3), np.uint8)
    data = encoded(noise, "jpeg")
    crop, size = decode(data, 32, np.array([0.5, 0.0, 1.0, 0.75]))
    assert size == (1024, 1024)

    def from_side(side):
        """The same crop of the image decoded at this many pixels."""
        image, original = open_rgb(data, at_least=side)
        assert (image.size, original) == ((side, side), (1024, 1024))
        box = (side / 2, 0, side, 0.75 * side)
        return np.asarray(image.resize((32, 32), Image.Resampling.BICUBIC, box))

    np.testing.assert_array_equal(crop, from_side(256))  # 4 × 32 pixels of half the width
    assert not np.array_equal(crop, from_side(512))


def test_a_jpeg_comes_no_smaller_than_asked_and_never_larger_than_it_is():
    data = encoded(np.zeros((600, 1000, 3), np.uint8), "jpeg")
    sizes = {75: (125, 75), 76: (250, 150), 301: (1000, 600), 9999: (1000, 600)}
    for at_least, size in sizes.items():
        image, original = open_rgb(data, at_least)
        assert (image.size, original) == (size, (1000, 600))


def test_a_crop_is_of_the_upright_image():
    pixels = np.zeros((20, 40, 3), np.uint8)
    pixels[:, 30:] = 255  # on the right as stored; below after a quarter turn clockwise
    exif = Image.Exif()
    exif[0x0112] = 6
    crop, size = decode(encoded(pixels, "jpeg", exif=exif), 8, np.array([0.0, 0.75, 1.0, 1.0]))
    assert size == (20, 40)
    assert crop.min() > 200
