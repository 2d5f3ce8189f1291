"""Writers of detections as files for other tools.

A writer takes a path, the images and their detections. It converts boxes to pixels of the
originals. Coordinates are rounded to hundredths of a pixel, scores to four decimals.
"""

import csv
from collections.abc import Callable
from io import StringIO
from pathlib import Path

from ganloc.box.detections import Detections
from ganloc.errors import UserError
from ganloc.files import write_json, write_text
from ganloc.images.image_set import ImageSet
from ganloc.wording import listed, option


def write_coco(path: Path, images: ImageSet, found: Detections) -> None:
    """Write a COCO data set (https://cocodataset.org/#format-data), one annotation an image.

    `bbox` is x, y, width, height in pixels of the original. `score` is the confidence, 0–1. An
    image has its outlier score as `outlier` if the detections have outlier scores.

    Raises:
        UserError: the file can't be written.

    >>> import json, numpy as np
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> images = ImageSet(np.zeros((1, 8, 8, 3), np.uint8), ("a.jpg",), np.array([[640, 480]]))
    >>> boxes = np.array([[0.0, 0.25, 0.5, 1.0]])
    >>> found = Detections(boxes, heatmaps=np.zeros((1, 8, 8)), scores=np.array([0.7]))
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder) / "boxes.json"
    ...     write_coco(path, images, found)
    ...     json.loads(path.read_text())["annotations"][0]["bbox"]
    [0.0, 120.0, 320.0, 360.0]
    """
    coco_images, annotations = [], []
    for number, (name, size, box, score, outlier) in enumerate(_rows(images, found), start=1):
        (width, height), (x0, y0, x1, y1) = size, box
        # Sides from rounded corners, so that x + width is the rounded right edge.
        sides = round(x1 - x0, 2), round(y1 - y0, 2)
        image = {"id": number, "file_name": name, "width": width, "height": height}
        coco_images.append(image if outlier is None else {**image, "outlier": outlier})
        annotations.append(
            {
                "id": number,
                "image_id": number,
                "category_id": 1,
                "bbox": [x0, y0, *sides],
                "area": round(sides[0] * sides[1], 2),
                "score": score,
                "iscrowd": 0,
            }
        )
    categories = [{"id": 1, "name": "object"}]
    write_json(path, {"images": coco_images, "annotations": annotations, "categories": categories})


def write_csv(path: Path, images: ImageSet, found: Detections) -> None:
    """Write a table with one line an image.

    The box is xyxy, half-open, in pixels of the original. `width` and `height` are those of the
    original. `outlier` is empty if the detections have no outlier scores.

    Raises:
        UserError: the file can't be written.

    >>> import numpy as np
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> images = ImageSet(np.zeros((1, 8, 8, 3), np.uint8), ("a.jpg",), np.array([[640, 480]]))
    >>> boxes = np.array([[0.0, 0.25, 0.5, 1.0]])
    >>> found = Detections(boxes, heatmaps=np.zeros((1, 8, 8)), scores=np.array([0.7]))
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder) / "boxes.csv"
    ...     write_csv(path, images, found)
    ...     print(path.read_text().strip())
    name,x0,y0,x1,y1,score,width,height,outlier
    a.jpg,0.0,120.0,320.0,480.0,0.7,640,480,
    """
    text = StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(["name", "x0", "y0", "x1", "y1", "score", "width", "height", "outlier"])
    for name, size, box, score, outlier in _rows(images, found):
        table.writerow([name, *box, score, *size, "" if outlier is None else outlier])
    write_text(path, text.getvalue())


Writer = Callable[[Path, ImageSet, Detections], None]
WRITERS: dict[str, Writer] = {"coco": write_coco, "csv": write_csv}
SUFFIXES = {".json": "coco", ".csv": "csv"}


def writer_for(path: Path, format: str | None = None) -> Writer:
    """The writer of a format, by default that of the file's suffix.

    Raises:
        UserError: the format is unknown, or the suffix is.

    >>> writer_for(Path("boxes.CSV")).__name__
    'write_csv'
    """
    if format is None:
        if path.suffix.lower() not in SUFFIXES:
            raise UserError(
                f"The format of {path} is not known by its name: end it in {listed(SUFFIXES)}, or "
                f"give {option('format')}."
            )
        return WRITERS[SUFFIXES[path.suffix.lower()]]
    if format not in WRITERS:
        raise UserError(f"There is no format {format!r}: choose {listed(WRITERS)}.")
    return WRITERS[format]


def _rows(
    images: ImageSet, found: Detections
) -> list[tuple[str, list[int], list[float], float, float | None]]:
    """Name, size, box in pixels, score and outlier score of every image."""
    outliers = found.outlier_scores
    columns = (
        images.names,
        images.sizes.tolist(),
        images.in_pixels(found.boxes).round(2).tolist(),
        [round(score, 4) for score in found.scores.tolist()],
        [None] * len(images) if outliers is None else outliers.round(2).tolist(),
    )
    return list(zip(*columns, strict=True))
