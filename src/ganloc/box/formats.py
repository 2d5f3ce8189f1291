"""Boxes written as files that other tools read.

A writer takes a path, the images and what was found in them. Boxes become pixels of the originals
here. Coordinates are rounded to hundredths of a pixel and scores to four decimals: finer digits
would only make files larger.
"""

import csv
from io import StringIO
from pathlib import Path

from ganloc.box.detections import Detections
from ganloc.files import write_json, write_text
from ganloc.images.image_set import ImageSet


def write_coco(path: Path, images: ImageSet, found: Detections) -> None:
    """Write a COCO data set (https://cocodataset.org/#format-data), one annotation an image.

    `bbox` is x, y, width, height; `score` is the detection's, and an image's `outlier` its outlier
    score, where that is known.

    Raises:
        UserError: the file can't be written.
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
    """Write one line an image: name, x0, y0, x1, y1, score, width, height, outlier.

    The box is xyxy, half-open. The last column is empty where outlier scores are unknown.

    Raises:
        UserError: the file can't be written.
    """
    text = StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(["name", "x0", "y0", "x1", "y1", "score", "width", "height", "outlier"])
    for name, size, box, score, outlier in _rows(images, found):
        table.writerow([name, *box, score, *size, "" if outlier is None else outlier])
    write_text(path, text.getvalue())


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
