"""TIFFs that are deep, or of a kind that Pillow does not know, as numbers."""

import logging
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from ganloc.images.archive import Unreadable
from ganloc.images.large import check_size, file_of
from ganloc.images.samples import ORIENTATION, DeepImage, Samples

_STARTS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_NEEDS_CODECS = "a kind of TIFF that needs `pip install ganloc[tiff]`"

# Tags (TIFF 6.0; 42113 is GDAL's) and their values.
_BITS, _PHOTOMETRIC, _EXTRA, _FORMAT = 258, 262, 338, 339
_LOWEST, _HIGHEST, _NO_DATA = 340, 341, 42113
_UNSIGNED, _UNDEFINED = 1, 4
_MIN_IS_WHITE, _MIN_IS_BLACK, _RGB, _CMYK = 0, 1, 2, 5
_CHANNELS = {_MIN_IS_WHITE: 1, _MIN_IS_BLACK: 1, _RGB: 3}
_KINDS = {3: "palette", 4: "mask", _CMYK: "CMYK", 6: "YCbCr", 8: "Lab", 9: "Lab", 32803: "raw"}
_ALPHA = (1, 2)
_MOST_SAMPLES = 16  # a pixel: bounds the memory
_BAND = 2**22  # bytes of a file that are unpacked at a time

_Tags = Mapping[int, Any]


def starts_as_tiff(data: bytes | Path) -> bool:
    """Whether a file begins as a TIFF does."""
    with file_of(data) as file:
        return file.read(4) in _STARTS


def read_tiff(data: bytes | Path, image: Image.Image | None, frame: int) -> DeepImage | None:
    """The numbers of a TIFF, or None if Pillow reads it rightly.

    Args:
        data: bytes of the file, or its path.
        image: as Pillow opened it, at this frame; None if Pillow does not know it.
        frame: counted from 0.

    Raises:
        Unreadable: the TIFF is of a kind that is not read.
    """
    tags = None if image is None else dict(image.tag_v2)  # pyright: ignore[reportAttributeAccessIssue]
    if image is not None and tags is not None:
        if not _is_deep(tags):
            return _eight_bits(image, tags) if _NO_DATA in tags else None
        if tags.get(_PHOTOMETRIC) == _CMYK and image.mode == "CMYK":
            return None  # of 16 bits, always on their whole scale: Pillow halves them rightly
    try:
        return _by_tifffile(data, frame)
    except _NeedsPackage as error:
        if image is None or tags is None or not keeps_depth(image):
            raise Unreadable(_NEEDS_CODECS) from error
    values = np.asarray(image)
    if image.mode == "I" and _first(tags, _FORMAT, _UNSIGNED) == _UNSIGNED:
        values = values.view(np.uint32)
    elif image.mode == "I" and _first(tags, _BITS, 1) == 16:
        values = values.astype(np.int16)
    # Pillow has turned it.
    return _deep_image(iter([values[..., None]]), image.size, values.dtype, 1, tags, 1)


def read_bands(data: bytes | Path, image: Image.Image, frame: int) -> DeepImage | None:
    """A TIFF of 1 or 8 bits a sample in bands; None if it cannot be read so."""
    tags = image.tag_v2  # pyright: ignore[reportAttributeAccessIssue]
    if _first(tags, _BITS, 1) not in (1, 8) or tags.get(_PHOTOMETRIC) not in _CHANNELS:
        return None
    try:
        return _by_tifffile(data, frame)
    except (_NeedsPackage, Unreadable):
        return None


def keeps_depth(image: Image.Image) -> bool:
    """Whether Pillow holds more than 8 bits a sample of this image."""
    return image.mode in ("I", "F") or image.mode.startswith("I;16")


def _is_deep(tags: _Tags) -> bool:
    kinds = tags.get(_FORMAT, _UNSIGNED)
    kinds = kinds if isinstance(kinds, tuple) else (kinds,)
    return _first(tags, _BITS, 1) > 8 or not set(kinds) <= {_UNSIGNED, _UNDEFINED}


def _eight_bits(image: Image.Image, tags: _Tags) -> DeepImage | None:
    """An 8-bit TIFF with a number for no value. None if it needs no such care."""
    no_data = _no_data(tags)
    if no_data is None or image.mode not in ("L", "RGB"):
        return None
    if tags.get(_PHOTOMETRIC) == _MIN_IS_WHITE:
        no_data = 255 - no_data  # Pillow has inverted it, and turned it
    values = np.atleast_3d(np.asarray(image))
    return DeepImage.of(iter([Samples(values, no_data=no_data)]), image.size, values.dtype, 1)


class _NeedsPackage(Exception):
    """A TIFF that only an optional package reads."""


def _by_tifffile(data: bytes | Path, frame: int) -> DeepImage:
    try:
        import tifffile
    except ImportError as error:
        raise _NeedsPackage from error
    logging.getLogger("tifffile").addHandler(logging.NullHandler())  # or damage goes to stderr
    with ExitStack() as stack:
        file = stack.enter_context(file_of(data))
        page = tifffile.TiffFile(file).pages[frame].aspage()
        _check_page(page)
        bands = _tifffile_bands(page)
        try:  # what is missing shows when the first rows are unpacked
            first = next(bands)
        except (ValueError, NotImplementedError) as error:
            if "imagecodecs" in str(error):
                raise _NeedsPackage from error
            raise
        opened = stack.pop_all()

    def all_bands() -> Iterator[np.ndarray]:
        with opened:
            yield first
            yield from bands

    tags = {tag.code: tag.value for tag in page.tags}
    size, orientation = (page.imagewidth, page.imagelength), _first(tags, ORIENTATION, 1)
    try:
        return _deep_image(all_bands(), size, first.dtype, orientation, tags, page.samplesperpixel)
    except Unreadable:
        opened.close()
        raise


def _check_page(page: Any) -> None:
    """Refuse what would need too much memory, and numbers that are not shown."""
    check_size((page.imagewidth, page.imagelength))
    check_size((page.tilewidth, page.tilelength))
    if page.dtype is None or page.dtype.kind not in "buif" or page.imagedepth > 1:
        raise Unreadable(f"a TIFF of {page.dtype or 'unknown'} numbers, which is not read")
    if page.samplesperpixel > _MOST_SAMPLES:
        raise Unreadable(f"{page.samplesperpixel} samples a pixel, which are not read")


def _tifffile_bands(page: Any) -> Iterator[np.ndarray]:
    """Rows of a page (rows, width, samples), a strip or a row of tiles at a time."""
    if page.planarconfig == 2 and page.samplesperpixel > 1:
        yield np.moveaxis(page.asarray(maxworkers=1), page.axes.index("S"), -1)
        return
    if page.is_contiguous and page.planarconfig == 1:
        yield from _contiguous_bands(page)
        return
    shape, band, top = (page.imagewidth, page.samplesperpixel), None, 0
    for values, (_, _, y, x, _), (_, height, width, _) in page.segments(
        maxworkers=1, buffersize=_BAND
    ):
        if band is not None and y != top:
            yield _as_numbers(band)
            band = None
        height, width = min(height, page.imagelength - y), min(width, page.imagewidth - x)
        if band is None:
            band, top = np.zeros((height, *shape), page.dtype), y
        if values is None:  # left out of the file
            band[:, x : x + width] = page.nodata
        else:
            band[:, x : x + width] = values[0, :height, :width]
    if band is not None:
        yield _as_numbers(band)


def _contiguous_bands(page: Any) -> Iterator[np.ndarray]:
    """Rows of a page that lies in its file as it is, often as one strip."""
    file, dtype = page.parent.filehandle, np.dtype(page.parent.byteorder + page.dtype.char)
    row = page.imagewidth * page.samplesperpixel
    rows = max(1, _BAND // (row * dtype.itemsize))
    file.seek(page.dataoffsets[0])
    for top in range(0, page.imagelength, rows):
        count = min(rows, page.imagelength - top)
        data = file.read(count * row * dtype.itemsize)
        values = np.frombuffer(data, dtype)  # too short for whole rows: reshape raises ValueError
        yield values.reshape(count, page.imagewidth, -1).astype(page.dtype, copy=False)


def _as_numbers(values: np.ndarray) -> np.ndarray:
    return values.astype(np.uint8) * 255 if values.dtype == bool else values


def _deep_image(
    bands: Iterator[np.ndarray],
    size: tuple[int, int],
    dtype: np.dtype,
    orientation: int,
    tags: _Tags,
    samples: int,
) -> DeepImage:
    """An image of bands (rows, width, samples) with the meaning that its tags give them."""
    photometric, bits = int(tags.get(_PHOTOMETRIC, _MIN_IS_BLACK)), _first(tags, _BITS, 1)
    channels = _CHANNELS.get(photometric)
    if channels is None:
        kind = _KINDS.get(photometric, f"photometric {photometric}")
        raise Unreadable(f"a {bits}-bit {kind} TIFF, which is not read: save it as RGB or grey")
    extra = tags.get(_EXTRA, ())
    extra = tuple(map(int, extra if isinstance(extra, tuple) else (extra,)))
    if not channels <= samples <= channels + len(extra):
        raise Unreadable(
            f"{samples} samples a pixel that are neither grey nor RGB: save three of them as RGB"
        )
    places = [channels + n for n in range(samples - channels) if extra[n] in _ALPHA]
    opaque = 1.0 if dtype.kind == "f" else 2.0**bits - 1
    told = bits if bits not in (8, 16, 24, 32, 64) else 0

    def described() -> Iterator[Samples]:
        for band in bands:
            values, alpha = band[..., :channels], None
            if places:
                alpha = (band[..., places[0]] / opaque).clip(0, 1).astype(np.float32)
            white, limits = photometric == _MIN_IS_WHITE, _limits(dtype, tags)
            yield Samples(values, alpha, _no_data(tags), white, told, limits)

    return DeepImage.of(described(), size, dtype, orientation)


def _first(tags: _Tags, tag: int, otherwise: int) -> int:
    value = tags.get(tag, otherwise)
    return int(value[0] if isinstance(value, tuple) else value)


def _no_data(tags: _Tags) -> float | None:
    text = tags.get(_NO_DATA)
    try:
        return None if text is None else float(str(text).strip("\0 "))
    except ValueError:
        return None


def _limits(dtype: np.dtype, tags: _Tags) -> tuple[float, float] | None:
    """Black and white by the tags SMinSampleValue and SMaxSampleValue."""
    low, high = tags.get(_LOWEST), tags.get(_HIGHEST)
    if high is None or (low is None and dtype.kind != "u"):
        return None
    low = min(map(float, low if isinstance(low, tuple) else (low or 0,)))
    high = max(map(float, high if isinstance(high, tuple) else (high,)))
    return (low, high) if np.isfinite([low, high]).all() and low < high else None
