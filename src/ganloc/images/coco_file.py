"""A COCO annotation file → its images and boxes, checked row by row."""

import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ganloc.errors import UserError


@dataclass(frozen=True)
class Annotation:
    """A box of a COCO file.

    Attributes:
        image: its image's index in the file.
        bbox: x, y, width, height, finite; width and height are not negative.
        category: its category's name, or its id in text if it has no name; "" without a category.
        is_crowd: whether it is around a crowd of objects.
        as_text: whether a number of it is written as text.
    """

    image: int
    bbox: tuple[float, float, float, float]
    category: str
    is_crowd: bool
    as_text: bool


@dataclass(frozen=True)
class CocoFile:
    """The content of a COCO file.

    Attributes:
        names: of each image, as the file writes it, without duplicates.
        sizes: width and height of each image in pixels; None if it isn't given.
        annotations: in the order of the file.
        told: what is odd in the file but does no harm, as parts of a sentence.
    """

    names: list[str]
    sizes: list[tuple[int, int] | None]
    annotations: list[Annotation]
    told: list[str]


def read_coco_file(path: Path) -> CocoFile:
    """Read a COCO file, in UTF-8, -16 or -32, with or without a byte order mark.

    Raises:
        UserError: the file is missing or is not COCO, or a row is malformed.
    """
    coco = _load(path)
    names: list[str] = []
    sizes: list[tuple[int, int] | None] = []
    index_of: dict[Any, int] = {}
    place: dict[str, int] = {}
    twice = 0

    def add_image(row: Any) -> None:
        nonlocal twice
        name, key, size = row["file_name"], row["id"], _size(row)
        if not isinstance(name, str):
            raise ValueError("its file_name is no text")
        index = place.setdefault(name, len(names))
        if index == len(names):
            names.append(name)
            sizes.append(size)
        else:
            twice += 1
            if sizes[index] != size:
                raise ValueError(f"another row gives {name} another size")
        if index_of.setdefault(key, index) != index:
            raise ValueError(f"the id {key} is also that of {names[index_of[key]]}")

    _each(path, coco, "images", add_image)
    category_names = _category_names(path, coco)
    annotations: list[Annotation] = []
    ids: set[Any] = set()
    same_ids = 0

    def add_annotation(row: Any) -> None:
        nonlocal same_ids
        if row.get("id") is not None:
            same_ids += row["id"] in ids
            ids.add(row["id"])
        annotations.append(_annotation(row, index_of, category_names))

    _each(path, coco, "annotations", add_annotation)
    told = []
    if twice:
        told.append(f"names of images that stand there again: {twice} (boxes are joined)")
    if same_ids:
        told.append(f"ids of annotations that stand there again: {same_ids} (boxes are kept)")
    return CocoFile(names, sizes, annotations, told)


def _load(path: Path) -> Any:
    try:
        return json.loads(path.read_bytes())  # finds out which UTF it is
    except FileNotFoundError as error:
        raise UserError(f"No truth file at {path}: check the spelling of the path.") from error
    except OSError as error:
        raise UserError(f"Cannot read {path} ({error.strerror}): give a COCO file.") from error
    except (ValueError, RecursionError) as error:
        raise UserError(f"{path} is not valid JSON ({error}): give a COCO file.") from error


_MALFORMED = (KeyError, TypeError, ValueError, AttributeError, OverflowError)


def _each(path: Path, coco: Any, key: str, use: Callable[[Any], None]) -> None:
    """Call `use` with every row of a list.

    Raises:
        UserError: there is no such list, or a row is malformed.
    """
    rows = coco.get(key) if isinstance(coco, dict) else None
    if not isinstance(rows, list):
        raise UserError(f"{path} has no list of {key}: give a COCO file.")
    for row in rows:
        try:
            use(row)
        except _MALFORMED as error:
            missing = isinstance(error, KeyError)
            reason = f"no {error} in it or in images" if missing else str(error)
            raise UserError(
                f"{path} has a malformed row in {key}, {json.dumps(row)[:100]} ({reason}): "
                "give a COCO file."
            ) from error


def _category_names(path: Path, coco: Any) -> dict[Any, str]:
    """The name of each category, by its id."""
    names: dict[Any, str] = {}

    def add(row: Any) -> None:
        names[row["id"]] = str(row["name"])

    if coco.get("categories") is not None:
        _each(path, coco, "categories", add)
    return names


def _size(row: dict[str, Any]) -> tuple[int, int] | None:
    if row.get("width") is None or row.get("height") is None:
        return None
    width, height = _number(row["width"])[0], _number(row["height"])[0]
    if width != int(width) or height != int(height):
        raise ValueError(f"no image is {width} × {height} pixels")
    return int(width), int(height)


def _annotation(
    row: dict[str, Any], index_of: dict[Any, int], category_names: dict[Any, str]
) -> Annotation:
    numbers = [_number(value) for value in row["bbox"]]
    x, y, width, height = (number for number, _ in numbers)
    if width < 0 or height < 0:
        raise ValueError(f"no box is {row['bbox']}")
    crowd, crowd_as_text = _is_crowd(row.get("iscrowd"))
    category = row.get("category_id")
    return Annotation(
        image=index_of[row["image_id"]],
        bbox=(x, y, width, height),
        category="" if category is None else category_names.get(category, str(category)),
        is_crowd=crowd,
        as_text=crowd_as_text or any(as_text for _, as_text in numbers),
    )


def _number(value: Any) -> tuple[float, bool]:
    """A finite number, and whether it is written as text."""
    as_text = isinstance(value, str)
    if not (as_text or isinstance(value, int | float)) or isinstance(value, bool):
        raise ValueError(f"no number is {value!r}")
    number = float(value)
    if not math.isfinite(number):
        raise ValueError(f"{value} is not finite")
    return number, as_text


def _is_crowd(value: Any) -> tuple[bool, bool]:
    """Whether it is a crowd, and whether that is written as text."""
    words = {"": False, "0": False, "false": False, "no": False}
    words |= {"1": True, "true": True, "yes": True}
    if isinstance(value, str):
        if value.strip().lower() not in words:
            raise ValueError(f"iscrowd is {value!r}, neither 0 nor 1")
        return words[value.strip().lower()], True
    if value not in (None, 0, 1):
        raise ValueError(f"iscrowd is {value!r}, neither 0 nor 1")
    return bool(value), False
