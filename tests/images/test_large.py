"""Large images: read reduced, in bounded memory, up to a limit."""

import io
import threading
import zlib

import numpy as np
import pytest
from deep_files import GREY, RGB, png_16, tiff
from PIL import Image

from ganloc.errors import UserError
from ganloc.images import large
from ganloc.images.archive import LARGEST_FILE
from ganloc.images.decode import decode, open_rgb
from ganloc.images.folder import load_folder

_y, _x = np.mgrid[:300, :400]
SMOOTH = np.stack([_x * 255 // 399, _y * 255 // 299, (_x + _y) * 255 // 698], -1).astype(np.uint8)


def saved(image, kind, **options):
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def exif(orientation):
    found = Image.Exif()
    found[274] = orientation
    return found


PHOTO = Image.fromarray(SMOOTH)
CLEAR = PHOTO.copy()
CLEAR.putalpha(Image.fromarray(SMOOTH[..., 0]))
FILES = {
    "jpeg": saved(PHOTO, "JPEG", quality=95),
    "png": saved(PHOTO, "PNG"),
    "png, alpha": saved(CLEAR, "PNG"),
    "png, palette": saved(PHOTO.quantize(200), "PNG"),
    "png, 1 bit": saved(PHOTO.convert("1"), "PNG"),
    "png, turned": saved(PHOTO, "PNG", exif=exif(6)),
    "png, 16 bits": png_16(SMOOTH.astype(int) * 257, RGB),
    "png, 16 bits, interlaced": png_16(SMOOTH.astype(int) * 257, RGB, interlaced=True),
    "tiff": saved(PHOTO, "TIFF"),
    "tiff, turned": saved(PHOTO, "TIFF", tiffinfo={274: 8}),
    "tiff, LZW": saved(PHOTO, "TIFF", compression="tiff_lzw"),
    "tiff, JPEG": saved(PHOTO, "TIFF", compression="jpeg", quality=95),
    "tiff, tiles": tiff(SMOOTH, 2, tile=64),
    "tiff, 16 bits": tiff(SMOOTH.astype("u2") * 257, 2),
    "tiff, 16 bits, tiles": tiff(SMOOTH.astype("u2") * 257, 2, tile=64, predict=True),
    "tiff, CMYK": saved(PHOTO.convert("CMYK"), "TIFF"),
    "tiff, min is white": tiff(255 - SMOOTH[..., :1], 0),
    "bmp": saved(PHOTO, "BMP"),
    "webp": saved(PHOTO, "WEBP", lossless=True),
}


@pytest.mark.parametrize("name", FILES)
def test_a_large_image_is_reduced_and_looks_the_same(name, monkeypatch):
    expected, size = decode(FILES[name], 16)
    monkeypatch.setattr(large, "LARGE", 20_000)
    image, found_size = open_rgb(FILES[name], 64)
    assert found_size == size
    assert min(image.size) >= 64
    assert image.width * image.height <= 20_000
    difference = np.abs(decode(FILES[name], 16)[0].astype(int) - expected)
    assert difference.mean() < 2
    assert difference.max() < 24  # at the ends of the 1-bit pattern


def test_a_large_image_is_never_larger_than_large_even_for_a_small_crop(monkeypatch):
    monkeypatch.setattr(large, "LARGE", 20_000)
    for name in ("jpeg", "png", "tiff, 16 bits"):
        image, _ = open_rgb(FILES[name], 10_000)
        assert image.width * image.height <= 20_000
        crop, _ = decode(FILES[name], 16, np.array([0.5, 0.25, 0.6, 0.35]))
        middle = SMOOTH[int(0.3 * 300), int(0.55 * 400)]
        assert np.abs(crop[8, 8].astype(int) - middle).max() < 8


def test_bands_are_reduced_as_the_whole():
    bands = [
        Image.fromarray(SMOOTH[top : top + rows]) for top, rows in ((0, 7), (7, 100), (107, 193))
    ]
    for factor in (1, 2, 7, 300):
        whole = np.asarray(PHOTO.reduce(factor))
        np.testing.assert_array_equal(np.asarray(large.reduced(bands, factor)), whole)


def test_the_limit_and_the_variable_that_raises_it(tmp_path, monkeypatch):
    Image.new("L", (1000, 1001)).save(tmp_path / "a.png")
    Image.new("L", (10, 10)).save(tmp_path / "b.png")
    (tmp_path / "c.tif").write_bytes(tiff(np.zeros((1001, 1000), np.uint16)))
    monkeypatch.setenv("GANLOC_MAX_MEGAPIXELS", "1")
    skipped = load_folder(tmp_path, 8).skipped
    reason = "1 megapixels, more than 1: if it is no decompression bomb, set "
    assert skipped == tuple(
        f"{name}: {reason}GANLOC_MAX_MEGAPIXELS=2" for name in ("a.png", "c.tif")
    )
    monkeypatch.setenv("GANLOC_MAX_MEGAPIXELS", "2")
    assert load_folder(tmp_path, 8).names == ("a.png", "b.png", "c.tif")


@pytest.mark.parametrize("given", ["many", "0", "-3", "nan"])
def test_a_limit_that_is_no_number(given, tmp_path, monkeypatch):
    monkeypatch.setenv("GANLOC_MAX_MEGAPIXELS", given)
    Image.new("L", (4, 4)).save(tmp_path / "a.png")
    with pytest.raises(UserError, match=f"GANLOC_MAX_MEGAPIXELS={given} is no number"):
        load_folder(tmp_path, 8)


def bomb():
    """A PNG of 25,000 megapixels in some bytes."""
    start = bytearray(saved(Image.new("L", (8, 8)), "PNG"))
    start[16:24] = (500_000).to_bytes(4, "big") + (50_000).to_bytes(4, "big")
    start[29:33] = zlib.crc32(bytes(start[12:29])).to_bytes(4, "big")
    return bytes(start)


def test_bombs_are_refused(tmp_path):
    Image.new("L", (4, 4)).save(tmp_path / "good.png")
    (tmp_path / "a.png").write_bytes(bomb())
    images = load_folder(tmp_path, 8)
    assert images.names == ("good.png",)
    assert "25,000 megapixels, more than 500" in images.skipped[0]


def test_pillow_s_own_limit_is_back_afterwards(monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 123)
    decode(FILES["png"], 8)
    assert Image.MAX_IMAGE_PIXELS == 123


def test_a_file_too_large_for_the_memory_is_read_from_the_disk(tmp_path):
    data = FILES["png"]
    with (tmp_path / "a.png").open("wb") as file:
        file.write(data)
        file.truncate(LARGEST_FILE + 1)  # a hole behind the image
    (tmp_path / "b.tif").write_bytes(tiff(SMOOTH.astype("u2") * 257, 2))
    with (tmp_path / "b.tif").open("r+b") as file:
        file.truncate(LARGEST_FILE + 1)
    (tmp_path / "c.png").write_bytes(png_16(SMOOTH[..., :1].astype(int) * 257, GREY))
    with (tmp_path / "c.png").open("r+b") as file:
        file.truncate(LARGEST_FILE + 1)
    images = load_folder(tmp_path, 16)
    assert images.names == ("a.png", "b.tif", "c.png")
    np.testing.assert_array_equal(images.pixels[0], decode(data, 16)[0])
    np.testing.assert_array_equal(images.pixels[1], images.pixels[0])


def test_threads_wait_for_room(monkeypatch):
    monkeypatch.setattr(large, "_AT_ONCE", 100)
    order = []

    def work():
        with large.room_to_decode(60):
            order.append("second")

    with large.room_to_decode(60):
        waiting = threading.Thread(target=work)
        waiting.start()
        waiting.join(0.2)
        order.append("first")
    waiting.join(10)
    assert order == ["first", "second"]
    with large.room_to_decode(10_000):  # more than there is takes all
        pass
