"""The commands, from images to boxes."""

import csv
import json
import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cli_runs import SIZES, TINY, evaluate, localize
from ganloc import Localizer, cli
from ganloc.images.source import load_images
from ganloc.model import Model
from ganloc.outliers.outlier_model import OutlierModel
from ganloc.recipes import VARIANTS


def test_train_takes_its_settings_and_says_what_is_next(tmp_path, work, capsys):
    out = tmp_path / "run"
    settings = [*TINY, "--iterations", "1", "--mirror", "True", "--beta1", "0.5"]
    where = ["--out", str(out), "--preset", "paper", "--device", "cpu"]
    cli.main(["train", str(work / "photos"), *where, *settings])
    recipe = Model.load(out / "model.safetensors").recipe
    assert (recipe.variant, recipe.size, recipe.batch, recipe.iterations) == ("sn-dcgan", 32, 2, 1)
    assert (recipe.generator_width, recipe.beta1, recipe.mirror) == (2, 0.5, True)
    output, errors = capsys.readouterr()
    assert output == ""
    assert "3 images, sn-dcgan, then a student at 32 pixels, on cpu." in errors
    assert "Only 3 images:" in errors
    assert "ganloc localize" in errors


def test_a_model_without_its_student_is_told_of(tmp_path, work, capsys):
    model = Model.load(work / "run" / "model.safetensors")
    sentence = "The run was stopped before its student learned"
    for student, describe_outliers in ((None, True), (model.student, False)):
        shutil.copytree(work / "run", tmp_path / "run", dirs_exist_ok=True)
        replace(model, student=student).save(tmp_path / "run" / "model.safetensors")
        at = [str(tmp_path / "run"), str(work / "photos")]
        cli.main(["evaluate", *at, "--truth", str(work / "truth.json")])
        assert (sentence in capsys.readouterr().err) is describe_outliers
        for options in ([], ["--plain-cam"]):
            cli.main(["localize", *at, "--out", str(tmp_path / "boxes.json"), *options])
            assert (sentence in capsys.readouterr().err) is (describe_outliers and not options)


def test_train_takes_every_variant_and_the_penalty_s_settings(tmp_path, work):
    out = tmp_path / "run"
    penalty = [
        "--preset",
        "laptop",
        "--variant",
        "dragan",
        "--penalty-weight",
        "3.5",
        "--dragan-noise",
        "uniform-scaled",
    ]
    cli.main(["train", str(work / "photos"), "--out", str(out), "--device", "cpu", *TINY,
              "--iterations", "1", *penalty])  # fmt: skip
    recipe = Model.load(out / "model.safetensors").recipe
    assert recipe.variant == "dragan"
    assert (recipe.penalty_weight, recipe.dragan_noise) == (3.5, "uniform-scaled")
    state, student = map(json.loads, (out / "log.jsonl").read_text().splitlines())
    assert state["penalty"] > 0
    assert student["student_loss"] > 0


def test_the_help_of_train_names_every_variant(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    with pytest.raises(SystemExit):
        cli.main(["train", "--help"])
    words = re.findall(r"[\w-]+", capsys.readouterr().out)
    assert set(VARIANTS) <= set(words)


def test_the_advice_works_in_a_shell_also_with_odd_names(tmp_path, work, capsys):
    photos, out = tmp_path / "my [b]photos", tmp_path / "run [red]"
    shutil.copytree(work / "photos", photos)
    cli.main(["train", str(photos), "--out", str(out), *TINY, "--iterations", "1"])
    advice = capsys.readouterr().err.partition("Next:")[2]
    words = shlex.split(advice)
    assert words[:5] == ["ganloc", "localize", str(out), str(photos), "--out"]


def test_train_goes_on_with_resume(tmp_path, work):
    command = ["train", str(work / "photos"), "--out", str(tmp_path / "run"), "--device", "cpu"]
    cli.main([*command, *TINY, "--preset", "laptop", "--variant", "dcgan", "--iterations", "1"])
    cli.main([*command, "--resume", "--iterations", "3"])
    assert Model.load(tmp_path / "run" / "model.safetensors").info["iteration"] == 3
    assert json.loads((tmp_path / "run" / "recipe.json").read_text())["recipe"]["iterations"] == 3


def test_localize_writes_coco(tmp_path, work, capsys):
    localize(work, tmp_path / "boxes.json")
    coco = json.loads((tmp_path / "boxes.json").read_text())
    assert {i["file_name"]: (i["width"], i["height"]) for i in coco["images"]} == SIZES
    assert [a["image_id"] for a in coco["annotations"]] == [i["id"] for i in coco["images"]]
    for annotation, (width, height) in zip(coco["annotations"], SIZES.values(), strict=True):
        x, y, w, h = annotation["bbox"]
        assert min(x, y) >= 0
        assert min(w, h) > 0
        assert x + w <= width
        assert y + h <= height
    output, errors = capsys.readouterr()
    assert output == ""
    assert "3 boxes in" in errors


@pytest.mark.parametrize(("name", "options"), [("b.csv", []), ("b.txt", ["--format", "csv"])])
def test_localize_writes_csv(name, options, tmp_path, work):
    localize(work, tmp_path / name, *options)
    localize(work, tmp_path / "boxes.json")
    rows = list(csv.DictReader((tmp_path / name).read_text().splitlines()))
    coco = json.loads((tmp_path / "boxes.json").read_text())
    assert [row["name"] for row in rows] == list(SIZES)
    for row, annotation in zip(rows, coco["annotations"], strict=True):
        x, y, width, height = annotation["bbox"]
        corners = [float(row[key]) for key in ("x0", "y0", "x1", "y1")]
        np.testing.assert_allclose(corners, [x, y, x + width, y + height], atol=0.011)
        assert float(row["score"]) == annotation["score"]
    # Of three images nothing is typical.
    assert {row["unusual"] for row in rows} == {""}
    assert not [image for image in coco["images"] if "unusual" in image]


def test_localize_names_the_unusual_images(tmp_path, work, capsys):
    noise = np.random.default_rng(1).integers(0, 256, (60, 32, 32, 3), np.uint8)
    model = Model.load(work / "run" / "model.safetensors")
    replace(model, outliers=OutlierModel.fit(noise, seed=0)).save(tmp_path / "model.safetensors")
    photos = tmp_path / "photos"
    shutil.copytree(work / "photos", photos)
    stripes = (np.arange(40) // 4 % 2 * 255).astype(np.uint8)
    Image.fromarray(np.broadcast_to(stripes, (30, 40))).save(photos / "stripes.png")
    out = tmp_path / "boxes.json"
    cli.main(["localize", str(tmp_path / "model.safetensors"), str(photos), "--out", str(out)])
    images = json.loads(out.read_text())["images"]
    scores = {image["file_name"]: image["unusual"] for image in images}
    assert max(scores, key=lambda name: scores[name]) == "stripes.png"
    cli.main(["localize", str(tmp_path / "model.safetensors"), str(photos),
              "--out", str(tmp_path / "boxes.csv")])  # fmt: skip
    rows = csv.DictReader((tmp_path / "boxes.csv").read_text().splitlines())
    assert {row["name"]: float(row["unusual"]) for row in rows} == scores
    describe_outliers = capsys.readouterr().err.replace("\n", " ")
    assert re.search(r"from, \d of 4: stripes.png \(", describe_outliers)


def test_localize_by_the_paper_s_reading_or_from_the_model_file(tmp_path, work):
    localize(work, tmp_path / "plain.json", "--plain-cam")
    localize(work, tmp_path / "default.json")
    model = work / "run" / "model.safetensors"
    cli.main(["localize", str(model), str(work / "photos"), "--out", str(tmp_path / "model.json")])
    default = (tmp_path / "default.json").read_text()
    assert (tmp_path / "model.json").read_text() == default
    assert (tmp_path / "plain.json").read_text() != default


def test_localize_draws_every_image(tmp_path, work):
    localize(work, tmp_path / "boxes.json", "--draw", str(tmp_path / "drawn"))
    drawn = {p.relative_to(tmp_path / "drawn").as_posix(): p for p in tmp_path.rglob("*.png")}
    assert set(drawn) == {f"{name}.png" for name in SIZES}
    for name, (width, height) in SIZES.items():
        with Image.open(drawn[f"{name}.png"]) as image:  # the image, and beside it its heatmap
            assert image.width / image.height == pytest.approx(2 * width / height, rel=0.02)


def test_images_larger_than_the_network_are_looked_at_again(tmp_path, work, capsys, monkeypatch):
    def middle_half(student, pixels):
        masks = np.zeros((len(pixels), 32, 32), np.float32)
        masks[:, 8:24, 8:24] = 1.0
        return masks

    monkeypatch.setattr("ganloc.model.soft_masks", middle_half)
    middle_fifth = [0.4, 0.4, 0.6, 0.6]
    monkeypatch.setattr(
        crop_reader, "student_boxes", lambda _, px: np.tile(middle_fifth, (len(px), 1))
    )
    boxes = {}
    for again, options in ((True, []), (False, ["--no-refine"])):
        localize(work, tmp_path / "boxes.csv", *options)
        with (tmp_path / "boxes.csv").open() as file:
            rows = list(csv.DictReader(file))
        ends = [[float(row[end]) for end in ("x0", "y0", "x1", "y1")] for row in rows]
        boxes[again] = dict(zip([row["name"] for row in rows], ends, strict=True))
    assert boxes[False]["a/wide.png"] == [15.0, 7.5, 45.0, 22.5]
    # A fifth of ¾ of the image, then a fifth of half as much again: 0.045 of each side.
    assert boxes[True]["a/wide.png"] == pytest.approx([28.65, 14.325, 31.35, 15.675], abs=0.01)
    assert boxes[True]["c.png"] == boxes[False]["c.png"] == [8.0, 8.0, 24.0, 24.0]
    found = [one.box for one in Localizer.load(work / "run").localize(work / "photos")]
    np.testing.assert_allclose(found, list(boxes[True].values()), atol=0.01)
    capsys.readouterr()
    evaluate(work, "--json")
    rows = {row["name"]: row for row in json.loads(capsys.readouterr().out)["rows"]}
    # True boxes: the upper left quarter of the first two, all of the third.
    ious = [0.0225**2 / (0.25 + 0.045**2 - 0.0225**2)] * 2 + [0.25]
    assert rows["default"]["mean_iou"] == pytest.approx(100 * np.mean(ious), abs=0.01)


def test_demo_is_handed_its_options_and_prints_one_json_object(work, tmp_path, capsys, monkeypatch):
    given = []

    def run_demo(out, seed, console):
        given.append((out, seed))
        return load_images(str(work / "photos"), 32), []

    monkeypatch.setattr("ganloc.commands.demo.run_demo", run_demo)
    cli.main(["demo", "--out", str(tmp_path), "--seed", "3", "--json"])
    assert given == [(tmp_path, 3)]
    table = json.loads(capsys.readouterr().out)
    assert table == {"data": "embedded", "images": 0, "rows": []}  # no truth, nothing scored


def test_images_that_cannot_be_read_are_left_out_counted_and_listed(tmp_path, work, capsys):
    (tmp_path / "photos").mkdir()
    for name in ("good.png", "fine.png"):
        (tmp_path / "photos" / name).write_bytes((work / "photos" / "b.png").read_bytes())
    (tmp_path / "photos" / "[red]torn.png").write_bytes(b"\x89PNG torn")
    (tmp_path / "photos" / "empty.jpg").touch()
    out = tmp_path / "boxes.json"
    cli.main(["localize", str(work / "run"), str(tmp_path / "photos"), "--out", str(out)])
    names = [image["file_name"] for image in json.loads(out.read_text())["images"]]
    assert names == ["fine.png", "good.png"]
    output, errors = capsys.readouterr()
    assert output == ""
    assert "2 of 4 files could not be read (left out):" in errors
    assert "  [red]torn.png: " in errors
    assert "  empty.jpg: " in errors


def test_the_command_and_its_help():
    ganloc = str(Path(sys.executable).with_name("ganloc"))
    done = subprocess.run([ganloc, "--help"], capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert all(
        command in done.stdout for command in ("demo", "train", "localize", "evaluate", "score")
    )
    assert done.stderr == ""
