"""Bytes of an image file → RGB pixels."""

import io
import math
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

from ganloc.images.archive import Unreadable
from ganloc.images.kinds import readable_formats
from ganloc.shapes import Float, UInt8

# Behind transparent pixels. Neither dark nor light objects vanish on mid-grey.
BACKDROP = (128, 128, 128, 255)

# A JPEG may be decoded at 1/2, 1/4 or 1/8 of its size, which is faster. At least MARGIN × `size`
# pixels must remain: rounding then shifts the result by less than a quarter of a pixel.
MARGIN = 4

WHOLE = np.array([0.0, 0.0, 1.0, 1.0])


def decode(
    data: bytes, size: int, crop: Float[np.ndarray, "4"] = WHOLE
) -> tuple[UInt8[np.ndarray, "size size 3"], tuple[int, int]]:
    """Decode an image and resize it to `size` × `size` with antialiasing.

    Call it inside `quiet_pillow()`: Pillow warns about files that are slightly damaged.

    Args:
        data: bytes of the file.
        size: side of the result in pixels, at least 1.
        crop: the rectangle to resize, xyxy in fractions of the upright image.

    Returns:
        RGB pixels, 0–255, upright; width and height of the upright original, in pixels.

    Raises:
        Unreadable: not an image, a damaged image, or a decompression bomb.
    """
    shown = float((crop[2:] - crop[:2]).min())
    image, original = open_rgb(data, at_least=math.ceil(MARGIN * size / max(shown, 1e-6)))
    box = tuple((crop * np.tile(image.size, 2)).tolist())
    return np.asarray(image.resize((size, size), Image.Resampling.BICUBIC, box)), original


def open_rgb(data: bytes, at_least: int) -> tuple[Image.Image, tuple[int, int]]:
    """Open an image as upright RGB, with the width and height of the upright original.

    A JPEG may be decoded at a reduced size, with no side below `at_least` pixels unless the
    original is smaller. Only the first frame is read. Raises Unreadable as `decode`.
    """
    try:
        with Image.open(io.BytesIO(data), formats=readable_formats()) as image:
            _refuse_bomb(image)
            full = image.size
            image.draft(image.mode, (at_least, at_least))  # changes JPEGs only
            drafted = image.size != full
            upright = ImageOps.exif_transpose(image)
            if not drafted:
                return _to_rgb(upright), upright.size
            turned = image.getexif().get(ExifTags.Base.Orientation) in (5, 6, 7, 8)
            return _to_rgb(upright), (full[1], full[0]) if turned else full
    except Unreadable:
        raise
    except UnidentifiedImageError as error:
        raise Unreadable("not an image") from error
    except Image.DecompressionBombError as error:
        raise Unreadable("too many pixels, perhaps a decompression bomb") from error
    except Exception as error:  # each decoder raises errors of its own
        raise Unreadable(_first_line(error)) from error


@contextmanager
def quiet_pillow() -> Iterator[None]:
    """Silence Pillow's warnings (corrupt EXIF, large images, …). Errors are still raised.

    Enter it once around a thread pool, not within its threads: warning filters are global.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _refuse_bomb(image: Image.Image) -> None:
    # Pillow only warns at this number, and raises at twice as many pixels.
    most = Image.MAX_IMAGE_PIXELS
    if most is not None and image.width * image.height > most:
        raise Unreadable("too many pixels, perhaps a decompression bomb")


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode in ("I", "F") or image.mode.startswith("I;16"):
        return Image.fromarray(_to_8_bits(np.asarray(image, np.float64))).convert("RGB")
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        backdrop = Image.new("RGBA", image.size, BACKDROP)
        return Image.alpha_composite(backdrop, image.convert("RGBA")).convert("RGB")
    return image.convert("RGB")


def _to_8_bits(
    values: Float[np.ndarray, "height width"],
) -> UInt8[np.ndarray, "height width"]:
    """Grey of more than 8 bits → 0–255.

    Integers are divided by the full scale of the smallest usual depth (8, 10, 12, 14, 16 bits)
    that holds them. 12-bit cameras write 16-bit files, which would look nearly black if divided by
    65535. All other values (floats, negative or larger numbers) have no known scale. They are
    stretched from their minimum to their maximum.
    """
    values = np.nan_to_num(values, posinf=0.0, neginf=0.0)
    whole = bool(np.all(values == np.round(values)))
    low, high = 0.0, float(values.max())
    if whole and values.min() >= 0 and high < 2**16:
        high = next(2.0**bits - 1 for bits in (8, 10, 12, 14, 16) if high < 2**bits)
    else:
        low = float(values.min())
    return np.round((values - low) * (255 / ((high - low) or 1))).astype(np.uint8)


def _first_line(error: Exception) -> str:
    return (str(error) or type(error).__name__).splitlines()[0][:120]
