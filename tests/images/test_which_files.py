"""Which files of a folder or zip are its images, and what is said of the others."""

import io
import os
import shutil
import warnings
import zipfile
from pathlib import Path

import pytest
from PIL import Image

from ganloc.errors import UserError
from ganloc.images.folder import load_folder
from ganloc.images.gather import gather


def plain() -> Image.Image:
    return Image.new("RGB", (8, 8), (10, 200, 30))


def write(folder: Path, name: str, data: bytes) -> None:
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(data)


def encoded(kind: str = "PNG") -> bytes:
    file = io.BytesIO()
    plain().save(file, kind)
    return file.getvalue()


def told(path: Path) -> tuple[tuple[str, ...], str]:
    images = load_folder(path, 4)
    return images.names, images.left_out


def test_images_are_known_by_their_content(tmp_path):
    names = ["a.jfif", "b.jpe", "c.JPG.jpg", "d", "e.txt", "f.gif", "g.heic"]
    for name in names:
        write(tmp_path, name, encoded("GIF" if name == "f.gif" else "JPEG"))
    assert told(tmp_path) == (tuple(names), "")


def test_every_other_file_is_counted_in_one_line(tmp_path, monkeypatch):
    monkeypatch.setattr("ganloc.images.kinds.readable_formats", lambda: ("PNG", "TIFF"))
    heic = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic"
    for name in ("a.png", "b.png"):
        write(tmp_path, name, encoded())
    for name in ("1.HEIC", "2.jpg"):  # by its content, not its name
        write(tmp_path, name, heic)
    write(tmp_path, "raw/c.nef", encoded("TIFF"))
    write(tmp_path, "film.mp4", b"\0\0\0\x18ftypisom\0\0\0\0mp42isom")
    for name in ("README", "truth.coco.json", "labels/a.txt"):
        write(tmp_path, name, b"some text")
    write(tmp_path, "@eaDir/a.png/THUMB.jpg", encoded("JPEG"))
    write(tmp_path, ".DS_Store", b"\0\0\0\1Bud1")
    (tmp_path / "loop").symlink_to(".")
    names, said = told(tmp_path)
    assert names == ("a.png", "b.png")
    assert said == (
        "Left out: 1 linked folder in a ring (loop), 2 HEIC (pip install 'ganloc[heic]'), "
        "1 video (film.mp4), 1 camera raw (raw/c.nef), "
        "2 hidden or system items (.DS_Store, @eaDir), 3 other files."
    )


def test_what_cannot_be_read_comes_before_what_is_no_image(tmp_path):
    write(tmp_path, "a.png", encoded())
    write(tmp_path, "b.png", b"not an image")
    write(tmp_path, "README", b"some text")
    lines = ["1 of 2 files could not be read (left out):", "  b.png: not an image"]
    assert told(tmp_path)[1] == "\n".join([*lines, "Left out: 1 other file."])


def test_a_plain_folder_and_its_zip_leave_nothing_to_tell(tmp_path):
    write(tmp_path, "photos/a.png", encoded())
    shutil.make_archive(str(tmp_path / "photos"), "zip", tmp_path / "photos")
    for name in ("photos", "photos.zip"):
        assert told(tmp_path / name) == (("a.png",), "")


def test_raw_files_without_their_suffix_are_not_read_as_their_thumbnail(tmp_path):
    write(tmp_path, "a.png", encoded())
    image = plain()
    image.save(tmp_path / "b.tif", tiffinfo={50706: b"\1\4\0\0"})  # DNGVersion
    assert told(tmp_path) == (("a.png",), "Left out: 1 camera raw (b.tif).")


def test_heic_is_read_with_its_extra(tmp_path):
    pytest.importorskip("pillow_heif")
    write(tmp_path, "b.jpg", encoded("HEIF"))
    write(tmp_path, "a.png", encoded())
    images = load_folder(tmp_path, 4)
    assert (images.names, images.left_out) == (("a.png", "b.jpg"), "")
    assert abs(images.pixels[1].astype(int) - (10, 200, 30)).max() <= 8


def test_one_image_file_is_a_set_of_one(tmp_path):
    write(tmp_path, "photos/a", encoded("JPEG"))
    write(tmp_path, "photos/b.png", encoded())
    images = load_folder(tmp_path / "photos" / "a", 4)
    assert (images.names, images.left_out) == (("a",), "")
    assert images.archive is not None
    assert images.archive.read("a") == encoded("JPEG")
    write(tmp_path, "c.jxl", b"\xff\x0a\0\0")
    with pytest.raises(UserError, match=r"c\.jxl is neither"):
        load_folder(tmp_path / "c.jxl", 4)


def test_one_file_of_a_format_that_is_not_there(tmp_path, monkeypatch):
    monkeypatch.setattr("ganloc.images.kinds.readable_formats", lambda: ("JPEG",))
    write(tmp_path, "a.heic", b"\0\0\0\x18ftypheic\0\0\0\0mif1heic")
    with pytest.raises(UserError, match=r"a\.heic is HEIC.*pip install 'ganloc\[heic\]'"):
        load_folder(tmp_path / "a.heic", 4)


def test_no_images_but_others_says_which(tmp_path):
    write(tmp_path, "a.nef", encoded("TIFF"))
    with pytest.raises(UserError, match=r"No images in .*Left out: 1 camera raw \(a\.nef\)\."):
        load_folder(tmp_path, 4)


def test_a_zip_of_windows(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as target:
        for name in ("set\\1.png", "set\\2.png", "set/2.png", "..\\3.png", "C:\\4.png"):
            info = zipfile.ZipInfo("x")
            info.filename = name
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                target.writestr(info, encoded())
    names, said = told(tmp_path / "a.zip")
    assert names == ("set/1.png", "set/2.png")
    assert said == (
        "Left out: 1 entry of a name that comes again (set/2.png), "
        "2 names that point out of the zip (..\\3.png, C:\\4.png)."
    )


def test_a_zip_of_another_country_is_told_of(tmp_path):
    raw = "写真/猫.png".encode("cp932")
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as target:
        target.writestr("x" * len(raw), encoded())
    packed = (tmp_path / "a.zip").read_bytes().replace(b"x" * len(raw), raw)
    (tmp_path / "a.zip").write_bytes(packed)
    names, said = told(tmp_path / "a.zip")
    assert names == ("写真/猫.png",)
    assert "a.zip does not say how its names are written" in said
    assert said.endswith("read as cp932 (the first is 写真/猫.png).")


def test_two_spellings_of_one_name_are_told_of(tmp_path):
    write(tmp_path, "caf\u00e9.png", encoded())
    write(tmp_path, "cafe\u0301.png", encoded())
    names, said = told(tmp_path)
    if len(names) == 1:
        pytest.skip("this file system has one spelling")
    assert said.startswith("1 name differs from another only in how Unicode or slashes")


def test_a_folder_that_changes_while_it_is_read(tmp_path, monkeypatch):
    for name in ("a.png", "b.png", "c.png"):
        write(tmp_path, name, encoded())

    def then(*arguments):
        found = gather(*arguments)
        write(tmp_path, "d.png", encoded())
        write(tmp_path, "log.txt", b"a line")
        (tmp_path / "a.png").unlink()
        write(tmp_path, "b.png", encoded("BMP"))
        return found

    monkeypatch.setattr("ganloc.images.folder.gather", then)
    said = told(tmp_path)[1]
    assert "changed while it was read" in said
    assert "1 came (d.png), 1 went (a.png), 1 changed (b.png)" in said


def test_a_pipe_as_photos_is_refused_and_does_not_block(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UserError, match=r"pipe is neither a file nor a folder"):
        load_folder(tmp_path / "pipe", 4)
