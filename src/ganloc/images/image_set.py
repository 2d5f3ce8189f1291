"""A set of images in memory: what every later stage takes."""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

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
        labels: class of each image, an index into `classes`, for the supervised reference alone:
            nothing that trains a GAN or reads one looks at it. None where no class is known.
        classes: ids of the classes; of a set, also those that a subset has no image of.
    """

    pixels: UInt8[np.ndarray, "n size size 3"]
    names: tuple[str, ...]
    sizes: Int[np.ndarray, "n 2"]
    truth: tuple[Float[np.ndarray, "_ 4"], ...] | None = None
    skipped: tuple[str, ...] = ()
    labels: Int[np.ndarray, " n"] | None = None
    classes: tuple[str, ...] = ()

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


def spread_over(values: np.ndarray, most: int) -> np.ndarray:
    """Up to `most` rows, one an image, evenly over the set: sets often come sorted by class."""
    return values[:: -(-len(values) // most)]


def checksum(images: ImageSet) -> int:
    """CRC-32 of the pixels: tells one set of images from another."""
    value = 0
    for part in np.array_split(images.pixels, max(1, len(images) // 1024)):
        value = zlib.crc32(part.tobytes(), value)
    return value
