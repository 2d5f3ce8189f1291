"""Bytes of an image file → RGB pixels."""

import logging
import math
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from ganloc.errors import UserError
from ganloc.images import png
from ganloc.images.archive import Unreadable
from ganloc.images.deep import read_deep
from ganloc.images.digest import Digest
from ganloc.images.kinds import readable_formats
from ganloc.images.large import (
    bands_of,
    check_size,
    factor_for,
    file_of,
    pillow_reads_large,
    reduced,
    room_to_decode,
)
from ganloc.images.pages import page_frames, tiff_frames
from ganloc.images.samples import BACKDROP, ORIENTATION, DeepImage, turned, upright_size
from ganloc.images.scale import Range, Scale, decide
from ganloc.images.tiff import read_bands, starts_as_tiff
from ganloc.images.tiff_tags import unused_channels
from ganloc.shapes import Float, UInt8

# A JPEG may be decoded at 1/2, 1/4 or 1/8 of its size, which is faster. At least MARGIN × `size`
# pixels must remain: rounding then shifts the result by less than a quarter of a pixel.
MARGIN = 4

_SILENCE = logging.NullHandler()
WHOLE = np.array([0.0, 0.0, 1.0, 1.0])


@dataclass(frozen=True)
class About:
    """What a set must know of an image besides its pixels.

    Attributes:
        size: width and height of the upright original, in pixels.
        digest: of a deep image that was not converted (scale.py); None for all others.
        pages: of the file that are images of their own, 1 for most.
        unused: channels of the file that are neither colour nor opacity.
        unmarked_cmyk: whether it is a CMYK JPEG that does not say whether 0 is ink.
    """

    size: tuple[int, int]
    digest: Digest | None = None
    pages: int = 1
    unused: int = 0
    unmarked_cmyk: bool = False


def decode(
    data: bytes | Path,
    size: int,
    crop: Float[np.ndarray, "4"] = WHOLE,
    scale: Scale | None = None,
    page: int = 0,
) -> tuple[UInt8[np.ndarray, "size size 3"], tuple[int, int]]:
    """Decode an image and resize it to `size` × `size` with antialiasing.

    Call it inside `quiet_pillow()`: Pillow warns about files that are slightly damaged.

    Args:
        data: bytes of the file, or its path if it is too large for the memory.
        size: side of the result in pixels, at least 1.
        crop: the rectangle to resize, xyxy in fractions of the upright image.
        scale: of the set, for deep images. Without it the image is taken for its set.
        page: of a file with several pages or frames, counted from 0.

    Returns:
        RGB pixels, 0–255, upright; width and height of the upright original, in pixels.

    Raises:
        Unreadable: not an image, a damaged image, a decompression bomb, or a depth that is not
            read rightly.
    """
    image, original = open_rgb(data, at_least_for(size, crop), scale, page)
    return resized(image, size, crop), original


def at_least_for(size: int, crop: Float[np.ndarray, "4"] = WHOLE) -> int:
    """The side that an image must keep for a crop of it to be resized to `size`."""
    shown = float((crop[2:] - crop[:2]).min())
    return math.ceil(MARGIN * size / max(shown, 1e-6))


def resized(
    image: Image.Image, size: int, crop: Float[np.ndarray, "4"] = WHOLE
) -> UInt8[np.ndarray, "size size 3"]:
    """A crop of an image (xyxy, fractions) at `size` × `size`."""
    box = tuple((crop * np.tile(image.size, 2)).tolist())
    return np.asarray(image.resize((size, size), Image.Resampling.BICUBIC, box))


def open_rgb(
    data: bytes | Path, at_least: int, scale: Scale | None = None, page: int = 0
) -> tuple[Image.Image, tuple[int, int]]:
    """Open an image as upright RGB, with the width and height of the upright original.

    A JPEG or a large image may come at a reduced size, with no side below `at_least` pixels unless
    the original is smaller or the reduced image is still large. Only one page is read. Scale, page
    and errors are as in `decode`.
    """
    image, about = open_image(data, at_least, scale or Scale(), page)
    if image is None and about.digest is not None:
        alone = decide([about.digest], scale, alone=True)
        image, about = open_image(data, at_least, alone, page)
    assert image is not None
    return image, about.size


def open_image(
    data: bytes | Path, at_least: int, scale: Scale, page: int = 0
) -> tuple[Image.Image | None, About]:
    """Open an image as `open_rgb`, with what else its set must know of it.

    There is only the digest of a deep image of a kind whose range the scale lacks.
    """
    with _as_unreadable(), pillow_reads_large(), file_of(data) as file:
        try:
            opened = Image.open(file, formats=readable_formats())
        except UnidentifiedImageError as error:
            if not starts_as_tiff(data):
                raise Unreadable(_refusal(data)) from error
            return _of_tifffile(data, at_least, scale, tiff_frames(data), page)
        with opened as image:
            frames = page_frames(data, image)
            try:
                image.seek(frames[page])
            except (SyntaxError, EOFError):  # Pillow does not know it, or it is one of ImageJ
                if image.format != "TIFF":
                    raise
                return _of_tifffile(data, at_least, scale, frames, page)
            return _of_pillow(data, image, at_least, scale, frames, page)


def _of_pillow(
    data: bytes | Path,
    image: Image.Image,
    at_least: int,
    scale: Scale,
    frames: list[int],
    page: int,
) -> tuple[Image.Image | None, About]:
    full = image.size
    check_size(full)
    if factor_for(full, at_least) > 1:  # a JPEG may not stay large either
        at_least = min(at_least, min(full) // factor_for(full, at_least))
    unmarked = image.mode == "CMYK" and image.format == "JPEG" and "adobe" not in image.info
    image.draft(image.mode, (at_least, at_least))  # changes JPEGs only
    with room_to_decode(image.width * image.height):
        deep = read_deep(data, image, frames[page])
        if deep is not None:
            return _of_deep(deep, at_least, scale, len(frames))
        if factor_for(image.size, at_least) > 1:
            rgb, size = _large(data, image, full, at_least, frames[page])
        else:
            drafted = image.size != full
            rgb = _to_rgb(ImageOps.exif_transpose(image))
            size = upright_size(full, image.getexif().get(ORIENTATION, 1)) if drafted else rgb.size
        unused = unused_channels(image.tag_v2) if image.format == "TIFF" else 0  # pyright: ignore[reportAttributeAccessIssue]
        return rgb, About(size, None, len(frames), unused, unmarked)


def _of_tifffile(
    data: bytes | Path, at_least: int, scale: Scale, frames: list[int], page: int
) -> tuple[Image.Image | None, About]:
    deep = read_deep(data, None, frames[page])
    assert deep is not None
    return _of_deep(deep, at_least, scale, len(frames))


def _of_deep(
    deep: DeepImage, at_least: int, scale: Scale, pages: int
) -> tuple[Image.Image | None, About]:
    own = deep.own or scale.of(deep.kind)
    if own is None:
        return None, About(deep.upright_size, deep.digest(), pages, deep.unused)
    return deep.to_rgb(own, at_least), About(deep.upright_size, None, pages, deep.unused)


def count_pages(data: bytes | Path) -> int:
    """The pages of a file that are images of their own. Raises Unreadable as `decode`."""
    with _as_unreadable(), pillow_reads_large(), file_of(data) as file:
        try:
            with Image.open(file, formats=readable_formats()) as image:
                return len(page_frames(data, image))
        except UnidentifiedImageError:
            return len(tiff_frames(data)) if starts_as_tiff(data) else 1


def _large(
    data: bytes | Path, image: Image.Image, full: tuple[int, int], at_least: int, frame: int
) -> tuple[Image.Image, tuple[int, int]]:
    """A large image of 8 bits a sample as RGB, reduced, and the upright size of the original.

    PNGs and most TIFFs are read in bands. Others are in memory as a whole, at 1 to 4 bytes a pixel.
    """
    header = png.read_header(data) if image.format == "PNG" and not frame else None
    if image.format == "TIFF" and (deep := read_bands(data, image, frame)):
        return deep.to_rgb(deep.own or Range(0.0, 255.0), at_least), deep.upright_size
    if header is not None and not header.interlaced:
        bands, orientation = png.image_bands(data, header), png.orientation(data)
    else:
        image.load()  # a TIFF turns itself
        bands, orientation = bands_of(image), image.getexif().get(ORIENTATION, 1)
    rgb = reduced(map(_to_rgb, bands), factor_for(image.size, at_least))
    return turned(rgb, orientation), upright_size(full, orientation)


@contextmanager
def quiet_pillow() -> Iterator[None]:
    """Silence Pillow's warnings (corrupt EXIF, large images, …). Errors are still raised.

    Enter it once around a thread pool, not within its threads: warning filters are global.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        logging.getLogger("PIL").addHandler(_SILENCE)  # or damage goes to standard error
        yield


@contextmanager
def _as_unreadable() -> Iterator[None]:
    try:
        yield
    except (Unreadable, UserError):
        raise
    except UnidentifiedImageError as error:
        raise Unreadable("not an image") from error
    except Image.DecompressionBombError as error:
        raise Unreadable("too many pixels, perhaps a decompression bomb") from error
    except Exception as error:  # each decoder raises errors of its own
        raise Unreadable(_first_line(error)) from error


def _refusal(data: bytes | Path) -> str:
    """Why Pillow does not know a file as an image."""
    with file_of(data) as file:
        start = file.read(2**16)
    frame = _JPEG_FRAME.search(start) if start[:2] == b"\xff\xd8" else None
    if frame and frame[2][0] != 8:
        return f"a JPEG of {frame[2][0]} bits a sample, which is not read: save it as PNG or TIFF"
    if frame and frame[1][0] in _LOSSLESS:
        return "a lossless JPEG, which is not read: save it as PNG or TIFF"
    return "not an image"


# The start of a frame: its kind, and its bits a sample. See ITU-T T.81, B.2.2; T.87 for F7.
_JPEG_FRAME = re.compile(rb"\xff([\xc0-\xc3\xc5-\xc7\xc9-\xcb\xcd-\xcf\xf7])..(.)", re.DOTALL)
_LOSSLESS = (0xC3, 0xC7, 0xCB, 0xCF, 0xF7)


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode in ("La", "RGBa"):  # multiplied by the opacity
        image = image.convert({"La": "LA", "RGBa": "RGBA"}[image.mode])
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        backdrop = Image.new("RGBA", image.size, BACKDROP)
        return Image.alpha_composite(backdrop, image.convert("RGBA")).convert("RGB")
    return image.convert("RGB")


def _first_line(error: Exception) -> str:
    return (str(error) or type(error).__name__).splitlines()[0][:120]
