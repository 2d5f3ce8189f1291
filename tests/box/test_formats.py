import csv
import json

import numpy as np
import pytest

from ganloc.box.formats import write_coco, write_csv
from ganloc.errors import UserError

NAMES = ("a/one.jpg", 'tw"o, é.png')
SIZES = np.array([[100, 50], [64, 64]])
BOXES = np.array([[10.006, 5.0, 30.333333, 25.5], [0.0, 0.0, 64.0, 64.0]])
SCORES = np.array([0.123456, 1.0])


def test_coco_holds_images_boxes_and_one_category(tmp_path):
    path = tmp_path / "boxes.json"
    write_coco(path, NAMES, SIZES, BOXES, SCORES)
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


def test_csv_has_one_line_a_image(tmp_path):
    path = tmp_path / "boxes.csv"
    write_csv(path, NAMES, SIZES, BOXES, SCORES)
    with path.open(encoding="utf-8", newline="") as file:
        header, first, second = csv.reader(file)
    assert header == ["name", "x0", "y0", "x1", "y1", "score", "width", "height", "unusual"]
    assert first == ["a/one.jpg", "10.01", "5.0", "30.33", "25.5", "0.1235", "100", "50", ""]
    assert second == ['tw"o, é.png', "0.0", "0.0", "64.0", "64.0", "1.0", "64", "64", ""]


def test_how_unusual_each_image_is(tmp_path):
    outliers = np.array([0.987, 3.0])
    write_coco(tmp_path / "boxes.json", NAMES, SIZES, BOXES, SCORES, outliers)
    coco = json.loads((tmp_path / "boxes.json").read_text(encoding="utf-8"))
    assert [image["unusual"] for image in coco["images"]] == [0.99, 3.0]
    assert "unusual" not in coco["annotations"][0]
    write_csv(tmp_path / "boxes.csv", NAMES, SIZES, BOXES, SCORES, outliers)
    with (tmp_path / "boxes.csv").open(encoding="utf-8", newline="") as file:
        assert [line["unusual"] for line in csv.DictReader(file)] == ["0.99", "3.0"]


@pytest.mark.parametrize("write", [write_coco, write_csv])
def test_a_missing_name_is_an_error_and_leaves_the_old_file(tmp_path, write):
    path = tmp_path / "boxes"
    path.write_text("old")
    with pytest.raises(ValueError, match="zip"):
        write(path, NAMES[:1], SIZES, BOXES, SCORES)
    assert path.read_text() == "old"


@pytest.mark.parametrize("write", [write_coco, write_csv])
def test_a_place_that_cannot_be_written_is_named(tmp_path, write):
    (tmp_path / "folder").mkdir()
    with pytest.raises(UserError, match="Cannot write"):
        write(tmp_path / "folder", NAMES, SIZES, BOXES, SCORES)


@pytest.mark.parametrize("write", [write_coco, write_csv])
def test_no_images_make_a_valid_file(tmp_path, write):
    path = tmp_path / "boxes"
    write(path, (), np.zeros((0, 2), dtype=int), np.zeros((0, 4)), np.zeros(0))
    text = path.read_text()
    assert text.startswith("name,") or json.loads(text)["annotations"] == []
