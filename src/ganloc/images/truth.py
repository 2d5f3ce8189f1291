"""True boxes from a COCO file, for evaluation."""

import json
from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from ganloc.errors import UserError
from ganloc.images.image_set import ImageSet


@dataclass
class _Entry:
    """One image of the file: width and height in pixels, if given, and its xyxy boxes."""

    size: tuple[int, int] | None
    boxes: list[list[float]] = field(default_factory=list)


def read_coco(path: Path, images: ImageSet) -> ImageSet:
    """Add the boxes of a COCO annotation file to `images`. All categories count.

    Entries and images are matched by relative path, or by file name if it is unique on both sides.
    Entries without an image are ignored, and so are `iscrowd` annotations. An entry without
    annotations gives an image without boxes.

    Raises:
        UserError: the file is missing or is not COCO, an image has no entry, or an entry has
            another width or height than its image.
    """
    entries = _read_entries(path)
    matched = _match(path, images.names, entries)
    truth = []
    for name, (width, height), entry in zip(images.names, images.sizes, matched, strict=True):
        if entry.size not in (None, (width, height)):
            raise UserError(
                f"{path} says that {name} is {entry.size[0]}×{entry.size[1]} pixels and it is "
                f"{width}×{height}: give the true boxes of these images."
            )
        truth.append(np.array(entry.boxes, dtype=np.float64).reshape(-1, 4))
    return replace(images, truth=tuple(truth))


def _match(path: Path, names: tuple[str, ...], entries: dict[str, _Entry]) -> list[_Entry]:
    """The entry of each name."""
    images_called = Counter(_base(name) for name in names)
    entries_called = Counter(_base(name) for name in entries)
    by_base = {_base(name): entry for name, entry in entries.items()}

    def find(name: str) -> _Entry | None:
        base = _base(name)
        if name in entries:
            return entries[name]
        unique = images_called[base] == entries_called[base] == 1
        return by_base[base] if unique else None

    found = {name: find(name) for name in names}
    missing = [name for name, entry in found.items() if entry is None]
    if missing:
        raise UserError(
            f"{path} has no entry for {len(missing)} of {len(names)} images (the first is "
            f"{missing[0]}): add them to its images, or leave these images out."
        )
    return [entry for entry in found.values() if entry is not None]


def _read_entries(path: Path) -> dict[str, _Entry]:
    """The entries of the file, by `file_name`."""
    try:
        coco = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise UserError(f"No truth file at {path}: check the spelling of the path.") from error
    except OSError as error:
        raise UserError(f"Cannot read {path} ({error.strerror}): give a COCO file.") from error
    except (ValueError, RecursionError) as error:
        raise UserError(f"{path} is not valid JSON ({error}): give a COCO file.") from error
    entries: dict[str, _Entry] = {}
    name_of: dict[Any, str] = {}
    for image in _rows(path, coco, "images"):
        try:
            name, key = image["file_name"].replace("\\", "/").removeprefix("./"), image["id"]
            if name_of.setdefault(key, name) != name:
                raise ValueError(f"the id {key} is also that of {name_of[key]}")
            entries.setdefault(name, _Entry(_size(image)))
        except _MALFORMED as error:
            raise _bad_row(path, "images", image, error) from error
    for annotation in _rows(path, coco, "annotations"):
        try:
            if not annotation.get("iscrowd"):
                entries[name_of[annotation["image_id"]]].boxes.append(_xyxy(annotation["bbox"]))
        except _MALFORMED as error:
            raise _bad_row(path, "annotations", annotation, error) from error
    return entries


_MALFORMED = (KeyError, TypeError, ValueError, AttributeError)


def _rows(path: Path, coco: Any, key: str) -> list[Any]:
    rows = coco.get(key) if isinstance(coco, dict) else None
    if not isinstance(rows, list):
        raise UserError(f"{path} has no list of {key}: give a COCO file.")
    return rows


def _size(image: dict[str, Any]) -> tuple[int, int] | None:
    if image.get("width") is None or image.get("height") is None:
        return None
    return int(image["width"]), int(image["height"])


def _xyxy(bbox: list[Any]) -> list[float]:
    """COCO's x, y, width, height → the two corners, half-open, in pixels."""
    x, y, width, height = (float(number) for number in bbox)
    if not np.isfinite([x, y, width, height]).all() or width < 0 or height < 0:
        raise ValueError(f"no box is {bbox}")
    return [x, y, x + width, y + height]


def _bad_row(path: Path, key: str, row: Any, error: Exception) -> UserError:
    reason = f"no {error} in it or in images" if isinstance(error, KeyError) else str(error)
    return UserError(
        f"{path} has a malformed row in {key}, {json.dumps(row)[:100]} ({reason}): "
        "give a COCO file."
    )


def _base(name: str) -> str:
    return name.rpartition("/")[2]
