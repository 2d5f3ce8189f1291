"""True boxes from a COCO file, for evaluation."""

import warnings
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from ganloc.errors import Notice, UserError
from ganloc.images.coco_file import Annotation, CocoFile, read_coco_file
from ganloc.images.image_set import ImageSet
from ganloc.images.names import first_few, match_names, printable
from ganloc.images.possible_boxes import possible_boxes
from ganloc.wording import option


def read_coco(path: Path, images: ImageSet, category: str | None = None) -> ImageSet:
    """Add the boxes of a COCO annotation file to `images`.

    Entries and images are matched by their paths, however these are written (`match_names`), or by
    the end of the path, such as the file's name alone, if nothing else has that end. An entry
    without annotations gives an image without boxes.

    A Notice counts what was changed or does not count: `iscrowd` annotations, boxes that stand in
    the file twice, of no area, or outside their image (left out), boxes that reach out (clipped),
    several categories, and entries without an image.

    Args:
        path: the COCO file.
        images: the set.
        category: the category whose boxes count, by its name, or by its id if it has no name. By
            default all count.

    Raises:
        UserError: the file is missing or is not COCO, an image has no entry, an entry has another
            width or height than its image, the category is unknown, or the boxes are in fractions
            or give corners instead of sides.
    """
    coco = read_coco_file(path)
    found = match_names(images.names, coco.names, by_ending=True)
    missing = [name for name, entry in zip(images.names, found, strict=True) if entry is None]
    if missing:
        raise UserError(
            f"{path} has no entry for {len(missing)} of {len(images)} images (the first is "
            f"{printable(missing[0])}): add them to its images, or leave these images out."
        )
    entries = [entry for entry in found if entry is not None]
    return with_boxes(path, images, coco, entries, category)


def with_boxes(
    path: Path,
    images: ImageSet,
    coco: CocoFile,
    entries: Sequence[int],
    category: str | None,
) -> ImageSet:
    """Images with the boxes of their entries as truth.

    Args:
        path: of the file, for messages.
        images: the set.
        coco: the file's content.
        entries: the index of each image's entry.
        category: as for `read_coco`.

    Raises:
        UserError: as for `read_coco`.
    """
    _check_sizes(path, images, coco, entries)
    told = list(coco.told)
    place = {entry: index for index, entry in enumerate(entries)}
    unused = [name for entry, name in enumerate(coco.names) if entry not in place]
    if unused:
        told.append(f"{_count(len(unused), 'entry', 'entries')} of other images ({_few(unused)})")
    own = [annotation for annotation in coco.annotations if annotation.image in place]
    own = _of_category(path, own, category, told)
    own = _that_count(coco, own, told)
    index = np.array([place[annotation.image] for annotation in own], dtype=np.int64)
    bboxes = np.array([annotation.bbox for annotation in own], dtype=np.float64).reshape(-1, 4)
    names = [images.names[i] for i in index]
    kept, boxes, changed = possible_boxes(path, names, images.sizes[index], bboxes)
    if told := [*told, *changed]:
        warnings.warn(f"{path}: {'; '.join(told)}.", Notice, stacklevel=3)
    order = np.argsort(index[kept], kind="stable")
    ends = np.searchsorted(index[kept][order], np.arange(1, len(images)))
    return replace(images, truth=tuple(np.split(boxes[kept][order], ends)))


def _check_sizes(path: Path, images: ImageSet, coco: CocoFile, entries: Sequence[int]) -> None:
    for name, (width, height), entry in zip(images.names, images.sizes, entries, strict=True):
        said = coco.sizes[entry]
        if said not in (None, (width, height)):
            raise UserError(
                f"{path} says that {printable(name)} is {said[0]}×{said[1]} pixels and it is "
                f"{width}×{height}: give the true boxes of these images."
            )


def _of_category(
    path: Path, annotations: list[Annotation], category: str | None, told: list[str]
) -> list[Annotation]:
    """The annotations of one category."""
    counts = Counter(annotation.category for annotation in annotations)
    listed = ", ".join(f"{printable(name) or 'none'} {n}" for name, n in counts.most_common(5))
    listed += ", …" if len(counts) > 5 else ""
    if category is None:
        if len(counts) > 1:
            told.append(
                f"{len(counts)} categories ({listed}) all count: choose one by {option('category')}"
            )
        return annotations
    if category not in counts:
        raise UserError(
            f"{path} has no boxes of the category {category!r} in these images: choose one of "
            f"its categories ({listed or 'there are no boxes'})."
        )
    return [annotation for annotation in annotations if annotation.category == category]


def _that_count(coco: CocoFile, annotations: list[Annotation], told: list[str]) -> list[Annotation]:
    """The annotations without crowds and without duplicates."""

    def tell(found: Sequence[Annotation], one: str, several: str, what: str) -> None:
        if found:
            some = _few(coco.names[annotation.image] for annotation in found)
            told.append(f"{_count(len(found), one, several)} {what} ({some})")

    tell([a for a in annotations if a.is_crowd], "crowd", "crowds", "left out")
    single = [annotation for annotation in annotations if not annotation.is_crowd]
    tell([a for a in single if a.as_text], "box", "boxes", "with numbers written as text, read")
    first: dict[tuple[object, ...], Annotation] = {}
    again = [a for a in single if first.setdefault((a.image, a.bbox, a.category), a) is not a]
    tell(again, "box that stands", "boxes that stand", "there twice left out")
    return list(first.values())


def _count(number: int, one: str, several: str) -> str:
    return f"{number} {one if number == 1 else several}"


def _few(names: Iterable[str]) -> str:
    return first_few(dict.fromkeys(names))
