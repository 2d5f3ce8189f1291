"""Files of any format → deep images, where 8 bits do not hold them."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from ganloc.images import png
from ganloc.images.archive import Unreadable
from ganloc.images.jpeg2000 import read_jpeg2000
from ganloc.images.large import LARGE
from ganloc.images.pnm import read_pnm
from ganloc.images.samples import ORIENTATION, DeepImage, Samples
from ganloc.images.tiff import keeps_depth, read_tiff


def read_deep(data: bytes | Path, image: Image.Image | None, frame: int = 0) -> DeepImage | None:
    """The numbers of a deep image, or None if it has 8 bits a sample, as Pillow reads it rightly.

    Args:
        data: bytes of the file, or its path.
        image: as Pillow opened it, at this frame; None for a TIFF that Pillow does not know.
        frame: counted from 0.

    Raises:
        Unreadable: the file has a depth that cannot be read rightly.
    """
    if image is None or image.format == "TIFF":
        return read_tiff(data, image, frame)
    if image.format == "JPEG2000":
        return read_jpeg2000(data, image)
    if image.format == "PPM":
        return read_pnm(data)
    if image.format == "PNG" and (header := png.read_header(data)).depth == 16:
        if frame and not keeps_depth(image):
            raise Unreadable("a further frame of a PNG of 16 bits, which is not read")
        if frame:
            return _of_pillow(image)
        size = image.size
        large = image.width * image.height > LARGE  # Pillow would decode it to find EXIF
        orientation = png.orientation(data) if large else image.getexif().get(ORIENTATION, 1)
        return DeepImage.of(_png_bands(data, header), size, np.dtype(np.uint16), orientation)
    if not keeps_depth(image):
        return None
    return _of_pillow(image)


def _of_pillow(image: Image.Image) -> DeepImage:
    values, orientation = np.asarray(image), image.getexif().get(ORIENTATION, 1)
    bands = iter([Samples(values[..., None])])
    return DeepImage.of(bands, image.size, values.dtype, orientation)


def _png_bands(data: bytes | Path, header: png.Header) -> Iterator[Samples]:
    for band in png.bands_16(data, header):
        values, alpha = band, None
        if header.colour in (png.GREY_ALPHA, png.RGBA):
            values, alpha = band[..., :-1], band[..., -1]
        elif header.transparency:
            clear = np.frombuffer(header.transparency, ">u2")[: band.shape[2]]
            alpha = np.any(band != clear, axis=2) * np.uint16(65535)
        yield Samples(values, alpha, opaque=65535.0)
