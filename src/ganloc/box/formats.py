"""Writers of detections as files for other tools.

A writer takes a path, the images, their detections and the category's name. It converts boxes to
pixels of the originals. Coordinates are rounded to hundredths of a pixel, scores to four decimals.
"""

import csv
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np

from ganloc.box.detections import Detections
from ganloc.box.run_length import Encoded, encode
from ganloc.errors import UserError
from ganloc.files import is_stream, write_json, write_text
from ganloc.images.image_set import ImageSet
from ganloc.wording import listed, option

CATEGORY = "object"  # name of the category if the user gives none


def write_coco(
    path: Path,
    images: ImageSet,
    found: Detections,
    category: str = CATEGORY,
    polygons: bool = True,
    masks: bool = False,
) -> None:
    """Write a COCO data set (https://cocodataset.org/#format-data), one annotation an object.

    `bbox` is x, y, width, height in pixels of the original, and `segmentation` the same box as a
    polygon or, with `masks`, the mask as compressed RLE (box/run_length.py), whose `area` it is
    then. `score` is the confidence, 0–1. An image has its outlier score as `outlier` if the
    detections have outlier scores. Every call of pycocotools works on such a file. Letters outside
    ASCII are escaped, because pycocotools reads files in the encoding of the system.

    Args:
        path: the file.
        images: the images.
        found: their detections.
        category: name of the only category, whose id is 1.
        polygons: whether to write each box as a polygon, too, which pycocotools' masks need.
            Annotation tools show it as a second object, so boxes to correct have none.
        masks: whether to write masks in place of polygons.

    Raises:
        UserError: the file can't be written, or a box or a score is not finite.

    >>> import json, numpy as np
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> images = ImageSet(np.zeros((1, 8, 8, 3), np.uint8), ("a.jpg",), np.array([[640, 480]]))
    >>> boxes = np.array([[0.0, 0.25, 0.5, 1.0]])
    >>> found = Detections.one_each(boxes, heatmaps=np.zeros((1, 8, 8)), scores=np.array([0.7]))
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder) / "boxes.json"
    ...     write_coco(path, images, found, category="bird")
    ...     coco = json.loads(path.read_text())
    >>> coco["annotations"][0]["bbox"], coco["categories"][0]["name"]
    ([0.0, 120.0, 320.0, 360.0], 'bird')
    """
    annotations = []
    for number, (index, box, score) in enumerate(_rows(images, found), start=1):
        (x0, y0, x1, y1), bbox = box, _coco_box(box)
        segmentation: Any = [[x0, y0, x1, y0, x1, y1, x0, y1]] if polygons else []
        area: float = round(bbox[2] * bbox[3], 2)
        if masks:
            segmentation, area = _mask(images, found, number - 1)
        annotations.append(
            {
                "id": number,
                "image_id": index + 1,
                "category_id": 1,
                "bbox": bbox,
                "segmentation": segmentation,
                "area": area,
                "score": score,
                "iscrowd": 0,
            }
        )
    coco_images = [
        {"id": number, "file_name": name, "width": width, "height": height}
        | ({} if outlier is None else {"outlier": outlier})
        for number, (name, (width, height), outlier) in enumerate(_about(images, found), start=1)
    ]
    coco = {
        "info": {"description": "Boxes found by ganloc"},
        "licenses": [],
        "images": coco_images,
        "annotations": annotations,
        "categories": [{"id": 1, "name": category, "supercategory": ""}],
    }
    write_json(path, coco, ascii=True)


def write_coco_results(
    path: Path,
    images: ImageSet,
    found: Detections,
    category: str = CATEGORY,
    masks: bool = False,
) -> None:
    """Write COCO's form for results (https://cocodataset.org/#format-results), a list of objects.

    pycocotools' `loadRes` reads it beside the data set that `write_coco` writes of the same images:
    `image_id` counts them from 1 and `category_id` is 1. `bbox`, `score` and, with `masks`,
    `segmentation` are those of `write_coco`. The form has no place for names of images, outlier
    scores and the category.

    Raises:
        UserError: the file can't be written, or a box or a score is not finite.

    >>> import json, numpy as np
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> images = ImageSet(np.zeros((1, 8, 8, 3), np.uint8), ("a.jpg",), np.array([[640, 480]]))
    >>> boxes = np.array([[0.0, 0.25, 0.5, 1.0]])
    >>> found = Detections.one_each(boxes, heatmaps=np.zeros((1, 8, 8)), scores=np.array([0.7]))
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder) / "results.json"
    ...     write_coco_results(path, images, found)
    ...     json.loads(path.read_text())
    [{'image_id': 1, 'category_id': 1, 'bbox': [0.0, 120.0, 320.0, 360.0], 'score': 0.7}]
    """
    results = [
        {"image_id": index + 1, "category_id": 1, "bbox": _coco_box(box), "score": score}
        | ({"segmentation": _mask(images, found, row)[0]} if masks else {})
        for row, (index, box, score) in enumerate(_rows(images, found))
    ]
    write_json(path, results, ascii=True)


def write_csv(path: Path, images: ImageSet, found: Detections, category: str = CATEGORY) -> None:
    """Write a table with one line an object.

    The box is xyxy, half-open, in pixels of the original. `width` and `height` are those of the
    original. `outlier` is empty if the detections have no outlier scores. An image without objects
    has no line. The table has no place for the category and for masks.

    Raises:
        UserError: the file can't be written, or a box or a score is not finite.

    >>> import numpy as np
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> images = ImageSet(np.zeros((1, 8, 8, 3), np.uint8), ("a.jpg",), np.array([[640, 480]]))
    >>> boxes = np.array([[0.0, 0.25, 0.5, 1.0]])
    >>> found = Detections.one_each(boxes, heatmaps=np.zeros((1, 8, 8)), scores=np.array([0.7]))
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder) / "boxes.csv"
    ...     write_csv(path, images, found)
    ...     print(path.read_text().strip())
    name,x0,y0,x1,y1,score,width,height,outlier
    a.jpg,0.0,120.0,320.0,480.0,0.7,640,480,
    """
    about = _about(images, found)
    text = StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(["name", "x0", "y0", "x1", "y1", "score", "width", "height", "outlier"])
    for index, box, score in _rows(images, found):
        name, size, outlier = about[index]
        table.writerow([name, *box, score, *size, "" if outlier is None else outlier])
    write_text(path, text.getvalue())


Writer = Callable[..., None]
WRITERS: dict[str, Writer] = {
    "coco": write_coco,
    "coco-results": write_coco_results,
    "csv": write_csv,
}
SUFFIXES = {".json": "coco", ".csv": "csv"}
NAMES_CATEGORY = {"coco"}  # formats with a place for the category's name
HOLDS_MASKS = ["coco", "coco-results"]  # formats with a place for masks
STREAMED = "coco"  # format of a pipe or device, unless its name ends otherwise
_COMPRESSED = {".gz", ".bz2", ".xz", ".zst", ".zip", ".7z"}


def format_for(path: Path, format: str | None = None) -> str:
    """The format of a file, a row of `WRITERS`, by default that of its suffix.

    Upper and lower case are the same. Standard output (`-`), pipes and devices are COCO by default.

    Raises:
        UserError: the format is unknown, or the suffix is, or it promises compression.

    >>> format_for(Path("boxes.CSV")), format_for(Path("boxes.txt"), "coco"), format_for(Path("-"))
    ('csv', 'coco', 'coco')
    """
    suffix = path.suffix.lower()
    if format is not None and format.lower() not in WRITERS:
        raise UserError(f"There is no format {format!r}: choose {listed(WRITERS)}.")
    if suffix in _COMPRESSED:
        raise UserError(
            f"{path} would not be compressed, although its name says so: leave out {path.suffix} "
            f"and compress the file afterwards, or pipe {option('out')} - into a program that does."
        )
    if format is not None:
        return format.lower()
    if suffix in SUFFIXES:
        return SUFFIXES[suffix]
    if is_stream(path):
        return STREAMED
    raise UserError(
        f"The format of {path} is not known by its name: end it in {listed(SUFFIXES)}, or give "
        f"{option('format')}."
    )


def _coco_box(box: list[float]) -> list[float]:
    """x, y, width and height of rounded corners, so that x + width is the rounded right edge."""
    x0, y0, x1, y1 = box
    return [x0, y0, round(x1 - x0, 2), round(y1 - y0, 2)]


def _rows(images: ImageSet, found: Detections) -> list[tuple[int, list[float], float]]:
    """Index of the image, box in pixels and score of every object.

    Raises:
        UserError: a box or score is not finite, which no format can hold.
    """
    names = [name for name, _, _ in _about(images, found)]
    broken = np.zeros(len(names), dtype=bool)
    numbers = np.column_stack([found.boxes, found.scores])
    broken[found.image[~np.isfinite(numbers).all(axis=1)]] = True
    if found.outlier_scores is not None:
        broken |= ~np.isfinite(found.outlier_scores)
    if broken.any():
        raise UserError(
            f"{broken.sum()} of {len(names)} images have boxes or scores that are not finite (the "
            f"first is {names[broken.argmax()]}): the model is damaged, train again."
        )
    columns = (
        found.image.tolist(),
        found.in_pixels(images).round(2).tolist(),
        [round(score, 4) for score in found.scores.tolist()],
    )
    return list(zip(*columns, strict=True))


def _about(images: ImageSet, found: Detections) -> list[tuple[str, list[int], float | None]]:
    """Name, size and outlier score of every image."""
    outliers = found.outlier_scores
    scores = [None] * len(found.heatmaps) if outliers is None else outliers.round(2).tolist()
    return list(zip(images.names, images.sizes.tolist(), scores, strict=True))


def _mask(images: ImageSet, found: Detections, row: int) -> tuple[Encoded, float]:
    """The mask of an object as RLE, and its area in pixels of the original."""
    width, height = images.sizes[found.image[row]].tolist()
    top, left, window = found.masks[row].window(width, height)
    return encode(window, top, left, width, height), float(window.sum())
