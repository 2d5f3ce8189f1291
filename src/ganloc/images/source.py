"""DATA, as a user writes it → Images."""

import os
import re
import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from ganloc.errors import Notice, UserError
from ganloc.images.cifar10 import load_cifar10
from ganloc.images.folder import load_folder
from ganloc.images.image_set import ImageSet
from ganloc.images.synthetic import draw_images
from ganloc.images.tiny_imagenet import load_tiny_imagenet
from ganloc.images.truth import read_coco

# Environment variables that hold an archive's path.
TINY_IMAGENET = "GANLOC_TINY_IMAGENET"
CIFAR10 = "GANLOC_CIFAR10"
KNOWN = "tiny-imagenet:SET, cifar10:CATEGORY or embedded"


@dataclass(frozen=True)
class _Published:
    """A published data set: its name, its archive, and the variable that tells where that is.

    `load` takes the archive, a set's name, the split and the size.
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

# Count and seed of the drawn images. Those of seed 1 served to choose the default reading.
_EMBEDDED = {"train": (2000, 0), "test": (500, 2)}


def load_images(
    data: str,
    size: int,
    split: str = "train",
    archive: Path | None = None,
    truth: Path | None = None,
) -> ImageSet:
    """Load what `data` names, squeezed to `size` × `size`.

    Args:
        data: a folder or zip of images, `tiny-imagenet:SET`, `cifar10:CATEGORY`, or `embedded`
            (drawn images). A name wins over a folder of that name, which `./embedded` still
            reaches.
        size: side of the images, in pixels.
        split: "train" or "test"; a folder has no split and gives all its images for both.
        archive: tiny-imagenet-200.zip or cifar-10-binary.tar.gz, or its folder; else the
            environment variable GANLOC_TINY_IMAGENET or GANLOC_CIFAR10 tells where it is.
        truth: a COCO file with the true boxes of what comes without.

    Raises:
        UserError: `data` names nothing that exists, or what it names cannot be read.
    """
    if split not in _EMBEDDED:
        raise UserError(f"Unknown split {split!r}: choose train or test.")
    if truth is not None and has_boxes(data):
        raise UserError(f"{data} has its own true boxes: leave out {truth}.")
    images = _load_named(data, size, split, archive) if has_split(data) else _load_path(data, size)
    images = replace(images, source=data)
    if images.left_out:
        warnings.warn(images.left_out, Notice, stacklevel=2)
    return images if truth is None else read_coco(truth, images)


def has_split(data: str) -> bool:
    """Whether `data` names a data set with a train and a test split; folders and zips have none."""
    return data == "embedded" or _published(data) is not None


def has_boxes(data: str) -> bool:
    """Whether `data` names a data set that comes with true boxes; folders and zips do not."""
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
            f"{data} needs the archive of {published.title}: give {published.archive} by --data or "
            f"by the environment variable {published.variable}."
        )
    set_name = data.partition(":")[2]
    return published.load(Path(given).expanduser(), set_name, split, size)


def _load_path(data: str, size: int) -> ImageSet:
    path = Path(data).expanduser()
    if not data or not path.exists():
        raise _nothing_at(data)
    return load_folder(path, size)


def _nothing_at(data: str) -> UserError:
    named = re.match(r"([\w-]{2,}):", data)  # one letter would be a drive of Windows
    if named:
        return UserError(f"Unknown data set {named[1]!r}: choose {KNOWN}, or give a folder or zip.")
    return UserError(
        f"No folder or zip at {data!r}: give the path of your images, or choose {KNOWN}."
    )
