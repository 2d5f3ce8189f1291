"""TIFFs that are deep, or of a kind that Pillow does not know, as numbers."""

import logging
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImagePalette

from ganloc.images import tiff_tags as tag
from ganloc.images.archive import Unreadable
from ganloc.images.large import check_size, file_of
from ganloc.images.samples import ORIENTATION, DeepImage, Samples

_STARTS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_NEEDS_CODECS = "a kind of TIFF that needs `pip install ganloc[tiff]`"

_KINDS = {
    **{tag.MAPPED: "palette", 4: "mask", tag.CMYK: "CMYK", 6: "YCbCr"},
    **{8: "Lab", 9: "Lab", 32803: "raw"},
}
_OPTIONAL = (34925, 50000, 50001)  # compressions that Pillow may have been built without
_MOST_SAMPLES = 16  # a pixel: bounds the memory
_BAND = 2**22  # bytes of a file that are unpacked at a time


def starts_as_tiff(data: bytes | Path) -> bool:
    """Whether a file begins as a TIFF does."""
    with file_of(data) as file:
        return file.read(4) in _STARTS


def read_tiff(data: bytes | Path, image: Image.Image | None, frame: int) -> DeepImage | None:
    """The numbers of a TIFF, or None if Pillow reads it rightly, perhaps after a correction here.

    Args:
        data: bytes of the file, or its path.
        image: as Pillow opened it, at this frame; None if Pillow does not know it.
        frame: counted from 0.

    Raises:
        Unreadable: the TIFF is of a kind that is not read.
    """
    tags = None if image is None else dict(image.tag_v2)  # pyright: ignore[reportAttributeAccessIssue]
    if image is not None and tags is not None:
        if tag.first(tags, tag.DEPTH, 1) > 1:
            raise Unreadable("a TIFF of a volume, which is not read")
        if not tag.is_deep(tags):
            return _eight_bits(data, image, tags, frame)
        if tags.get(tag.PHOTOMETRIC) == tag.CMYK and image.mode == "CMYK":
            return None  # of 16 bits, always on their whole scale: Pillow halves them rightly
    try:
        return _by_tifffile(data, frame)
    except _NeedsPackage as error:
        if image is None or tags is None or not keeps_depth(image) or _swaps(data, tags):
            raise Unreadable(_NEEDS_CODECS) from error
    values = np.asarray(image)
    if image.mode == "I" and tag.first(tags, tag.FORMAT, tag.UNSIGNED) == tag.UNSIGNED:
        values = values.view(np.uint32)
    elif image.mode == "I" and tag.first(tags, tag.BITS, 1) == 16:
        values = values.astype(np.int16)
    # Pillow has turned it.
    return _deep_image(iter([values[..., None]]), image.size, values.dtype, 1, tags, 1)


def read_bands(data: bytes | Path, image: Image.Image, frame: int) -> DeepImage | None:
    """A TIFF of 1 or 8 bits a sample in bands; None if it cannot be read so."""
    tags = image.tag_v2  # pyright: ignore[reportAttributeAccessIssue]
    if tag.first(tags, tag.BITS, 1) not in (1, 8) or tags.get(tag.PHOTOMETRIC) not in tag.CHANNELS:
        return None
    try:
        return _by_tifffile(data, frame)
    except (_NeedsPackage, Unreadable):
        return None


def keeps_depth(image: Image.Image) -> bool:
    """Whether Pillow holds more than 8 bits a sample of this image."""
    return image.mode in ("I", "F") or image.mode.startswith("I;16")


def _swaps(data: bytes | Path, tags: tag.Tags) -> bool:
    """Whether Pillow mixes up the bytes of a number: it swaps what its decoder has swapped."""
    with file_of(data) as file:
        is_big_endian = file.read(2) == b"MM"
    unpacked = tag.first(tags, tag.COMPRESSION, 1) != 1
    return is_big_endian and unpacked and tag.first(tags, tag.BITS, 1) > 16


def _eight_bits(
    data: bytes | Path, image: Image.Image, tags: tag.Tags, frame: int
) -> DeepImage | None:
    """A TIFF of 8 bits a sample and fewer. None if Pillow reads it rightly."""
    optional = tag.first(tags, tag.COMPRESSION, 1) in _OPTIONAL
    if optional:
        if deep := read_bands(data, image, frame):
            return deep
        try:
            image.load()
        except OSError as error:
            raise Unreadable(_NEEDS_CODECS) from error
    if image.mode == "P":
        _correct_palette(image, tags)
    missing, bits = tag.no_data(tags), tag.first(tags, tag.BITS, 1)
    if missing is None or image.mode not in ("L", "RGB"):
        return None
    missing *= 255 / (2**bits - 1)  # Pillow has stretched fewer bits to 8
    if tags.get(tag.PHOTOMETRIC) == tag.MIN_IS_WHITE:
        missing = 255 - missing  # Pillow has inverted it, and turned it
    values = np.atleast_3d(np.asarray(image))
    return DeepImage.of(iter([Samples(values, no_data=missing)]), image.size, values.dtype)


def _correct_palette(image: Image.Image, tags: tag.Tags) -> None:
    """Colours of 16 bits that were written as if of 8, and an index for no value."""
    colours, missing = tag.several(tags, tag.PALETTE), tag.no_data(tags)
    if colours and max(colours) < 256:
        image.palette = ImagePalette.raw("RGB;L", bytes(colours))
    if missing is not None and missing in range(256):
        image.info["transparency"] = int(missing)


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
        pages = tifffile.TiffFile(file).pages
        virtual = frame if len(pages) == 1 else 0  # of a stack of ImageJ behind its first page
        page = pages[frame - virtual].aspage()
        _check_page(page)
        bands = _tifffile_bands(page) if not virtual else _contiguous_bands(page, virtual)
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

    tags = {own.code: own.value for own in page.tags}
    size, orientation = (page.imagewidth, page.imagelength), tag.first(tags, ORIENTATION, 1)
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
        values = page.asarray(maxworkers=1)
        yield _as_numbers(np.moveaxis(values, page.axes.index("S"), -1))
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
        if values is not None and width == page.imagewidth:  # a strip
            yield _as_numbers(values[0, :height])
            continue
        if band is None:
            band, top = np.zeros((height, *shape), page.dtype), y
        if values is None:  # left out of the file
            band[:, x : x + width] = page.nodata
        else:
            band[:, x : x + width] = values[0, :height, :width]
    if band is not None:
        yield _as_numbers(band)


def _contiguous_bands(page: Any, further: int = 0) -> Iterator[np.ndarray]:
    """Rows of a page that lies in its file as it is, often as one strip; or of one behind it."""
    file, dtype = page.parent.filehandle, np.dtype(page.parent.byteorder + page.dtype.char)
    row = page.imagewidth * page.samplesperpixel
    rows = max(1, _BAND // (row * dtype.itemsize))
    file.seek(page.dataoffsets[0] + further * row * page.imagelength * dtype.itemsize)
    for top in range(0, page.imagelength, rows):
        count = min(rows, page.imagelength - top)
        data = file.read(count * row * dtype.itemsize)
        values = np.frombuffer(data, dtype)  # too short for whole rows: reshape raises ValueError
        yield values.reshape(count, page.imagewidth, -1).astype(page.dtype, copy=False)


def _in_bands(bands: Iterator[np.ndarray]) -> Iterator[np.ndarray]:
    """The same rows, few enough at a time to convert: a strip may hold the whole image."""
    for band in bands:
        rows = max(1, _BAND // band[0].nbytes)
        yield from (band[top : top + rows] for top in range(0, len(band), rows))


def _as_numbers(values: np.ndarray) -> np.ndarray:
    return values.astype(np.uint8) if values.dtype == bool else values


def _deep_image(
    bands: Iterator[np.ndarray],
    size: tuple[int, int],
    dtype: np.dtype,
    orientation: int,
    tags: tag.Tags,
    samples: int,
) -> DeepImage:
    """An image of bands (rows, width, samples) with the meaning that its tags give them."""
    photometric = tag.first(tags, tag.PHOTOMETRIC, tag.MIN_IS_BLACK)
    bits = tag.first(tags, tag.BITS, 1)
    channels = tag.CHANNELS.get(photometric)
    if channels is None:
        kind = _KINDS.get(photometric, f"photometric {photometric}")
        raise Unreadable(f"a {kind} TIFF of {bits} bits, which is not read: save it as RGB or grey")
    extra = tag.several(tags, tag.EXTRA)
    if not channels <= samples <= channels + len(extra):
        raise Unreadable(
            f"{samples} samples a pixel that are neither grey nor RGB: save three of them as RGB"
        )
    kinds = (tag.MULTIPLIED, tag.ALPHA)
    places = [channels + n for n in range(samples - channels) if extra[n] in kinds]
    shared: dict[str, Any] = {
        "no_data": tag.no_data(tags),
        "min_is_white": photometric == tag.MIN_IS_WHITE,
        "bits": bits if bits not in (8, 16, 24, 32, 64) else 0,
        "limits": tag.limits(dtype, tags),
        "opaque": 1.0 if dtype.kind == "f" else 2.0 ** (bits - (dtype.kind == "i")) - 1,
        "multiplied": bool(places) and extra[places[0] - channels] == tag.MULTIPLIED,
    }

    def described() -> Iterator[Samples]:
        for rows in _in_bands(bands):
            alpha = rows[..., places[0]] if places else None
            yield Samples(rows[..., :channels], alpha, **shared)

    unused = tag.unused_channels(tags)
    return DeepImage.of(described(), size, dtype, orientation, min(bits, 8), unused)
