"""What kind of file something is, by its content."""

import re
import struct
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from io import BufferedIOBase
from typing import IO, cast

from PIL import Image, features
from PIL.TiffImagePlugin import ImageFileDirectory_v2

HEAD = 1024  # bytes that tell a kind

# Files with such names are meant to be images: if their content isn't one, they are damaged.
SUFFIXES = (
    *(".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".bmp", ".dib", ".webp", ".tif", ".tiff", ".gif"),
    *(".heic", ".heif", ".hif", ".avif", ".jp2", ".j2k", ".jpx", ".jpf", ".ppm", ".pgm", ".pbm"),
)
# TIFF files whose first image is a thumbnail of what the camera saw.
_RAW_SUFFIXES = (
    *(".nef", ".nrw", ".cr2", ".dng", ".arw", ".sr2", ".srf", ".pef", ".srw", ".3fr", ".fff"),
    *(".iiq", ".dcr", ".kdc", ".erf", ".mef", ".mos", ".rwl", ".raw", ".cap", ".eip"),
)


@dataclass(frozen=True)
class Kind:
    """A kind of file.

    Attributes:
        title: as a message counts it; "" if it is not known.
        format: Pillow's name of the format; "" if no image can be read from it.
    """

    title: str
    format: str = ""

    @property
    def is_readable(self) -> bool:
        """Whether images of this kind can be read here."""
        return self.format in readable_formats()


UNKNOWN = Kind("")
RAW = Kind("camera raw")
HEIC, AVIF, TIFF = Kind("HEIC", "HEIF"), Kind("AVIF", "AVIF"), Kind("TIFF", "TIFF")
_VIDEO = Kind("video")
_OTHER_ARCHIVE = Kind("archive within (not opened)")

# Kinds by their first bytes.
_STARTS: tuple[tuple[bytes, Kind], ...] = (
    (b"\xff\xd8\xff", Kind("JPEG", "JPEG")),
    (b"\x89PNG\r\n\x1a\n", Kind("PNG", "PNG")),
    (b"GIF87a", Kind("GIF", "GIF")),
    (b"GIF89a", Kind("GIF", "GIF")),
    (b"\x00\x00\x00\x0cjP  \r\n\x87\n", Kind("JPEG 2000", "JPEG2000")),
    (b"\xff\x4f\xff\x51", Kind("JPEG 2000", "JPEG2000")),
    *((mark, TIFF) for mark in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")),
    *((mark, RAW) for mark in (b"FUJIFILMCCD-RAW", b"IIU\0", b"IIRO", b"IIRS", b"MMOR", b"FOVb")),
    *((mark, RAW) for mark in (b"\0MRM", b"II\x1a\0\0\0HEAPCCDR")),
    (b"\xff\x0a", Kind("JPEG XL")),
    (b"\x00\x00\x00\x0cJXL \r\n\x87\n", Kind("JPEG XL")),
    (b"8BPS", Kind("Photoshop")),
    (b"gimp xcf", Kind("GIMP")),
    (b"%PDF-", Kind("PDF")),
    (b"\x76\x2f\x31\x01", Kind("OpenEXR")),
    (b"#?RADIANCE", Kind("Radiance HDR")),
    (b"SIMPLE  =", Kind("FITS")),
    (b"PK\x03\x04", _OTHER_ARCHIVE),
    (b"Rar!\x1a\x07", _OTHER_ARCHIVE),
    (b"7z\xbc\xaf\x27\x1c", _OTHER_ARCHIVE),
    (b"\x1aE\xdf\xa3", _VIDEO),  # Matroska, WebM
    (b"\0\0\x01\xba", _VIDEO),  # MPEG
)
_MARKS = tuple(start for start, _ in _STARTS)


def kind_of(head: bytes) -> Kind:
    """The kind of a file, by its first `HEAD` bytes.

    A TIFF may also be a camera's raw file: `is_camera_raw`.

    >>> kind_of(b"\\xff\\xd8\\xff\\xe0 ...").title, kind_of(b"some text").title
    ('JPEG', '')
    """
    for start, kind in _STARTS if head.startswith(_MARKS) else ():
        if head.startswith(start):
            return RAW if kind is TIFF and head[8:10] == b"CR" else kind
    if head[:4] == b"RIFF":
        return {b"WEBP": Kind("WebP", "WEBP"), b"AVI ": _VIDEO}.get(head[8:12], UNKNOWN)
    if head[4:8] == b"ftyp":
        return _by_brand(head)
    if head[:2] == b"BM" and head[14:18] in {struct.pack("<I", n) for n in _BMP_HEADERS}:
        return Kind("BMP", "BMP")
    if _PNM.match(head):
        return Kind("PNM", "PPM")
    if head[128:132] == b"DICM":
        return Kind("DICOM")
    if b"<svg" in head and head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        return Kind("SVG")
    return UNKNOWN


_BMP_HEADERS = (12, 16, 40, 52, 56, 64, 108, 124)  # bytes
_PNM = re.compile(rb"P[1-6]\s+(#[^\n]*\n\s*)*\d+\s+(#[^\n]*\n\s*)*\d+\s")  # width and height


def _by_brand(head: bytes) -> Kind:
    """The kind of a file of ISO boxes, by its major brand and those it is compatible with."""
    size = struct.unpack(">I", head[:4])[0]
    brands = [head[8:12], *(head[at : at + 4] for at in range(16, min(size, len(head)), 4))]
    if brands[0] == b"crx ":
        return RAW  # Canon's CR3
    if b"avif" in brands or b"avis" in brands:
        return AVIF
    heic = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")
    return HEIC if any(brand in heic for brand in brands) else _VIDEO


def is_camera_raw(name: str, file: BufferedIOBase) -> bool:
    """Whether a TIFF is a camera's raw file, whose first image is only a thumbnail.

    Its name, the tag DNGVersion, or the samples of a colour filter array or of a linear raw in any
    of its images tell.
    """
    if name.lower().endswith(_RAW_SUFFIXES):
        return True
    try:
        file.seek(0)
        header = file.read(16)
        big = header[2:4] in (b"+\0", b"\0+")
        todo = [ImageFileDirectory_v2(header if big else header[:8]).next]
        for _ in range(16):
            if not todo:
                return False
            directory = ImageFileDirectory_v2(header if big else header[:8])
            file.seek(todo.pop())
            directory.load(cast(IO[bytes], file))
            if _DNG_VERSION in directory or directory.get(_PHOTOMETRIC) in _RAW_SAMPLES:
                return True
            inner = directory.get(_SUB_IFDS, ())
            todo += [inner] if isinstance(inner, int) else list(inner)
    except Exception:  # a damaged TIFF, of which the decoder tells
        return False
    return False


_PHOTOMETRIC, _SUB_IFDS, _DNG_VERSION = 262, 330, 50706
_RAW_SAMPLES = (32803, 34892)  # a colour filter array, a linear raw


@cache
def readable_formats() -> tuple[str, ...]:
    """Pillow's names of the formats that can be read here, with the optional ones that are there.

    >>> {"JPEG", "PNG", "BMP", "WEBP", "TIFF", "GIF"} <= set(readable_formats())
    True
    """
    Image.init()
    codecs = {"WEBP": "webp", "JPEG2000": "jpg_2000", "AVIF": "avif"}
    wanted = ("JPEG", "PNG", "BMP", "WEBP", "TIFF", "GIF", "PPM", "JPEG2000", "AVIF", "HEIF")
    if not _register_heif():
        wanted = wanted[:-1]
    return tuple(
        name
        for name in wanted
        if name in Image.OPEN and (name not in codecs or features.check(codecs[name]))
    )


def _register_heif() -> bool:
    try:
        import_module("pillow_heif").register_heif_opener()
    except ImportError:
        return False
    return True


def advice(kind: Kind) -> str:
    """What makes a kind readable, in brackets; "" if nothing does.

    >>> advice(HEIC)
    " (pip install 'ganloc[heic]')"
    """
    return {"HEIF": " (pip install 'ganloc[heic]')", "AVIF": " (with Pillow 11.3 or later)"}.get(
        kind.format, ""
    )


def kind_of_file(name: str, file: BufferedIOBase) -> Kind:
    """The kind of an open file that can be sought in.

    >>> from io import BytesIO
    >>> kind_of_file("a.jpg", BytesIO(b"GIF89a...")).title
    'GIF'
    """
    kind = kind_of(file.read(HEAD))
    return RAW if kind is TIFF and is_camera_raw(name, file) else kind
