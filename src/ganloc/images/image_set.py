"""A set of images in memory: what every later stage takes."""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from ganloc.images.archive import Archive
from ganloc.shapes import Float, Int, UInt8


@dataclass(frozen=True)
class ImageSet:
    """Images decoded once and squeezed to one square size.

    Attributes:
        pixels: RGB, 0–255. A plain array, or a memory map where the set is large.
        names: where each image came from, relative to its folder or archive, with "/".
        sizes: width and height of each original, in pixels, after EXIF rotation.
        truth: true boxes of each image for *scoring only*: xyxy, half-open, in pixels of the
            original; an image may have several or none. None where no truth is known.
        skipped: one line for each file that could not be read, "name: reason".
        labels: class of each image, an index into `classes`, for the supervised CAM reference
            alone: no GAN and no reading looks at it. None where no class is known.
        classes: ids of the classes; of a set, also those that a subset has no image of.
        archive: the files, still open, so that parts of them can be read at full resolution. None
            where there are none beyond `pixels`, or they show nothing more.
        source: what the user called the set.
    """

    pixels: UInt8[np.ndarray, "n size size 3"]
    names: tuple[str, ...]
    sizes: Int[np.ndarray, "n 2"]
    truth: tuple[Float[np.ndarray, "_ 4"], ...] | None = None
    skipped: tuple[str, ...] = ()
    labels: Int[np.ndarray, " n"] | None = None
    classes: tuple[str, ...] = ()
    archive: Archive | None = None
    source: str = ""

    def __len__(self) -> int:
        return len(self.names)

    @property
    def size(self) -> int:
        """Side of the squeezed images, in pixels."""
        return self.pixels.shape[1]

    @property
    def left_out(self) -> str:
        """What to tell of the files that could not be read, a line each; "" where all could."""
        if not self.skipped:
            return ""
        count = f"{len(self.skipped)} of {len(self) + len(self.skipped)}"
        return "\n  ".join([f"{count} files could not be read (left out):", *self.skipped])

    @cached_property
    def checksum(self) -> int:
        """CRC-32 of the pixels: tells one set of images from another."""
        value = 0
        for part in np.array_split(self.pixels, max(1, len(self) // 1024)):
            value = zlib.crc32(part.tobytes(), value)
        return value

    def in_pixels(self, boxes: Float[np.ndarray, "n 4"]) -> Float[np.ndarray, "n 4"]:
        """Boxes from fractions of each image to pixels of its original."""
        return boxes * np.tile(self.sizes, 2)

    def unlabelled(self) -> "ImageSet":
        """The same images as training may see them: without true boxes and classes."""
        return replace(self, truth=None, labels=None, classes=())

    def subset(self, indices: Sequence[int] | Int[np.ndarray, " k"]) -> "ImageSet":
        """The images at `indices`, in that order."""
        chosen = [int(i) for i in indices]
        return replace(
            self,
            pixels=self.pixels[chosen],
            names=tuple(self.names[i] for i in chosen),
            sizes=self.sizes[chosen],
            truth=None if self.truth is None else tuple(self.truth[i] for i in chosen),
            labels=None if self.labels is None else self.labels[chosen],
        )

    def evenly(self, count: int) -> "ImageSet":
        """`count` images (or all, if fewer) evenly over the set, its first and last among them."""
        count = min(count, len(self))
        return self.subset(np.linspace(0, len(self) - 1, count).round().astype(int))


def every_nth(values: np.ndarray, most: int) -> np.ndarray:
    """Every n-th row, with the smallest n that leaves at most `most`.

    Sets often come sorted by class, so that the first rows alone would not stand for all.
    """
    return values[:: -(-len(values) // most)]
