import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ganloc.box.detections import Detections
from ganloc.box.formats import WRITERS, write_coco, write_csv, writer_for
from ganloc.errors import UserError
from ganloc.images.image_set import ImageSet

PIXELS = np.zeros((2, 8, 8, 3), np.uint8)
IMAGES = ImageSet(PIXELS, ("a/one.jpg", 'tw"o, é.png'), np.array([[100, 50], [64, 64]]))
# Of 100 × 50 pixels: 10.006, 5, 30.333333 and 25.5.
BOXES = np.array([[0.10006, 0.1, 0.30333333, 0.51], [0.0, 0.0, 1.0, 1.0]])
FOUND = Detections(BOXES, np.zeros((2, 8, 8), np.float32), np.array([0.123456, 1.0]))
NONE = Detections(np.zeros((0, 4)), np.zeros((0, 8, 8), np.float32), np.zeros(0))


def test_coco_holds_images_boxes_and_one_category(tmp_path):
    path = tmp_path / "boxes.json"
    write_coco(path, IMAGES, FOUND)
    coco = json.loads(path.read_text(encoding="utf-8"))
    assert coco["categories"] == [{"id": 1, "name": "object"}]
    assert coco["images"] == [
        {"id": 1, "file_name": "a/one.jpg", "width": 100, "height": 50},
        {"id": 2, "file_name": 'tw"o, é.png', "width": 64, "height": 64},
    ]
    first, second = coco["annotations"]
    # xyxy 10.01, 5, 30.33, 25.5 → 20.32 wide, 20.5 high, an area of 416.56.
    assert first == {
        "id": 1,
        "image_id": 1,
        "category_id": 1,
        "bbox": [10.01, 5.0, 20.32, 20.5],
        "area": 416.56,
        "score": 0.1235,
        "iscrowd": 0,
    }
    assert (second["image_id"], second["bbox"], second["area"]) == (2, [0, 0, 64, 64], 4096)


def test_csv_has_one_line_an_image(tmp_path):
    path = tmp_path / "boxes.csv"
    write_csv(path, IMAGES, FOUND)
    with path.open(encoding="utf-8", newline="") as file:
        header, first, second = csv.reader(file)
    assert header == ["name", "x0", "y0", "x1", "y1", "score", "width", "height", "outlier"]
    assert first == ["a/one.jpg", "10.01", "5.0", "30.33", "25.5", "0.1235", "100", "50", ""]
    assert second == ['tw"o, é.png', "0.0", "0.0", "64.0", "64.0", "1.0", "64", "64", ""]


def test_outlier_scores_are_of_images(tmp_path):
    found = replace(FOUND, outlier_scores=np.array([0.987, 3.0]))
    write_coco(tmp_path / "boxes.json", IMAGES, found)
    coco = json.loads((tmp_path / "boxes.json").read_text(encoding="utf-8"))
    assert [image["outlier"] for image in coco["images"]] == [0.99, 3.0]
    assert "outlier" not in coco["annotations"][0]
    write_csv(tmp_path / "boxes.csv", IMAGES, found)
    with (tmp_path / "boxes.csv").open(encoding="utf-8", newline="") as file:
        assert [line["outlier"] for line in csv.DictReader(file)] == ["0.99", "3.0"]


@pytest.mark.parametrize("write", [write_coco, write_csv])
def test_a_missing_name_is_an_error_and_leaves_the_old_file(tmp_path, write):
    path = tmp_path / "boxes"
    path.write_text("old")
    with pytest.raises(ValueError, match="zip"):
        write(path, replace(IMAGES, names=IMAGES.names[:1]), FOUND)
    assert path.read_text() == "old"


@pytest.mark.parametrize("write", [write_coco, write_csv])
def test_a_place_that_cannot_be_written_is_named(tmp_path, write):
    (tmp_path / "folder").mkdir()
    with pytest.raises(UserError, match="Cannot write"):
        write(tmp_path / "folder", IMAGES, FOUND)


@pytest.mark.parametrize("write", [write_coco, write_csv])
def test_no_images_make_a_valid_file(tmp_path, write):
    path = tmp_path / "boxes"
    write(path, IMAGES.subset([]), NONE)
    text = path.read_text()
    assert text.startswith("name,") or json.loads(text)["annotations"] == []


@pytest.mark.parametrize(
    ("name", "format", "writer"),
    [
        ("boxes.json", None, write_coco),
        ("boxes.csv", None, write_csv),
        ("BOXES.CSV", None, write_csv),
        ("boxes.json", "csv", write_csv),
        ("boxes", "coco", write_coco),
    ],
)
def test_a_file_s_name_says_its_format_unless_one_is_given(name, format, writer):
    assert writer_for(Path(name), format) is writer


def test_formats_that_there_are_not():
    assert set(WRITERS) == {"coco", "csv"}
    for name in ("boxes", "boxes.txt", "json"):
        with pytest.raises(UserError, match=rf"format of {name} is not known .* format"):
            writer_for(Path(name))
    with pytest.raises(UserError, match=r"no format 'yaml': choose coco or csv"):
        writer_for(Path("boxes.json"), "yaml")
