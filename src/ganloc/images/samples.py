"""Deep images as numbers: more than 8 bits a sample, signs, floats, or numbers for no value."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from PIL import ExifTags, Image, ImageOps

from ganloc.images.digest import Digest
from ganloc.images.large import factor_for, reduced
from ganloc.images.scale import Range
from ganloc.shapes import Bool

# Behind transparent pixels and missing values. Neither dark nor light objects vanish on mid-grey.
BACKDROP = (128, 128, 128, 255)
ORIENTATION = ExifTags.Base.Orientation


@dataclass(frozen=True)
class Samples:
    """Some rows of a deep image, with the numbers of the file.

    Attributes:
        values: one channel (grey) or three (RGB).
        alpha: opacity as the file has it; None without an alpha channel.
        opaque: the alpha that is opaque, if the set's range has no other.
        multiplied: whether the values are multiplied by the opacity.
        no_data: the file's number for no value; None without one.
        min_is_white: whether the smallest number is white.
        bits: the depth that the file tells; 0 if it does not.
        limits: black and white that the file tells; None if it does not.
    """

    values: np.ndarray
    alpha: np.ndarray | None = None
    opaque: float = 1.0
    multiplied: bool = False
    no_data: float | None = None
    min_is_white: bool = False
    bits: int = 0
    limits: tuple[float, float] | None = None

    @property
    def missing(self) -> Bool[np.ndarray, "height width"]:
        """Where there is no value: not a finite number, or the file's number for that."""
        found = np.zeros(self.values.shape[:2], bool)
        if self.values.dtype.kind == "f":
            found |= ~np.all(np.isfinite(self.values), axis=2)
        if self.no_data is not None:
            found |= _all_are(self.values, self.no_data)
        return found

    def digest(self) -> Digest:
        """What these rows say about the scale of their set."""
        missing = self.missing
        counted = ~missing if self.alpha is None else ~missing & (self.alpha > 0)
        values = self.values if counted.all() else self.values[counted]
        told = {"bits": self.bits, "limits": self.limits, "min_is_white": self.min_is_white}
        alpha = 0.0 if self.alpha is None else float(self.alpha.max())
        return Digest.of(values, int(missing.sum()), alpha=alpha, **told)

    def to_rgb(self, own: Range) -> Image.Image:
        """The rows as RGB. Missing values are shown as the backdrop."""
        values, opacity = self.values, None
        if self.alpha is not None:
            opacity = (self.alpha / (own.opaque or self.opaque)).clip(0, 1)[..., None]
            if self.multiplied:
                values = values / np.where(opacity > 0, opacity, 1)
        shown = own.to_8_bits(values)
        if self.min_is_white:
            shown = 255 - shown
        shown = np.broadcast_to(shown, (*shown.shape[:2], 3)).copy()
        if opacity is not None:
            shown = np.round(shown * opacity + BACKDROP[0] * (1 - opacity)).astype(np.uint8)
        missing = self.missing
        for number in own.missing:
            missing |= _all_are(self.values, number)
        shown[missing] = BACKDROP[:3]
        return Image.fromarray(shown)


@dataclass(frozen=True)
class DeepImage:
    """A deep image that is read once, from above.

    Attributes:
        bands: its rows.
        size: width and height as stored.
        kind: "integers" or "floats".
        orientation: by EXIF, 1 to 8.
        own: its range, if that is not a matter of the set, as for images of 8 bits and fewer.
        unused: channels of the file that are neither colour nor opacity.
    """

    bands: Iterator[Samples]
    size: tuple[int, int]
    kind: str
    orientation: int = 1
    own: Range | None = None
    unused: int = 0

    @classmethod
    def of(
        cls,
        bands: Iterator[Samples],
        size: tuple[int, int],
        dtype: np.dtype,
        orientation: int = 1,
        bits: int = 8,
        unused: int = 0,
    ) -> "DeepImage":
        """An image of numbers of a dtype, of so many bits if it is one of 8.

        An unknown orientation counts as 1.
        """
        kind = "floats" if dtype.kind == "f" else "integers"
        own = {"u": Range(0.0, 2.0**bits - 1), "i": Range(-128.0, 127.0)}.get(dtype.kind)
        orientation = orientation if orientation in range(1, 9) else 1
        return cls(bands, size, kind, orientation, own if dtype.itemsize == 1 else None, unused)

    @property
    def upright_size(self) -> tuple[int, int]:
        """Width and height of the upright image."""
        return upright_size(self.size, self.orientation)

    def digest(self) -> Digest:
        """What the image says about the scale of its set."""
        return Digest.joined([band.digest() for band in self.bands])

    def to_rgb(self, own: Range, at_least: int) -> Image.Image:
        """The image as upright RGB, a large one reduced (`factor_for`)."""
        factor = factor_for(self.size, at_least)
        image = reduced((band.to_rgb(own) for band in self.bands), factor)
        return turned(image, self.orientation)


def upright_size(size: tuple[int, int], orientation: int) -> tuple[int, int]:
    """Width and height after turning an image of that size upright."""
    return (size[1], size[0]) if orientation in (5, 6, 7, 8) else size


def turned(image: Image.Image, orientation: int) -> Image.Image:
    """An image turned upright from an EXIF orientation."""
    if orientation == 1:
        return image
    image.getexif()[ORIENTATION] = orientation
    return ImageOps.exif_transpose(image)


def _all_are(values: np.ndarray, number: float) -> Bool[np.ndarray, "height width"]:
    """Where all channels are a number. Text in tags may have cut the digits of a float."""
    if values.dtype.kind == "f":
        values, number = np.isclose(values, number, rtol=1e-5, atol=0, equal_nan=True), True
    return np.all(values == number, axis=2)
