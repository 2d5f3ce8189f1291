"""Several objects an image, and none, from files to boxes, masks, drawings and metrics."""

import csv
import json
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from bright import Bright
from cli_runs import SIZES, evaluate, localize
from ganloc import Localizer, UserError, cli
from ganloc.box.iou import iou
from ganloc.images.folder import load_folder
from ganloc.localization import LocalizedObject
from ganloc.metrics import objects
from ganloc.report.export import draw_results
from localizer_runs import TINY, write_photos

# White squares on dark noise, in images of 640 × 320 pixels: xyxy.
SQUARES = {
    "none.png": [],
    "one.png": [(127, 83, 257, 155)],
    "three.png": [(43, 47, 151, 121), (403, 51, 517, 133), (211, 205, 341, 287)],
}


@pytest.fixture(scope="module")
def bright(tmp_path_factory):
    """A Localizer whose student finds what is bright."""
    photos = write_photos(tmp_path_factory.mktemp("noise"))
    localizer = Localizer("laptop", variant="dcgan", device="cpu", **TINY).fit(photos)
    assert localizer.model is not None
    localizer.model = replace(localizer.model, student=Bright(32, 2).eval())
    return localizer


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    folder = tmp_path_factory.mktemp("squares")
    random = np.random.default_rng(0)
    for name, squares in SQUARES.items():
        photo = Image.fromarray(random.integers(0, 60, (320, 640, 3), np.uint8))
        for square in squares:
            photo.paste((255, 255, 255), square)
        photo.save(folder / name)
    return folder


def test_each_object_has_its_refined_box_its_score_and_its_mask(bright, photos):
    found = bright.localize(photos, max_objects="all", min_score=0.5)
    assert [len(one.objects) for one in found] == [0, 1, 3]
    assert (found[0].box, found[0].score) == (None, None)
    for localization in found[1:]:
        scores = [one.score for one in localization.objects]
        assert scores == sorted(scores, reverse=True)
        first = localization.objects[0]
        assert (localization.box, localization.score) == (first.box, first.score)
        left = list(SQUARES[localization.path])
        for one in localization.objects:
            assert type(one) is LocalizedObject
            true = np.array(left, float)
            overlaps = iou(np.broadcast_to(one.box, true.shape), true)
            assert max(overlaps) > 0.8
            x0, y0, x1, y1 = left.pop(int(np.argmax(overlaps)))
            assert one.mask.shape == (320, 640)
            square = np.zeros((320, 640), bool)
            square[y0:y1, x0:x1] = True
            assert (one.mask & square).sum() / (one.mask | square).sum() > 0.7
        assert sum(one.mask for one in localization.objects).max() == 1


def test_by_default_there_is_one_and_without_a_least_score_nothing_is_left_out(bright, photos):
    images = load_folder(photos, 32)
    default, one = bright.detect(images), bright.detect(images, max_objects=1)
    assert default.image.tolist() == [0, 1, 2]
    for name in ("boxes", "scores"):
        np.testing.assert_array_equal(getattr(default, name), getattr(one, name))
    counts = [len(found.objects) for found in bright.localize(photos, max_objects=2)]
    assert counts[1:] == [1, 2]
    assert counts[0] >= 1
    with pytest.raises(UserError, match="max_objects is 0"):
        bright.localize(photos, max_objects=0)


def test_boxes_that_coincide_once_they_are_refined_are_one(bright, photos, monkeypatch):
    images = load_folder(photos, 32)
    moved = np.array([[0.1, 0.1, 0.5, 0.5]])
    monkeypatch.setattr(
        "ganloc.method.refine_objects",
        lambda student, boxes, *rest: (np.repeat(moved, len(boxes), axis=0), ()),
    )
    found = bright.detect(images, max_objects="all")
    assert found.counts.tolist() == [1, 1, 1]


def test_other_readings_have_several_objects_too(bright, photos):
    images = load_folder(photos, 32)
    found = bright.detect(images, "plain-cam", max_objects="all")
    assert (np.diff(found.image) >= 0).all()
    assert found.counts.min() >= 1
    assert len(found.masks) == len(found.boxes) == len(found.scores) == found.counts.sum()


def test_drawings_show_each_object_in_a_colour_of_its_own(bright, photos, tmp_path):
    images = load_folder(photos, 32)
    draw_results(tmp_path, images, bright.detect(images, max_objects="all", min_score=0.5))
    with Image.open(tmp_path / "three.png.png") as image:
        drawn = np.asarray(image.convert("RGB")).astype(int)
    inks = set()
    for x0, y0, x1, y1 in SQUARES["three.png"]:
        part = drawn[y0:y1, x0:x1]
        saturated = part.max(axis=2) - part.min(axis=2) > 60
        values, counts = np.unique(part[saturated], axis=0, return_counts=True)
        inks.add(tuple(values[counts.argmax()]))
    assert len(inks) == 3
    with Image.open(tmp_path / "none.png.png") as image:
        nothing = np.asarray(image.convert("RGB"))[:320]
    assert nothing.max() < 60  # neither a box nor a contour


def test_the_command_writes_all_objects_in_each_form(work, tmp_path, capsys):
    options = ("--max-objects", "all", "--masks", "--mask-dir", str(tmp_path / "masks"))
    localize(work, tmp_path / "boxes.json", *options, "--draw", str(tmp_path / "drawn"))
    coco = json.loads((tmp_path / "boxes.json").read_text())
    said = capsys.readouterr().err
    count = len(coco["annotations"])
    assert f"{count} box" in said
    assert f"masks in {tmp_path / 'masks'}" in said
    owners = [annotation["image_id"] for annotation in coco["annotations"]]
    for image in coco["images"]:
        with Image.open(tmp_path / "masks" / f"{image['file_name']}.png") as mask:
            assert mask.size == SIZES[image["file_name"]]
            numbers = set(np.unique(mask)) - {0}
            areas = np.bincount(np.asarray(mask).ravel(), minlength=2)[1:]
        own = [a for a in coco["annotations"] if a["image_id"] == image["id"]]
        assert numbers <= set(range(1, owners.count(image["id"]) + 1))
        assert areas[: len(own)].tolist() == [a["area"] for a in own][: len(areas)]
        assert {tuple(a["segmentation"]["size"]) for a in own} == {
            (image["height"], image["width"])
        }
    localize(work, tmp_path / "boxes.csv", "--max-objects", "all")
    with (tmp_path / "boxes.csv").open() as file:
        assert len(list(csv.DictReader(file))) == count


def test_nothing_found_is_said(work, tmp_path, capsys):
    localize(work, tmp_path / "boxes.json", "--min-score", "1", "--draw", str(tmp_path / "drawn"))
    coco = json.loads((tmp_path / "boxes.json").read_text())
    assert (len(coco["images"]), coco["annotations"]) == (3, [])
    said = capsys.readouterr().err
    assert "Nothing was found in 3 of 3 images: a/wide.png, b.png, c.png." in said
    assert "0 boxes of 3 images" in said


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--max-objects", "0"], "--max-objects is 0: ask for at least one object"),
        (["--max-objects", "some"], "--max-objects must be a whole number or all, not 'some'"),
        (["--min-score", "2"], "--min-score is 2.0: choose a chance from 0 to 1"),
        (["--min-score", "x"], "--min-score must be a number, not 'x'"),
        (["--masks", "--format", "csv"], "csv has no place for --masks: write COCO, or PNGs"),
        (["--mask-dir", "-"], "--mask-dir takes a folder, not -"),
        (["--mask-dir", "{photos}/masks"], "choose a place outside it for --mask-dir"),
        (["--mask-dir", "{out}/m", "--draw", "{out}/m"], "are in one place"),
        (["--mask-dir", "{out}/m/n", "--draw", "{out}/m"], "are in one place"),
    ],
)
def test_what_cannot_be_asked_for(options, said, work, tmp_path, capsys):
    places = {"photos": work / "photos", "out": tmp_path}
    with pytest.raises(SystemExit) as stop:
        localize(work, tmp_path / "b.json", *(option.format(**places) for option in options))
    assert stop.value.code == 2
    errors = capsys.readouterr().err
    assert said in errors
    assert errors.count("\n") == 1
    assert not (tmp_path / "b.json").exists()


def test_evaluate_measures_all_objects_when_asked_or_where_there_are_several(
    work, tmp_path, capsys, monkeypatch
):
    pytest.importorskip("pycocotools")
    evaluate(work, "--max-objects", "all", "--json")
    rows = json.loads(capsys.readouterr().out)["objects"]
    assert [row["name"] for row in rows] == ["default", "one-box", "whole-image", "centre"]
    # One of three images is true as a whole, each has one object.
    whole = rows[2]
    assert (whole["count_error"], whole["right_count"]) == (0.0, 100.0)
    assert whole["average_recall"] == pytest.approx(100 / 3, abs=0.01)
    truth = json.loads((work / "truth.json").read_text())
    truth["annotations"].append({"id": 9, "image_id": 0, "category_id": 1, "bbox": [40, 20, 9, 9]})
    (tmp_path / "several.json").write_text(json.dumps(truth))
    command = ["evaluate", str(work / "run"), str(work / "photos"), "--truth",
               str(tmp_path / "several.json")]  # fmt: skip
    cli.main(command)
    shown = capsys.readouterr().out
    assert "All objects: 4 in 3 images" in shown
    assert "AP50" in shown
    assert max(map(len, shown.splitlines())) <= 80
    evaluate(work)
    assert "AP50" not in capsys.readouterr().out
    monkeypatch.setattr(objects, "find_spec", lambda name: None)
    cli.main(command)
    output, errors = capsys.readouterr()
    assert "AP50" not in output
    assert "pip install 'ganloc[coco]'" in errors
    with pytest.raises(SystemExit):
        evaluate(work, "--max-objects", "2")
    assert "Average precision needs pycocotools" in capsys.readouterr().err
