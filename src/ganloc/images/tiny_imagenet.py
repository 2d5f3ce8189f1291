"""Sets of Tiny ImageNet, read from the official archive."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ganloc.errors import UserError
from ganloc.images.archive import Archive, Unreadable, open_archive
from ganloc.images.gather import gather
from ganloc.images.image_set import ImageSet

# The paper's six sets, the exam: run only when a method is frozen.
PAPER_SETS: dict[str, tuple[str, ...]] = {
    "artiodactyla": ("n02410509", "n02403003", "n02415577", "n02423022", "n02437312"),
    "bottle": ("n03983396", "n02823428"),
    "bird": ("n02058221", "n02002724", "n01855672"),
    "cat": ("n02123045", "n02123394", "n02124075", "n02125311"),
    "dog": ("n02113799", "n02094433", "n02099601", "n02099712", "n02106662", "n02085620"),
    "vehicle": (
        *("n03100240", "n04146614", "n04487081", "n04285008"),
        *("n03977966", "n03796401", "n03670208", "n02814533"),
    ),
}

# Sets to tune a method on; none of their classes is in the paper's sets.
DEVELOPMENT_SETS: dict[str, tuple[str, ...]] = {
    "insect": ("n02165456", "n02190166", "n02206856", "n02233338", "n02226429"),
    "butterfly": ("n02279972", "n02281406"),
    "bear": ("n02132136", "n01882714", "n02509815"),
    "ape": ("n02480495", "n02481823", "n02486410"),
    "boat": ("n03662601", "n03447447"),
    "fruit": ("n07747607", "n07749582", "n07768694", "n07720875"),
}

SETS = PAPER_SETS | DEVELOPMENT_SETS

_FOLDER = "tiny-imagenet-200"


@dataclass(frozen=True)
class _Row:
    """Name, class id and box (xyxy, half-open, in pixels) of a 64×64 image."""

    name: str
    class_id: str
    box: tuple[int, int, int, int]


def classes_of(set_name: str) -> tuple[str, ...]:
    """The class ids of a set, or of comma-separated sets and class ids (n########).

    Raises:
        UserError: an unknown set.
    """
    classes: list[str] = []
    for part in set_name.split(","):
        if part not in SETS and not re.fullmatch(r"n\d{8}", part):
            raise UserError(
                f"Unknown Tiny ImageNet set {part!r}: choose one of {', '.join(SETS)}, "
                "or class ids such as n02058221."
            )
        classes += SETS.get(part, (part,))
    return tuple(dict.fromkeys(classes))


def load_tiny_imagenet(archive: Path, set_name: str, split: str, size: int = 64) -> ImageSet:
    """Read a set, with the true box and class of each image, from the zip or its folder.

    Args:
        archive: tiny-imagenet-200.zip, the folder tiny-imagenet-200, or the folder that holds it.
        set_name: one or several of `SETS`, or class ids, with commas between.
        split: "train" or "test". "test" is the archive's val; its own test split has no labels.
        size: side in pixels to which the 64×64 images are resized.

    Returns:
        Images class by class, in the order of their numbers.

    Raises:
        UserError: the set or split is unknown, or the archive lacks a class or file that is needed.
    """
    classes = classes_of(set_name)
    if split not in ("train", "test"):
        raise UserError(f"Unknown split {split!r}: choose train or test.")
    inner = archive / _FOLDER
    root = _find_root(open_archive(inner if inner.is_dir() else archive))
    read = _train_rows if split == "train" else _val_rows
    rows = [row for class_id in classes for row in read(root, class_id)]
    images = gather(root, [row.name for row in rows], size)
    if images.skipped:
        raise UserError(
            f"{archive} is incomplete ({images.skipped[0]}): download or extract it again."
        )
    truth = tuple(np.array([row.box], dtype=np.float64) for row in rows)
    labels = np.array([classes.index(row.class_id) for row in rows])
    return replace(images, truth=truth, labels=labels, classes=classes)


def _find_root(archive: Archive) -> Archive:
    for prefix in (f"{_FOLDER}/", ""):
        if any(name.startswith((f"{prefix}train/", f"{prefix}val/")) for name in archive.names):
            return archive.inside(prefix)
    raise UserError(
        f"{archive.path} is not Tiny ImageNet (no train or val in it): "
        "give tiny-imagenet-200.zip or its extracted folder."
    )


def _train_rows(root: Archive, class_id: str) -> list[_Row]:
    folder = f"train/{class_id}"
    lines = _lines(root, f"{folder}/{class_id}_boxes.txt", columns=5)
    rows = [_Row(f"{folder}/images/{name}", class_id, _half_open(box)) for name, *box in lines]
    return sorted(rows, key=_number)


def _val_rows(root: Archive, class_id: str) -> list[_Row]:
    lines = _lines(root, "val/val_annotations.txt", columns=6)
    rows = [
        _Row(f"val/images/{name}", found, _half_open(box))
        for name, found, *box in lines
        if found == class_id
    ]
    if not rows:
        raise UserError(
            f"{root.path} has no test images of the class {class_id}: "
            "give the whole archive or another class."
        )
    return sorted(rows, key=_number)


def _lines(root: Archive, name: str, columns: int) -> Iterator[list[str]]:
    """The tab-separated fields of each line. The last four are a box."""
    try:
        text = root.read(name).decode("ascii", "replace")
    except Unreadable as reason:
        raise UserError(
            f"{root.path} lacks {name} ({reason}): give the whole archive or another class."
        ) from reason
    for line in text.splitlines():
        fields = line.split("\t")
        if len(fields) != columns or not all(field.isdecimal() for field in fields[-4:]):
            raise UserError(
                f"{root.path} has a malformed line in {name}, {line!r}: download it again."
            )
        yield fields


def _half_open(inclusive: list[str]) -> tuple[int, int, int, int]:
    """Pixels 0…63 with inclusive ends, as in the archive → half-open."""
    x0, y0, x1, y1 = map(int, inclusive)
    return x0, y0, x1 + 1, y1 + 1


def _number(row: _Row) -> int:
    return int(re.findall(r"\d+", row.name)[-1])
