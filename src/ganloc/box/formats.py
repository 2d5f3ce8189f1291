"""Boxes written as files that other tools read.

Coordinates are rounded to hundredths of a pixel and scores to four decimals: finer digits would
only make files larger.
"""

import csv
from collections.abc import Sequence
from io import StringIO
from pathlib import Path

import numpy as np

from ganloc.files import write_json, write_text
from ganloc.shapes import Float, Int


def write_coco(
    path: Path,
    names: Sequence[str],
    sizes: Int[np.ndarray, "n 2"],
    boxes: Float[np.ndarray, "n 4"],
    scores: Float[np.ndarray, " n"],
    outliers: Float[np.ndarray, " n"] | None = None,
) -> None:
    """Write a COCO data set (https://cocodataset.org/#format-data), one annotation an image.

    Args:
        path: the JSON file.
        names: file name of each image.
        sizes: width and height of each image.
        boxes: xyxy, half-open, in pixels of the image; written as x, y, width, height.
        scores: how sure each box is.
        unusual: how unusual each image is, a field of its image; None for no such field.

    Raises:
        UserError: the file can't be written.
    """
    images, annotations = [], []
    rows = zip(names, sizes.tolist(), boxes.round(2).tolist(), scores.tolist(), strict=True)
    for number, (name, (width, height), (x0, y0, x1, y1), score) in enumerate(rows, start=1):
        # Sides from rounded corners, so that x + width is the rounded right edge.
        sides = round(x1 - x0, 2), round(y1 - y0, 2)
        image = {"id": number, "file_name": name, "width": width, "height": height}
        if outliers is not None:
            image["unusual"] = round(float(outliers[number - 1]), 2)
        images.append(image)
        annotations.append(
            {
                "id": number,
                "image_id": number,
                "category_id": 1,
                "bbox": [x0, y0, *sides],
                "area": round(sides[0] * sides[1], 2),
                "score": round(score, 4),
                "iscrowd": 0,
            }
        )
    categories = [{"id": 1, "name": "object"}]
    write_json(path, {"images": images, "annotations": annotations, "categories": categories})


def write_csv(
    path: Path,
    names: Sequence[str],
    sizes: Int[np.ndarray, "n 2"],
    boxes: Float[np.ndarray, "n 4"],
    scores: Float[np.ndarray, " n"],
    outliers: Float[np.ndarray, " n"] | None = None,
) -> None:
    """Write one line an image: name, x0, y0, x1, y1, score, width, height, unusual.

    Arguments and errors as in `write_coco`; the box stays xyxy, half-open, and without `unusual`
    that column is empty.
    """
    text = StringIO()
    table = csv.writer(text, lineterminator="\n")
    odd = [""] * len(names) if outliers is None else outliers.round(2).tolist()
    table.writerow(["name", "x0", "y0", "x1", "y1", "score", "width", "height", "unusual"])
    rows = zip(names, boxes.round(2).tolist(), scores.tolist(), sizes.tolist(), odd, strict=True)
    for name, box, score, size, how_odd in rows:
        table.writerow([name, *box, round(score, 4), *size, how_odd])
    write_text(path, text.getvalue())
