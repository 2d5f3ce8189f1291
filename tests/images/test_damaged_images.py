import io
import os
import random
import warnings
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ganloc.errors import UserError
from ganloc.images.archive import LARGEST_FILE
from ganloc.images.folder import load_folder


def plain(size=(8, 8)) -> Image.Image:
    return Image.new("RGB", size, (10, 200, 30))


def test_unreadable_files_are_skipped_and_listed(tmp_path, monkeypatch):
    monkeypatch.setenv("GANLOC_MAX_MEGAPIXELS", "0.001")
    plain().save(tmp_path / "good.png")
    noise = Image.fromarray(np.random.default_rng(2).integers(0, 256, (30, 30, 3), np.uint8))
    for name in ["cut.jpg", "cut.png"]:
        noise.save(tmp_path / name)
        data = (tmp_path / name).read_bytes()
        (tmp_path / name).write_bytes(data[: len(data) // 2])
    (tmp_path / "text.jpg").write_text("hello")
    (tmp_path / "empty.png").write_bytes(b"")
    plain(size=(40, 40)).save(tmp_path / "bomb.png")  # 1600 of 1000 pixels
    plain(size=(99, 99)).save(tmp_path / "bomb.jpg")
    with (tmp_path / "huge.bmp").open("wb") as file:
        file.truncate(LARGEST_FILE + 1)  # a hole: takes no room on the disk
    (tmp_path / "folder.png").mkdir()
    (tmp_path / "gone.png").symlink_to(tmp_path / "nowhere.png")
    os.mkfifo(tmp_path / "pipe.jpg")
    images = load_folder(tmp_path, 8)
    assert images.names == ("good.png",)
    reasons = dict(line.split(": ", 1) for line in images.skipped)
    assert list(reasons) == sorted(reasons)
    assert "truncated" in reasons.pop("cut.jpg").lower()
    assert "truncated" in reasons.pop("cut.png").lower()
    assert "more than 0.001: if it is no decompression bomb" in reasons.pop("bomb.png")
    assert "set GANLOC_MAX_MEGAPIXELS=1" in reasons.pop("bomb.jpg")
    assert reasons == {
        "text.jpg": "not an image",
        "empty.png": "not an image",
        "huge.bmp": "not an image",
        "gone.png": "no such file",
        "pipe.jpg": "not a regular file",
    }


def test_a_name_that_cannot_be_printed_is_skipped(tmp_path):
    plain().save(tmp_path / "good.png")
    try:
        with open(os.fsencode(tmp_path) + b"/bad\xff.png", "wb") as file:  # noqa: PTH123
            plain().save(file, "PNG")
    except OSError:
        pytest.skip("this file system refuses such names")
    images = load_folder(tmp_path, 8)
    assert images.names == ("good.png",)
    assert images.skipped == ("bad\\udcff.png: its name is not valid Unicode",)


def test_random_damage_never_escapes(tmp_path):
    rng = random.Random(3)
    noise = Image.fromarray(np.random.default_rng(3).integers(0, 256, (24, 24, 3), np.uint8))
    for suffix in ["jpg", "png", "bmp", "webp", "tif"]:
        buffer = io.BytesIO()
        noise.save(buffer, {"jpg": "JPEG", "tif": "TIFF"}.get(suffix, suffix.upper()))
        for trial in range(20):
            data = bytearray(buffer.getvalue())
            for _ in range(8):
                data[rng.randrange(min(len(data), 200))] = rng.randrange(256)
            (tmp_path / f"{trial}.{suffix}").write_bytes(data)
    plain().save(tmp_path / "good.png")
    images = load_folder(tmp_path, 8)
    assert len(images) + len(images.skipped) == 101
    assert len(images.skipped) > 10


def test_pillow_warnings_neither_leak_nor_cost_an_image_and_filters_are_restored(tmp_path):
    cut_short = b"Exif\0\0MM\0*\0\0\0\x08\0\x05"  # promises five entries and has none
    plain().save(tmp_path / "a.jpg", exif=cut_short)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.warns(UserWarning, match="Corrupt EXIF"), Image.open(tmp_path / "a.jpg") as a:
            a.getexif()
        before = list(warnings.filters)
        assert len(load_folder(tmp_path, 8)) == 1
        assert list(warnings.filters) == before


def broken_member(path: Path) -> None:
    buffer = io.BytesIO()
    plain().save(buffer, "BMP")
    with zipfile.ZipFile(path, "w") as target:
        target.writestr("a.bmp", buffer.getvalue())
        target.writestr("b.bmp", buffer.getvalue())
    data = bytearray(path.read_bytes())
    data[100] ^= 0xFF  # within a.bmp's stored pixels: its checksum fails
    path.write_bytes(data)


def test_a_damaged_member_of_a_zip_is_skipped(tmp_path):
    broken_member(tmp_path / "a.zip")
    images = load_folder(tmp_path / "a.zip", 8)
    assert images.names == ("b.bmp",)
    assert "a.bmp: cannot be read from the zip" in images.skipped[0]


def test_a_broken_zip(tmp_path):
    broken_member(tmp_path / "a.zip")
    data = (tmp_path / "a.zip").read_bytes()
    (tmp_path / "a.zip").write_bytes(data[:-30])
    with pytest.raises(UserError, match=r"a\.zip is a broken or incomplete zip"):
        load_folder(tmp_path / "a.zip", 8)
