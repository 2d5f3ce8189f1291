"""Kinds of files by their content, whatever their names."""

import io
import struct

import numpy as np
import pytest
from PIL import Image, features

from ganloc.images import kinds
from ganloc.images.kinds import (
    AVIF,
    HEAD,
    HEIC,
    RAW,
    UNKNOWN,
    kind_of,
    kind_of_file,
    readable_formats,
)

NEEDS = {"AVIF": "avif", "JPEG2000": "jpg_2000", "WEBP": "webp"}


def saved(format, mode="RGB", **options):
    file = io.BytesIO()
    Image.new(mode, (9, 7)).save(file, format, **options)
    return file.getvalue()


def boxed(major, *others):
    """The first box of a file of ISO boxes."""
    brands = b"".join((major, bytes(4), *others))
    return struct.pack(">I", 8 + len(brands)) + b"ftyp" + brands + b"\0" * 40


def tiff(*directories, order="<", next_of_first=0):
    """A TIFF without pixels: each directory is a dict of tag → (type, value)."""
    content = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "I", 8)
    for number, tags in enumerate(directories):
        content += struct.pack(order + "H", len(tags))
        for tag, (kind, value) in sorted(tags.items()):
            content += struct.pack(order + "HHI", tag, kind, 1)
            content += struct.pack(order + ("HH" if kind == 3 else "I"), *([value, 0][: 5 - kind]))
        content += struct.pack(order + "I", next_of_first if number == 0 else 0)
    return content


@pytest.mark.parametrize("format", ["JPEG", "PNG", "BMP", "DIB", "GIF", "TIFF", "WEBP", "PPM"])
def test_what_pillow_writes_is_known_and_read(format):
    if format == "DIB":  # a bitmap without its file header is no file that people have
        assert kind_of(saved("DIB")) == UNKNOWN
        return
    assert kind_of(saved(format)[:HEAD]).format == format
    assert kind_of(saved(format)).is_readable


@pytest.mark.parametrize("format", ["AVIF", "JPEG2000"])
def test_formats_that_pillow_may_lack(format):
    if not features.check(NEEDS[format]):
        pytest.skip(f"this Pillow has no {format}")
    assert kind_of(saved(format)).format == format
    assert kind_of(saved(format)).is_readable


@pytest.mark.parametrize("mode", ["1", "L", "RGB"])
def test_portable_maps_and_texts_that_start_like_one(mode):
    assert kind_of(saved("PPM", mode)).format == "PPM"
    assert kind_of(b"P2\n# a comment\n 3 4 255\n1 2 3").format == "PPM"
    assert kind_of(b"P1 is the first player") == UNKNOWN
    assert kind_of(b"BMW sales of the year") == UNKNOWN


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (boxed(b"heic", b"mif1", b"heic"), HEIC),
        (boxed(b"mif1", b"heic"), HEIC),
        (boxed(b"msf1", b"hevc"), HEIC),
        (boxed(b"mif1", b"avif"), AVIF),
        (boxed(b"avif", b"mif1", b"heic"), AVIF),
        (boxed(b"crx ", b"isom"), RAW),
        (b"FUJIFILMCCD-RAW 0201", RAW),
        (b"IIU\0\x18\0\0\0", RAW),
        (b"IIRO\x08\0\0\0", RAW),
        (b"II*\0\x10\0\0\0CR\x02\0", RAW),
    ],
)
def test_phones_and_cameras(head, kind):
    assert kind_of(head) == kind


@pytest.mark.parametrize(
    ("head", "title"),
    [
        (boxed(b"isom", b"mp42"), "video"),
        (boxed(b"qt  "), "video"),
        (b"RIFF\0\0\0\0AVI LIST", "video"),
        (b"\x1aE\xdf\xa3", "video"),
        (b"%PDF-1.7", "PDF"),
        (b"8BPS\0\1", "Photoshop"),
        (b"<?xml version='1.0'?>\n<svg xmlns='x'/>", "SVG"),
        (b"\0" * 128 + b"DICM", "DICOM"),
        (b"\xff\x0a\xfa", "JPEG XL"),
        (b"PK\x03\x04", "archive within (not opened)"),
        (b"", ""),
        (b'{"images": []}', ""),
        (b"\0" * HEAD, ""),
    ],
)
def test_what_is_no_image_that_can_be_read(head, title):
    assert kind_of(head).title == title
    assert not kind_of(head).is_readable


CFA, LINEAR, RGB = (262, (3, 32803)), (262, (3, 34892)), (262, (3, 2))


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(
    ("directories", "raw"),
    [
        ([dict([RGB])], False),
        ([dict([CFA])], True),
        ([{50706: (4, 0x01040000), **dict([RGB])}], True),  # DNGVersion
        ([{**dict([RGB]), 330: (4, 38)}, dict([CFA])], True),  # 8 + 2 + 2·12 + 4 is 38
        ([{**dict([RGB]), 330: (4, 38)}, dict([LINEAR])], True),
        ([{**dict([RGB]), 330: (4, 38)}, dict([RGB])], False),
        ([{**dict([RGB]), 330: (4, 8)}], False),  # a ring
        ([{**dict([RGB]), 330: (4, 9999)}], False),  # beyond the end
    ],
)
def test_a_raw_file_is_known_by_its_tags(directories, raw, order):
    data = tiff(*directories, order=order)
    assert kind_of_file("a.tif", io.BytesIO(data)) == (RAW if raw else kinds.TIFF)


@pytest.mark.parametrize("name", ["a.NEF", "a.cr2", "a.dng", "a.ARW", "a.pef"])
def test_a_raw_file_is_known_by_its_name_but_only_if_it_is_a_tiff(name):
    assert kind_of_file(name, io.BytesIO(saved("TIFF"))) == RAW
    assert kind_of_file("a.tif", io.BytesIO(saved("TIFF"))) == kinds.TIFF
    assert kind_of_file(name, io.BytesIO(saved("JPEG"))).format == "JPEG"


def test_a_big_tiff_is_a_tiff():
    file = io.BytesIO()
    Image.fromarray(np.zeros((4, 4), np.uint8)).save(file, "TIFF", big_tiff=True)
    assert file.getvalue()[:4] == b"II+\0"
    file.seek(0)
    assert kind_of_file("a", file) == kinds.TIFF


@pytest.fixture
def _fresh():
    readable_formats.cache_clear()
    yield
    readable_formats.cache_clear()


@pytest.mark.usefixtures("_fresh")
def test_heic_needs_its_extra(monkeypatch):
    def missing(name):
        raise ImportError(name)

    monkeypatch.setattr(kinds, "import_module", missing)
    assert not HEIC.is_readable
    assert kinds.advice(HEIC) == " (pip install 'ganloc[heic]')"
    assert "JPEG" in readable_formats()


@pytest.mark.usefixtures("_fresh")
def test_heic_is_read_with_its_extra():
    pytest.importorskip("pillow_heif")
    assert HEIC.is_readable
    assert kind_of(saved("HEIF")) == HEIC
