"""Parts of images from their files: the right rectangle, at the resolution of the file."""

import io

import numpy as np
import pytest
from PIL import Image
from PIL.JpegImagePlugin import JpegImageFile

from ganloc.images.archive import open_archive
from ganloc.images.decode import decode
from ganloc.images.folder import load_folder
from ganloc.images.gather import read_crops
from ganloc.images.source import load_images, look_closer

WHOLE = np.array([0.0, 0.0, 1.0, 1.0])


def encoded(pixels, kind="png", **options):
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, kind, **options)
    return file.getvalue()


def checked(side=256, square=4):
    """Squares of black and white, too fine to be seen in the image at 32 pixels."""
    y, x = np.mgrid[:side, :side] // square
    return np.repeat((255 * ((x + y) % 2)).astype(np.uint8)[..., None], 3, axis=2)


def test_the_whole_as_a_part_is_the_whole():
    pixels = np.random.default_rng(0).integers(0, 256, (50, 70, 3), np.uint8)
    for kind in ("png", "jpeg"):
        data = encoded(pixels, kind)
        (part, size), (whole, _) = decode(data, 32, WHOLE), decode(data, 32)
        np.testing.assert_array_equal(part, whole)
        assert size == (70, 50)


def test_a_part_shows_what_the_squeezed_image_can_not():
    data = encoded(checked())
    whole, _ = decode(data, 32)
    assert np.ptp(whole[4:-4, 4:-4].astype(int)) < 60  # grey
    part, _ = decode(data, 32, np.array([0.25, 0.5, 0.375, 0.625]))  # 32 × 32 pixels
    np.testing.assert_array_equal(part, checked()[128:160, 64:96])


def test_a_part_of_a_jpeg_is_decoded_at_full_resolution():
    data = encoded(checked(1024, 8), "jpeg", quality=95)
    part, _ = decode(data, 32, np.array([0.5, 0.25, 0.53125, 0.28125]))
    expected = checked(1024, 8)[256:288, 512:544]
    assert np.abs(part.astype(int) - expected).mean() < 5


def test_a_large_part_of_a_jpeg_is_decoded_at_a_fraction_of_its_resolution(monkeypatch):
    asked, usual = [], JpegImageFile.draft

    def draft(image, mode, size):
        asked.append(size)
        return usual(image, mode, size)

    monkeypatch.setattr(JpegImageFile, "draft", draft)
    data = encoded(np.full((1024, 1024, 3), 90, np.uint8), "jpeg")
    part, size = decode(data, 32, np.array([0.5, 0.0, 1.0, 0.75]))
    assert asked == [(256, 256)]  # 4 × 32 pixels of half the width
    assert size == (1024, 1024)
    assert (part == 90).all()


def test_a_part_is_of_the_upright_image():
    pixels = np.zeros((20, 40, 3), np.uint8)
    pixels[:, 30:] = 255  # on the right as stored; below after a quarter turn clockwise
    exif = Image.Exif()
    exif[0x0112] = 6
    part, size = decode(encoded(pixels, "jpeg", exif=exif), 8, np.array([0.0, 0.75, 1.0, 1.0]))
    assert size == (20, 40)
    assert part.min() > 200


@pytest.fixture
def folder(tmp_path):
    for name, side in (("a.png", 64), ("b.png", 256), ("c.png", 128)):
        (tmp_path / name).write_bytes(encoded(checked(side)))
    return tmp_path


def test_parts_come_in_the_order_that_was_asked_for(folder):
    images = load_folder(folder, 32)
    parts = np.array([[0.0, 0.0, 0.125, 0.125], [0.5, 0.5, 1.0, 1.0]])
    with open_archive(folder) as archive:
        found = read_crops(archive, images, np.array([1, 0]), parts)
    np.testing.assert_array_equal(found[0], checked(256)[:32, :32])
    np.testing.assert_array_equal(found[1], checked(64)[32:, 32:])


def test_a_file_that_has_gone_gives_a_part_of_its_pixels(folder):
    images = load_folder(folder, 32)
    (folder / "a.png").unlink()
    parts = np.array([[0.0, 0.0, 1.0, 1.0], [0.0, 0.0, 1.0, 1.0]])
    with open_archive(folder) as archive:
        found = read_crops(archive, images, np.array([0, 2]), parts)
    np.testing.assert_array_equal(found, images.pixels[[0, 2]])


def test_a_folder_can_be_looked_at_closer_and_a_named_set_not(folder):
    images = load_images(str(folder), 32)
    with look_closer(str(folder), images) as crop_reader:
        assert crop_reader is not None
        found = crop_reader(np.array([1]), np.array([[0.0, 0.0, 0.125, 0.125]]))
    np.testing.assert_array_equal(found[0], checked(256)[:32, :32])
    with look_closer("embedded", images) as crop_reader:
        assert crop_reader is None
