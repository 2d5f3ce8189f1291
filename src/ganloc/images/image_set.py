"""A set of images in memory, the input of every later stage."""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from ganloc.images.archive import Archive
from ganloc.images.scale import Scale
from ganloc.shapes import Float, Int, UInt8

MOST_NAMED = 20  # of the files that could not be read


@dataclass(frozen=True)
class ImageSet:
    """Images resized to one square size. Their aspect ratio is not kept.

    Attributes:
        pixels: RGB, 0–255. An array, or a memory map if the set is large.
        names: path of each image, relative to its folder or archive, with "/".
        sizes: width and height of each original, in pixels, after EXIF rotation.
        truth: true boxes of each image, for evaluation only: xyxy, half-open, in pixels of the
            original. An image may have several or none. None if the set has no true boxes.
        skipped: one line for each file that could not be read, "name: reason".
        labels: class of each image, an index into `classes`. Only the supervised CAM reference uses
            them. None if the set has no classes.
        classes: ids of the classes. A subset keeps those of the whole set.
        archive: the open files, to read crops at full resolution. None if `pixels` are the
            originals.
        source: the set as the user named it.
        remarks: sentences on what else of the folder is not in the set, on names, and on how files
            were read.
        scale: of the deep images, if there are any or a model's scale was given.

    >>> images = ImageSet(
    ...     pixels=np.zeros((3, 64, 64, 3), np.uint8),
    ...     names=("a.jpg", "b.jpg", "c.jpg"),
    ...     sizes=np.array([[640, 480], [200, 100], [64, 64]]),
    ... )
    >>> len(images), images.size
    (3, 64)
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
    remarks: tuple[str, ...] = ()
    scale: Scale | None = None

    def __len__(self) -> int:
        return len(self.names)

    @property
    def size(self) -> int:
        """Side of the resized images, in pixels."""
        return self.pixels.shape[1]

    @property
    def left_out(self) -> str:
        """A message of what is not in the set: files that could not be read, and `remarks`.

        "" if everything is in it.
        """
        lines = list(self.remarks)
        if self.skipped:
            count = f"{len(self.skipped)} of {len(self) + len(self.skipped)}"
            more = len(self.skipped) - MOST_NAMED
            listed = [*self.skipped[:MOST_NAMED], *([f"and {more} more"] if more > 0 else [])]
            told = [f"{count} files could not be read (left out):", *listed]
            lines.insert(0, "\n  ".join(told))
        return "\n".join(lines)

    @cached_property
    def checksum(self) -> int:
        """CRC-32 of the pixels, which identifies the set."""
        value = 0
        for part in np.array_split(self.pixels, max(1, len(self) // 1024)):
            value = zlib.crc32(part.tobytes(), value)
        return value

    def in_pixels(self, boxes: Float[np.ndarray, "n 4"]) -> Float[np.ndarray, "n 4"]:
        """Convert boxes (xyxy) from fractions of each image to pixels of its original.

        >>> images = ImageSet(np.zeros((1, 8, 8, 3), np.uint8), ("a.jpg",), np.array([[640, 480]]))
        >>> images.in_pixels(np.array([[0.0, 0.25, 0.5, 1.0]]))
        array([[  0., 120., 320., 480.]])
        """
        return boxes * np.tile(self.sizes, 2)

    def unlabelled(self) -> "ImageSet":
        """The same images without true boxes and classes, as training sees them."""
        if self.truth is None and self.labels is None and not self.classes:
            return self  # with its checksum, which takes time
        return replace(self, truth=None, labels=None, classes=())

    def subset(self, indices: Sequence[int] | Int[np.ndarray, " k"]) -> "ImageSet":
        """The images at `indices`, in that order.

        >>> images = ImageSet(
        ...     np.zeros((3, 8, 8, 3), np.uint8), ("a", "b", "c"), np.full((3, 2), 8)
        ... )
        >>> images.subset([2, 0]).names
        ('c', 'a')
        """
        chosen = [int(i) for i in indices]
        return replace(
            self,
            pixels=self.pixels[chosen],
            names=tuple(self.names[i] for i in chosen),
            sizes=self.sizes[chosen],
            truth=None if self.truth is None else tuple(self.truth[i] for i in chosen),
            labels=None if self.labels is None else self.labels[chosen],
        )

    def truth_in_fractions(self) -> tuple[Float[np.ndarray, "_ 4"], ...]:
        """The true boxes, which the set must have, in fractions of each image."""
        assert self.truth is not None
        return tuple(
            boxes / np.tile(size, 2) for boxes, size in zip(self.truth, self.sizes, strict=True)
        )

    def evenly(self, count: int) -> "ImageSet":
        """At most `count` images, evenly spaced over the set, with its first and last image.

        >>> images = ImageSet(
        ...     np.zeros((5, 8, 8, 3), np.uint8), tuple("abcde"), np.full((5, 2), 8)
        ... )
        >>> images.evenly(3).names
        ('a', 'c', 'e')
        """
        count = min(count, len(self))
        return self.subset(np.linspace(0, len(self) - 1, count).round().astype(int))


def every_nth(values: np.ndarray, most: int) -> np.ndarray:
    """Every n-th row, with the smallest n that leaves at most `most` rows.

    Sets are often sorted by class, so the first rows would not represent the set.

    >>> every_nth(np.arange(7), 3)
    array([0, 3, 6])
    """
    return values[:: -(-len(values) // most)]
