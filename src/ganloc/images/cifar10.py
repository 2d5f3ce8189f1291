"""Categories of CIFAR-10, read from the official binary archive or from a folder of images.

https://www.cs.toronto.edu/~kriz/cifar.html describes the format. The Python version of the archive
is refused: its files are pickles, and a pickle can run any code.
"""

import re
from pathlib import Path

import numpy as np
from PIL import Image

from ganloc.errors import UserError
from ganloc.images.archive import Archive, Unreadable, open_archive
from ganloc.images.gather import LIMIT_BYTES, gather, room_for
from ganloc.images.image_set import ImageSet
from ganloc.images.kinds import SUFFIXES
from ganloc.images.tar import is_tar, read_tar
from ganloc.shapes import UInt8

# A category's position is its label.
CATEGORIES = (
    *("airplane", "automobile", "bird", "cat", "deer"),
    *("dog", "frog", "horse", "ship", "truck"),
)
BATCHES = {"train": tuple(f"data_batch_{n}" for n in range(1, 6)), "test": ("test_batch",)}
SIDE = 32  # pixels
RECORD = 1 + 3 * SIDE * SIDE  # bytes: the label, then the red, the green and the blue plane

_ARCHIVE = "cifar-10-binary.tar.gz"
_FOLDER = "cifar-10-batches-bin"
_META = "batches.meta.txt"
_CONTENT = re.compile(
    r"(?P<outer>[^/]+/)??"
    r"((?P<batch>(data_batch_[1-5]|test_batch)\.bin$)"
    rf"|(train|test)/({'|'.join(CATEGORIES)})/)"
)
_PICKLED = re.compile(r"(.*/)?(batches\.meta|data_batch_[1-5]|test_batch)")


def categories_of(category: str) -> tuple[str, ...]:
    """The categories of a comma-separated list.

    Raises:
        UserError: an unknown category.
    """
    parts = category.split(",")
    for part in parts:
        if part not in CATEGORIES:
            raise UserError(
                f"Unknown CIFAR-10 category {part!r}: choose one of {', '.join(CATEGORIES)}."
            )
    return tuple(dict.fromkeys(parts))


def load_cifar10(archive: Path, category: str, split: str, size: int = SIDE) -> ImageSet:
    """Read categories. CIFAR-10 has no boxes, so `truth` is None.

    Args:
        archive: cifar-10-binary.tar.gz, its folder cifar-10-batches-bin, the folder that holds it,
            or a folder, zip or tar of images at `train/CATEGORY/` and `test/CATEGORY/`.
        category: one category, or several with commas between.
        split: "train" or "test".
        size: side in pixels to which the 32×32 images are resized.

    Returns:
        Images in the order of their names. An image of the binary archive is named after its batch
        and its index there, such as `data_batch_1/00017`.

    Raises:
        UserError: the category or split is unknown; the archive is not CIFAR-10, damaged, or the
            Python version; it lacks a file or category that is needed.
    """
    categories = categories_of(category)
    if split not in BATCHES:
        raise UserError(f"Unknown split {split!r}: choose train or test.")
    root, binary = _find_root(_open(archive))
    read = _read_batches if binary else _read_files
    return read(root, categories, split, size)


def _open(path: Path) -> Archive:
    if is_tar(path):
        return read_tar(path)
    inner = path / _FOLDER
    return open_archive(inner if inner.is_dir() else path)


def _find_root(archive: Archive) -> tuple[Archive, bool]:
    """The folder with the data, and whether the data are binary batches."""
    for name in archive.names:
        if found := _CONTENT.match(name):
            return archive.inside(found["outer"] or ""), found["batch"] is not None
    if any(_PICKLED.fullmatch(name) for name in archive.names):
        raise UserError(
            f"{archive.path} is the Python version of CIFAR-10, whose pickled files could run any "
            f"code: download the binary version, {_ARCHIVE}, and give that."
        )
    raise UserError(
        f"{archive.path} is not CIFAR-10 (neither data_batch_1.bin nor train/bird in it): "
        f"give {_ARCHIVE} or its extracted folder."
    )


def _read_files(root: Archive, categories: tuple[str, ...], split: str, size: int) -> ImageSet:
    folders = tuple(f"{split}/{category}/" for category in categories)
    names = [n for n in root.names if n.startswith(folders) and n.lower().endswith(SUFFIXES)]
    present = {name.split("/")[1] for name in names}
    _refuse_missing(root, categories, present, split)
    images = gather(root, names, size)
    if images.skipped:
        raise UserError(
            f"{root.path} is incomplete ({images.skipped[0]}): download or extract it again."
        )
    return images


def _read_batches(root: Archive, categories: tuple[str, ...], split: str, size: int) -> ImageSet:
    _check_meta(root)
    labels = [CATEGORIES.index(category) for category in categories]
    names: list[str] = []
    kept: list[UInt8[np.ndarray, "_ 3073"]] = []
    for batch in BATCHES[split]:
        every = _records(root, f"{batch}.bin")
        chosen = np.flatnonzero(np.isin(every[:, 0], labels))
        names += [f"{batch}/{place:05}" for place in chosen]
        kept.append(every[chosen])
    records = np.concatenate(kept)
    present = {CATEGORIES[label] for label in np.unique(records[:, 0])}
    _refuse_missing(root, categories, present, split)
    planes = records[:, 1:].reshape(-1, 3, SIDE, SIDE)
    pixels = room_for((len(names), size, size, 3), LIMIT_BYTES)
    for index, image in enumerate(planes.transpose(0, 2, 3, 1)):
        image = Image.fromarray(np.ascontiguousarray(image))
        pixels[index] = image.resize((size, size), Image.Resampling.BICUBIC)
    return ImageSet(pixels, tuple(names), np.full((len(names), 2), SIDE))


def _records(root: Archive, name: str) -> UInt8[np.ndarray, "_ 3073"]:
    """The records of a batch file, one image a row."""
    content = np.frombuffer(_read(root, name), np.uint8)
    if content.size == 0 or content.size % RECORD:
        raise UserError(
            f"{root.path} is incomplete ({name} has {content.size} bytes, no multiple of "
            f"{RECORD}): download or extract it again."
        )
    records = content.reshape(-1, RECORD)
    if records[:, 0].max() >= len(CATEGORIES):
        raise UserError(
            f"{root.path} is damaged ({name} has the label {records[:, 0].max()}, and labels end "
            f"at {len(CATEGORIES) - 1}): download or extract it again."
        )
    return records


def _check_meta(root: Archive) -> None:
    """Refuse an archive whose list of categories is not `CATEGORIES`."""
    if _META not in root.names:
        return
    if tuple(_read(root, _META).decode("ascii", "replace").split()) != CATEGORIES:
        raise UserError(
            f"{root.path} is not CIFAR-10 ({_META} lists other categories): give {_ARCHIVE}."
        )


def _read(root: Archive, name: str) -> bytes:
    try:
        return root.read(name)
    except Unreadable as reason:
        raise UserError(f"{root.path} lacks {name} ({reason}): give the whole archive.") from reason


def _refuse_missing(
    root: Archive, categories: tuple[str, ...], present: set[str], split: str
) -> None:
    for category in categories:
        if category not in present:
            raise UserError(
                f"{root.path} has no {split} images of the category {category}: "
                "give the whole archive or another category."
            )
