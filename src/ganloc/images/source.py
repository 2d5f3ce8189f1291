"""DATA, as a user writes it → Pictures."""

import os
import re
from pathlib import Path

from ganloc.errors import UserError
from ganloc.images.folder import load_folder
from ganloc.images.pictures import Pictures
from ganloc.images.synthetic import draw_pictures
from ganloc.images.tiny_imagenet import load_tiny_imagenet
from ganloc.images.truth import read_coco

TINY_IMAGENET = "GANLOC_TINY_IMAGENET"  # the environment variable that holds the archive's path
KNOWN = "tiny-imagenet:SET or embedded"

# Count and seed of the drawn pictures. Those of seed 1 served to choose the default reading.
_EMBEDDED = {"train": (2000, 0), "test": (500, 2)}


def load_images(
    data: str,
    size: int,
    split: str = "train",
    archive: Path | None = None,
    truth: Path | None = None,
) -> Pictures:
    """Load what `data` names, squeezed to `size` × `size`.

    Args:
        data: a folder or zip of pictures, `tiny-imagenet:SET`, or `embedded` (drawn pictures).
            A name wins over a folder of that name, which `./embedded` still reaches.
        size: side of the pictures, in pixels.
        split: "train" or "test"; a folder has no split and gives all its pictures for both.
        archive: tiny-imagenet-200.zip or its folder; else the environment variable
            GANLOC_TINY_IMAGENET tells where it is.
        truth: a COCO file with a folder's true boxes.

    Raises:
        UserError: `data` names nothing that exists, or what it names cannot be read.
    """
    if split not in _EMBEDDED:
        raise UserError(f"Unknown split {split!r}: choose train or test.")
    if has_split(data):
        if truth is not None:
            raise UserError(f"{data} has its own true boxes: leave out {truth}.")
        return _load_named(data, size, split, archive)
    path = Path(data).expanduser()
    if not data or not path.exists():
        raise _nothing_at(data)
    pictures = load_folder(path, size)
    return pictures if truth is None else read_coco(truth, pictures)


def has_split(data: str) -> bool:
    """Whether `data` names a data set with a train and a test split; folders and zips have none."""
    return data == "embedded" or data.startswith("tiny-imagenet:")


def _load_named(data: str, size: int, split: str, archive: Path | None) -> Pictures:
    if data == "embedded":
        count, seed = _EMBEDDED[split]
        return draw_pictures(count, size, seed)
    given = archive or os.environ.get(TINY_IMAGENET)
    if not given:
        raise UserError(
            f"{data} needs the archive of Tiny ImageNet: give tiny-imagenet-200.zip by --data or "
            f"by the environment variable {TINY_IMAGENET}."
        )
    set_name = data.removeprefix("tiny-imagenet:")
    return load_tiny_imagenet(Path(given).expanduser(), set_name, split, size)


def _nothing_at(data: str) -> UserError:
    named = re.match(r"([\w-]{2,}):", data)  # one letter would be a drive of Windows
    if named:
        return UserError(f"Unknown data set {named[1]!r}: choose {KNOWN}, or give a folder or zip.")
    return UserError(
        f"No folder or zip at {data!r}: give the path of your pictures, or choose {KNOWN}."
    )
