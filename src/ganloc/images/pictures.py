"""A set of pictures in memory: what every later stage takes."""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ganloc.shapes import Float, Int, UInt8


@dataclass(frozen=True)
class Pictures:
    """Pictures decoded once and squeezed to one square size.

    Attributes:
        pixels: RGB, 0–255. A plain array, or a memory map where the set is large.
        names: where each picture came from, relative to its folder or archive, with "/".
        sizes: width and height of each original, in pixels, after EXIF rotation.
        truth: true boxes of each picture for *scoring only*: xyxy, half-open, in pixels of the
            original; a picture may have several or none. None where no truth is known.
        skipped: one line for each file that could not be read, "name: reason".
        labels: class of each picture, an index into `classes`, for the supervised reference alone:
            nothing that trains a GAN or reads one looks at it. None where no class is known.
        classes: ids of the classes; of a set, also those that a subset has no picture of.
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
        """Side of the squeezed pictures, in pixels."""
        return self.pixels.shape[1]

    @property
    def left_out(self) -> str:
        """What to tell of the files that could not be read, a line each; "" where all could."""
        if not self.skipped:
            return ""
        count = f"{len(self.skipped)} of {len(self) + len(self.skipped)}"
        return "\n  ".join([f"{count} files could not be read (left out):", *self.skipped])

    def unlabelled(self) -> "Pictures":
        """The same pictures as training may see them: without true boxes and classes."""
        return replace(self, truth=None, labels=None, classes=())

    def subset(self, indices: Sequence[int] | Int[np.ndarray, " k"]) -> "Pictures":
        """The pictures at `indices`, in that order."""
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
    """Up to `most` rows, one a picture, evenly over the set: sets often come sorted by class."""
    return values[:: -(-len(values) // most)]


def checksum(pictures: Pictures) -> int:
    """CRC-32 of the pixels: tells one set of pictures from another."""
    value = 0
    for part in np.array_split(pictures.pixels, max(1, len(pictures) // 1024)):
        value = zlib.crc32(part.tobytes(), value)
    return value
