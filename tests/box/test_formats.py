import csv
import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ganloc.box.detections import Detections
from ganloc.box.formats import (
    WRITERS,
    format_for,
    write_coco,
    write_coco_results,
    write_csv,
)
from ganloc.box.soft_mask import SoftMask
from ganloc.errors import UserError
from ganloc.images.image_set import ImageSet

PIXELS = np.zeros((2, 8, 8, 3), np.uint8)
IMAGES = ImageSet(PIXELS, ("a/one.jpg", 'tw"o, é.png'), np.array([[100, 50], [64, 64]]))
# Of 100 × 50 pixels: 10.006, 5, 30.333333 and 25.5.
BOXES = np.array([[0.10006, 0.1, 0.30333333, 0.51], [0.0, 0.0, 1.0, 1.0]])
FOUND = Detections.one_each(BOXES, np.zeros((2, 8, 8), np.float32), np.array([0.123456, 1.0]))
NONE = Detections.one_each(np.zeros((0, 4)), np.zeros((0, 8, 8), np.float32), np.zeros(0))


def test_coco_holds_images_boxes_and_one_category(tmp_path):
    path = tmp_path / "boxes.json"
    write_coco(path, IMAGES, FOUND)
    coco = json.loads(path.read_text(encoding="utf-8"))
    assert coco["categories"] == [{"id": 1, "name": "object", "supercategory": ""}]
    assert coco["info"]["description"].startswith("Boxes found by ganloc")
    assert coco["licenses"] == []
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
        "segmentation": [[10.01, 5.0, 30.33, 5.0, 30.33, 25.5, 10.01, 25.5]],
        "area": 416.56,
        "score": 0.1235,
        "iscrowd": 0,
    }
    assert (second["image_id"], second["bbox"], second["area"]) == (2, [0, 0, 64, 64], 4096)
    write_coco(path, IMAGES, FOUND, polygons=False)
    assert json.loads(path.read_text(encoding="utf-8"))["annotations"][0] == first | {
        "segmentation": []
    }


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


@pytest.mark.parametrize("write", WRITERS.values())
def test_a_missing_name_is_an_error_and_leaves_the_old_file(tmp_path, write):
    path = tmp_path / "boxes"
    path.write_text("old")
    with pytest.raises(ValueError, match="zip"):
        write(path, replace(IMAGES, names=IMAGES.names[:1]), FOUND)
    assert path.read_text() == "old"


@pytest.mark.parametrize("write", WRITERS.values())
def test_a_place_that_cannot_be_written_is_named(tmp_path, write):
    (tmp_path / "folder").mkdir()
    with pytest.raises(UserError, match="Cannot write"):
        write(tmp_path / "folder", IMAGES, FOUND)


@pytest.mark.parametrize("write", WRITERS.values())
def test_no_images_make_a_valid_file(tmp_path, write):
    path = tmp_path / "boxes"
    write(path, IMAGES.subset([]), NONE)
    text = path.read_text()
    if write is write_coco:
        assert json.loads(text)["annotations"] == json.loads(text)["images"] == []
    elif write is write_coco_results:
        assert json.loads(text) == []
    else:
        assert text == "name,x0,y0,x1,y1,score,width,height,outlier\n"


@pytest.mark.parametrize(
    ("name", "format", "writer"),
    [
        ("boxes.json", None, write_coco),
        ("boxes.csv", None, write_csv),
        ("BOXES.CSV", None, write_csv),
        ("boxes.json", "csv", write_csv),
        ("boxes", "coco", write_coco),
        ("Boxes.Json", None, write_coco),
        ("boxes.json", "coco-results", write_coco_results),
        ("boxes.txt", "COCO-Results", write_coco_results),
        ("a.json.csv", None, write_csv),
        ("-", None, write_coco),
        ("-", "csv", write_csv),
        ("/dev/null", None, write_coco),
        ("/dev/stdout", "CSV", write_csv),
    ],
)
def test_a_file_s_name_says_its_format_unless_one_is_given(name, format, writer):
    assert WRITERS[format_for(Path(name), format)] is writer


def test_a_pipe_has_a_format_by_its_name_or_is_coco(tmp_path):
    for name, format in (("pipe", "coco"), ("pipe.csv", "csv")):
        os.mkfifo(tmp_path / name)
        assert format_for(tmp_path / name) == format


def test_formats_that_there_are_not():
    assert set(WRITERS) == {"coco", "coco-results", "csv"}
    for name in (
        "boxes",
        "boxes.txt",
        "json",
        ".json",
        "boxes.jsonl",
        "boxes.json ",
        "boxes.json~",
    ):
        with pytest.raises(UserError, match=rf"format of {name} is not known .* format"):
            format_for(Path(name))
    with pytest.raises(UserError, match=r"no format 'yaml': choose coco, coco-results or csv"):
        format_for(Path("boxes.json"), "yaml")


@pytest.mark.parametrize("format", [None, "coco", "csv"])
@pytest.mark.parametrize("name", ["boxes.json.gz", "boxes.CSV.ZIP", "boxes.xz", "boxes.json.bz2"])
def test_a_name_that_promises_compression(name, format):
    """`--format coco --out boxes.json.gz` would be plain text that no program unpacks."""
    with pytest.raises(UserError, match=f"{name} would not be compressed"):
        format_for(Path(name), format)


def test_the_category_has_the_user_s_name(tmp_path):
    write_coco(tmp_path / "boxes.json", IMAGES, FOUND, category="Kohlmeise é")
    coco = json.loads((tmp_path / "boxes.json").read_text(encoding="utf-8"))
    assert [category["name"] for category in coco["categories"]] == ["Kohlmeise é"]


def test_results_are_a_list_of_boxes(tmp_path):
    write_coco_results(tmp_path / "boxes.json", IMAGES, FOUND)
    assert json.loads((tmp_path / "boxes.json").read_text()) == [
        {"image_id": 1, "category_id": 1, "bbox": [10.01, 5.0, 20.32, 20.5], "score": 0.1235},
        {"image_id": 2, "category_id": 1, "bbox": [0.0, 0.0, 64.0, 64.0], "score": 1.0},
    ]


@pytest.mark.parametrize("write", [write_coco, write_coco_results])
def test_json_is_ascii_for_programs_that_read_in_another_encoding(write, tmp_path):
    write(tmp_path / "boxes.json", IMAGES, FOUND)
    text = (tmp_path / "boxes.json").read_bytes()
    assert json.loads(text.decode("cp1252")) == json.loads(text.decode("utf-8"))
    if write is write_coco:
        names = [image["file_name"] for image in json.loads(text)["images"]]
        assert names == list(IMAGES.names)


@pytest.mark.parametrize("write", WRITERS.values())
@pytest.mark.parametrize("place", ["box", "score", "outlier"])
@pytest.mark.parametrize("number", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_is_told_of_and_the_old_file_stays(number, place, write, tmp_path):
    boxes, scores, outliers = BOXES.copy(), FOUND.scores.copy(), np.array([0.5, 0.5])
    {"box": boxes[1], "score": scores[1:], "outlier": outliers[1:]}[place][0] = number
    path = tmp_path / "boxes"
    path.write_text("old")
    found = Detections.one_each(boxes, FOUND.heatmaps, scores, outliers)
    with pytest.raises(UserError, match=r'1 of 2 .* not finite .* tw"o, é.png'):
        write(path, IMAGES, found)
    assert path.read_text() == "old"


def several():
    """No object in the first image, two in the second, one in the third; masks of 2 × 2 cells."""
    images = ImageSet(PIXELS[[0, 0, 0]], ("a.jpg", "b.jpg", "c.jpg"), np.full((3, 2), (20, 10)))
    boxes = np.array([[0.0, 0.0, 0.5, 0.5], [0.5, 0.5, 1.0, 1.0], [0.0, 0.0, 1.0, 1.0]])
    values, labels = np.eye(2, dtype=np.float32), np.array([[1, 0], [0, 2]], np.int16)
    masks = (
        SoftMask(values, 0.9, labels, 1),
        SoftMask(values, 0.9, labels, 2),
        SoftMask(np.ones((2, 2), np.float32), 0.5),
    )
    scores, heatmaps = np.array([0.9, 0.8, 0.1]), np.zeros((3, 8, 8), np.float32)
    return images, Detections(np.array([1, 1, 2]), boxes, scores, masks, heatmaps)


def test_each_object_has_its_annotation_and_each_image_is_listed(tmp_path):
    images, found = several()
    write_coco(tmp_path / "boxes.json", images, found)
    coco = json.loads((tmp_path / "boxes.json").read_text())
    assert [image["id"] for image in coco["images"]] == [1, 2, 3]
    numbers = [(a["id"], a["image_id"], a["bbox"], a["score"]) for a in coco["annotations"]]
    assert numbers == [
        (1, 2, [0, 0, 10, 5], 0.9),
        (2, 2, [10, 5, 10, 5], 0.8),
        (3, 3, [0, 0, 20, 10], 0.1),
    ]
    write_coco_results(tmp_path / "results.json", images, found)
    results = json.loads((tmp_path / "results.json").read_text())
    assert [(r["image_id"], r["bbox"], r["score"]) for r in results] == [n[1:] for n in numbers]
    write_csv(tmp_path / "boxes.csv", images, found)
    with (tmp_path / "boxes.csv").open() as file:
        rows = [(row["name"], row["x0"], row["score"]) for row in csv.DictReader(file)]
    assert rows == [("b.jpg", "0.0", "0.9"), ("b.jpg", "10.0", "0.8"), ("c.jpg", "0.0", "0.1")]


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # their own
def test_pycocotools_reads_and_evaluates_masks(tmp_path):
    tools = pytest.importorskip("pycocotools.coco")
    evaluation = pytest.importorskip("pycocotools.cocoeval")
    images, found = several()
    write_coco(tmp_path / "data.json", images, found, masks=True)
    write_coco_results(tmp_path / "results.json", images, found, masks=True)
    coco = tools.COCO(str(tmp_path / "data.json"))
    loaded = coco.loadRes(str(tmp_path / "results.json"))
    for one in (coco, loaded):
        annotations = one.loadAnns(one.getAnnIds())
        for annotation, mask in zip(annotations, found.masks, strict=True):
            np.testing.assert_array_equal(one.annToMask(annotation), mask.at(20, 10))
    assert [a["area"] for a in coco.loadAnns([1, 2, 3])] == [
        found.masks[0].at(20, 10).sum(),
        found.masks[1].at(20, 10).sum(),
        200,
    ]
    measured = evaluation.COCOeval(coco, loaded, "segm")
    measured.evaluate()
    measured.accumulate()
    measured.summarize()
    assert measured.stats[0] == pytest.approx(1.0)


@pytest.fixture
def coco_of(tmp_path):
    """Images of whole-numbered boxes, in both forms, as pycocotools reads them."""
    tools = pytest.importorskip("pycocotools.coco")
    images = ImageSet(PIXELS, ("a.jpg", "b/é\n.jpg"), np.array([[100, 50], [64, 32]]))
    found = Detections.one_each(
        np.array([[0.1, 0.2, 0.3, 0.6], [0.0, 0.0, 1.0, 1.0]]),
        np.zeros((2, 8, 8), np.float32),
        np.array([0.25, 0.75]),
        np.array([1.0, 2.5]),
    )
    write_coco(tmp_path / "data.json", images, found, category="bird")
    write_coco_results(tmp_path / "results.json", images, found)
    return tools.COCO(str(tmp_path / "data.json")), str(tmp_path / "results.json")


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # their own
def test_every_call_of_pycocotools_works(coco_of, capsys):
    coco, results = coco_of
    coco.info()
    assert "description: Boxes found by ganloc" in capsys.readouterr().out
    assert coco.getCatIds(catNms=["bird"]) == coco.getCatIds(supNms=[""]) == [1]
    assert coco.loadCats(1)[0]["name"] == "bird"
    assert coco.getImgIds(catIds=1) == [1, 2]
    assert coco.loadImgs(2)[0]["file_name"] == "b/é\n.jpg"
    assert coco.getAnnIds(imgIds=2, areaRng=[2000, 2100], iscrowd=False) == [2]
    assert coco.getAnnIds(iscrowd=True) == []
    loaded = coco.loadRes(results)
    assert [each["score"] for each in loaded.loadAnns(loaded.getAnnIds())] == [0.25, 0.75]
    # x 10 to 30 and y 10 to 30 of 100 × 50; and the whole of 64 × 32.
    first, second = (np.zeros((height, width)) for width, height in ((100, 50), (64, 32)))
    first[10:30, 10:30] = 1
    second[:] = 1
    for one in (coco, loaded):
        for key, expected in ((1, first), (2, second)):
            np.testing.assert_array_equal(one.annToMask(one.loadAnns(key)[0]), expected)


def test_pycocotools_shows_the_annotations(coco_of):
    pyplot = pytest.importorskip("matplotlib.pyplot")
    pyplot.switch_backend("Agg")
    coco, results = coco_of
    for one in (coco, coco.loadRes(results)):
        axes = pyplot.figure().gca()
        one.showAnns(one.loadAnns(one.getAnnIds()), draw_bbox=True)
        filled, outlined = axes.collections
        corners = filled.get_paths()[0].vertices
        assert corners.min(axis=0).tolist() == [10, 10]
        assert corners.max(axis=0).tolist() == [30, 30]
        assert len(outlined.get_paths()) == 4  # two polygons and two boxes
    pyplot.close("all")


def test_pycocotools_evaluates_the_results_against_the_data_set(coco_of, capsys):
    """The boxes against themselves: an average precision of 1."""
    evaluation = pytest.importorskip("pycocotools.cocoeval")
    coco, results = coco_of
    measured = evaluation.COCOeval(coco, coco.loadRes(results), "bbox")
    measured.evaluate()
    measured.accumulate()
    measured.summarize()
    assert measured.stats[0] == pytest.approx(1.0)
