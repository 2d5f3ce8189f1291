"""The script that asks what hints are worth."""

import json

import hints as script
import pytest
import render
import trainings
from PIL import Image

from ganloc.images.synthetic import draw_images
from ganloc.paper.results import read_rows
from ganloc.recipes import Recipe
from ganloc.student import learn_hints

TINY = Recipe(
    "dcgan", 32, 2, 2, 8, 2, 1, adversarial_weight=0.0, border_weight=1.0, select=True,
    student_iterations=1, student_width=2,
)  # fmt: skip


@pytest.fixture
def drawn(tmp_path, monkeypatch, short_hints):
    """A folder of drawn images with their truth, and trainings of a few steps."""
    monkeypatch.setattr(script, "ALONE_STEPS", 1)
    monkeypatch.setattr(trainings, "SIZE", 32)
    monkeypatch.setattr(trainings, "make_recipe", lambda preset, size: TINY)
    images = draw_images(12, 32, seed=0)
    rows, annotations = [], []
    (tmp_path / "heads").mkdir()
    for index, (pixels, boxes) in enumerate(zip(images.pixels, images.truth, strict=True)):
        name = f"{index:02}.png"
        Image.fromarray(pixels).save(tmp_path / "heads" / name)
        rows.append({"id": index, "file_name": name, "width": 32, "height": 32})
        x0, y0, x1, y1 = boxes[0].tolist()
        box = [x0, y0, x1 - x0, y1 - y0]
        annotations.append({"id": index, "image_id": index, "category_id": 1, "bbox": box})
    content = {"images": rows, "annotations": annotations, "categories": [{"id": 1, "name": "x"}]}
    (tmp_path / "heads" / "truth.coco.json").write_text(json.dumps(content))
    return tmp_path / "heads"


def test_rows_are_measured_on_images_without_hints_and_kept(drawn, tmp_path, capsys):
    options = ["--heads", str(drawn), "--sets", "heads", "--runs", str(tmp_path / "runs")]
    options += ["--results", str(tmp_path), "--counts", "3", "--draws", "0", "1"]
    assert script.main(options) == 0
    rows = read_rows(tmp_path / "hints.json")
    assert {row["images"] for row in rows} == {9}
    asked = {(row["choice"], row["draw"], row["boxes"]) for row in rows}
    assert len(rows) == len(asked) == (2 + 1) * 4  # suggested ones are drawn once
    assert {row["boxes"] for row in rows} == set(render.HINTS)
    told = {tuple(row["teacher"]) for row in rows if row["boxes"] == "hinted"}
    assert told <= set(learn_hints.TEACHERS)
    table = capsys.readouterr().out
    assert "| heads | random | 3 | 2 | " in table
    made = (tmp_path / "hints.json").stat().st_mtime_ns
    assert script.main(options) == 0
    assert (tmp_path / "hints.json").stat().st_mtime_ns == made


def test_a_row_that_is_missing_is_measured_alone(drawn, tmp_path, monkeypatch):
    options = ["--heads", str(drawn), "--sets", "heads", "--runs", str(tmp_path / "runs")]
    options += ["--results", str(tmp_path), "--counts", "3", "--draws", "0", "--choices", "random"]
    assert script.main(options) == 0
    file = tmp_path / "hints.json"
    content = json.loads(file.read_text())
    kept = [row for row in content["rows"] if row["boxes"] != "label-free"]
    file.write_text(json.dumps({**content, "rows": kept}))
    monkeypatch.setattr(script, "finetune", None)  # it is not called
    assert script.main(options) == 0
    assert sorted(map(str, read_rows(file))) == sorted(map(str, content["rows"]))


def test_the_paper_s_sets_are_refused(tmp_path, capsys):
    options = ["--data", "nowhere.zip", "--sets", "bird", "--runs", str(tmp_path)]
    assert script.main(options) == 2
    assert "paper's six sets" in capsys.readouterr().out


def test_means_over_draws_and_over_sets():
    row = {"hints": 5, "choice": "random", "boxes": "hinted"}
    rows = [
        {**row, "set": "heads", "draw": 0, "gt_known_loc": 80.0, "gt_known_loc_70": 50.0},
        {**row, "set": "heads", "draw": 1, "gt_known_loc": 90.0, "gt_known_loc_70": 40.0},
        {**row, "set": "boat", "draw": 0, "gt_known_loc": 45.0, "gt_known_loc_70": 20.0},
    ]
    assert render.hints(rows).splitlines()[-3:] == [
        "| boat | random | 5 | 1 |  |  |  | 45.0 / 20.0 |",
        "| heads | random | 5 | 2 |  |  |  | 85.0 / 45.0 |",
        "| **mean of 2** | random | 5 |  |  |  |  | 65.0 / 32.5 |",
    ]
    assert render.hints([]) == ""
