"""DATA, as a user writes it → ImageSet."""

import os
import re
import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ganloc.arguments import as_path, expanded, mode_of
from ganloc.errors import Notice, UserError
from ganloc.images.cifar10 import load_cifar10
from ganloc.images.folder import load_folder
from ganloc.images.image_set import ImageSet
from ganloc.images.scale import Scale
from ganloc.images.synthetic import draw_images
from ganloc.images.tiny_imagenet import load_tiny_imagenet
from ganloc.images.truth import read_coco
from ganloc.wording import either, shown, shown_path

# Environment variables with the path of an archive.
TINY_IMAGENET = "GANLOC_TINY_IMAGENET"
CIFAR10 = "GANLOC_CIFAR10"
KNOWN = "tiny-imagenet:SET, cifar10:CATEGORY or embedded"


@dataclass(frozen=True)
class _Published:
    """A published data set: its title, its archive, and the environment variable with its path.

    `load` takes the path of the archive, the name of a set, the split and the size.
    """

    title: str
    archive: str
    variable: str
    load: Callable[[Path, str, str, int], ImageSet]
    has_boxes: bool


_PUBLISHED = {
    "tiny-imagenet": _Published(
        "Tiny ImageNet", "tiny-imagenet-200.zip", TINY_IMAGENET, load_tiny_imagenet, True
    ),
    "cifar10": _Published("CIFAR-10", "cifar-10-binary.tar.gz", CIFAR10, load_cifar10, False),
}

# Count and seed of the drawn images. The default reading was chosen on those of seed 1.
_EMBEDDED = {"train": (2000, 0), "test": (500, 2)}


def load_images(
    data: str | os.PathLike[str],
    size: int,
    split: str = "train",
    archive: str | os.PathLike[str] | None = None,
    truth: str | os.PathLike[str] | None = None,
    category: str | None = None,
    scale: Scale | None = None,
    pages: bool = False,
) -> ImageSet:
    """Load a folder, a zip, an image file or a named data set, resized to `size` × `size`.

    Args:
        data: a folder or zip of images, one image file, `tiny-imagenet:SET`, `cifar10:CATEGORY`, or
            `embedded` (drawn images). `./embedded` is a folder of that name.
        size: side of the images, in pixels.
        split: "train" or "test". A folder has no split: both give all its images.
        archive: tiny-imagenet-200.zip or cifar-10-binary.tar.gz, or its folder. By default the path
            in the environment variable GANLOC_TINY_IMAGENET or GANLOC_CIFAR10.
        truth: a COCO file with the true boxes of a folder, a zip or CIFAR-10.
        category: of the COCO file, the only one whose boxes count. By default all count.
        scale: of a model (`Localizer.scale`), for the deep images of a folder or zip. By default
            one scale is decided for the set.
        pages: take each page or frame of a file of a folder or zip as an image (`stack.tif#3`).

    A Notice tells of files that are not in the set, and of boxes that were changed or left out.

    Raises:
        TypeError: an argument is of another type.
        UserError: `data` does not exist or cannot be read, or an argument has no use for it.

    >>> from ganloc.images.source import load_images
    >>> images = load_images("embedded", size=32, split="test")
    >>> len(images), images.pixels.shape[1:]
    (500, (32, 32, 3))
    >>> images = load_images("photos/", size=64)  # doctest: +SKIP
    """
    if split not in _EMBEDDED:
        raise UserError(f"Unknown split {split!r}: choose train or test.")
    if not isinstance(data, str | os.PathLike):
        raise TypeError(f"The data must be a path or {KNOWN}, not {shown(data)}.")
    data = os.fspath(data)
    if isinstance(size, bool) or not isinstance(size, int | np.integer):
        raise TypeError(f"size must be a whole number, not {shown(size)}.")
    if size < 1:
        raise UserError(f"size must be at least 1, not {shown(size)}.")
    if archive is not None and _published(data) is None:
        raise UserError(
            f"{shown_path(data)} is not read from an archive: leave out "
            f"{either('--data', 'archive')}, which is for tiny-imagenet:SET and cifar10:CATEGORY."
        )
    if truth is not None and has_boxes(data):
        raise UserError(f"{data} has its own true boxes: leave out {truth}.")
    if truth is None and category is not None:
        raise UserError(f"The category {category!r} needs a truth file: give one, or leave it out.")
    if has_split(data):
        given = None if archive is None else as_path("archive", archive)
        images = _load_named(data, size, split, given)
    else:
        images = _load_path(data, size, scale, pages)
    images = replace(images, source=data)
    if images.left_out:
        warnings.warn(images.left_out, Notice, stacklevel=2)
    return images if truth is None else read_coco(as_path("truth", truth), images, category)


def has_split(data: str) -> bool:
    """Whether `data` has a train and a test split. Folders and zips have none."""
    return data == "embedded" or _published(data) is not None


def has_boxes(data: str) -> bool:
    """Whether `data` includes true boxes. Folders and zips do not."""
    published = _published(data)
    return data == "embedded" or (published is not None and published.has_boxes)


def _published(data: str) -> _Published | None:
    name, colon, _ = data.partition(":")
    return _PUBLISHED.get(name) if colon else None


def _load_named(data: str, size: int, split: str, archive: Path | None) -> ImageSet:
    published = _published(data)
    if published is None:
        count, seed = _EMBEDDED[split]
        return draw_images(count, size, seed)
    given = archive or os.environ.get(published.variable)
    if not given:
        raise UserError(
            f"{data} needs the archive of {published.title}: give {published.archive} by "
            f"{either('--data', 'archive')} or by the environment variable {published.variable}."
        )
    set_name = data.partition(":")[2]
    return published.load(expanded(given), set_name, split, size)


def _load_path(data: str, size: int, scale: Scale | None, pages: bool) -> ImageSet:
    if not data or not mode_of(path := expanded(data)):
        raise _nothing_at(data)
    return load_folder(path, size, scale=scale, pages=pages)


def _nothing_at(data: str) -> UserError:
    named = re.match(r"([\w-]{2,}):", data)  # one letter would be a drive of Windows
    if named:
        return UserError(
            f"Unknown data set {shown(named[1])}: choose {KNOWN}, or give a folder or zip."
        )
    return UserError(
        f"No folder or zip at {shown_path(data)}: give the path of your images, or choose {KNOWN}."
    )
