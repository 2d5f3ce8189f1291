"""The commands, from images to boxes."""

import csv
import json
import re
import shlex
import shutil
import warnings
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from cli_runs import SIZES, TINY, localize
from ganloc import Localizer, cli
from ganloc.errors import Notice
from ganloc.images.source import load_images
from ganloc.model import Model
from ganloc.outliers.outlier_model import OutlierModel


def test_train_takes_its_settings_and_says_what_is_next(tmp_path, work, capsys):
    out = tmp_path / "run"
    settings = [*TINY, "--iterations", "1", "--mirror", "--beta1", "0.5"]
    where = ["--out", str(out), "--preset", "paper", "--device", "cpu"]
    cli.main(["train", str(work / "photos"), *where, *settings])
    recipe = Model.load(out / "model.safetensors").recipe
    assert (recipe.variant, recipe.size, recipe.batch, recipe.iterations) == ("sn-dcgan", 32, 2, 1)
    assert (recipe.generator_width, recipe.beta1, recipe.mirror) == (2, 0.5, True)
    output, errors = capsys.readouterr()
    assert output == ""
    said = r"^3 images, sn-dcgan, then a student at 32 pixels, on cpu with \d+ threads?: 5 steps, "
    assert re.search(said + "about 10 seconds", errors, re.MULTILINE)
    assert "Only 3 images:" in errors
    assert "ganloc localize" in errors


def test_a_model_without_its_student_is_told_of(tmp_path, work, capsys):
    model = Model.load(work / "run" / "model.safetensors")
    sentence = "The run was stopped before its student learned"
    for student, is_said in ((None, True), (model.student, False)):
        shutil.copytree(work / "run", tmp_path / "run", dirs_exist_ok=True)
        replace(model, student=student).save(tmp_path / "run" / "model.safetensors")
        at = [str(tmp_path / "run"), str(work / "photos")]
        cli.main(["evaluate", *at, "--truth", str(work / "truth.json")])
        assert (sentence in capsys.readouterr().err) is is_said
        for options in ([], ["--plain-cam"]):
            cli.main(["localize", *at, "--out", str(tmp_path / "boxes.json"), *options])
            assert (sentence in capsys.readouterr().err) is (is_said and not options)


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
    # Three images are too few for an outlier score.
    assert {row["outlier"] for row in rows} == {""}
    assert not [image for image in coco["images"] if "outlier" in image]


def test_localize_names_the_outliers(tmp_path, work, capsys):
    noise = np.random.default_rng(1).integers(0, 256, (60, 32, 32, 3), np.uint8)
    model = Model.load(work / "run" / "model.safetensors")
    replace(model, outliers=OutlierModel.fit(noise, seed=0)).save(tmp_path / "model.safetensors")
    photos = tmp_path / "photos"
    shutil.copytree(work / "photos", photos)
    stripes = (np.arange(32) % 2 * 255).astype(np.uint8)
    Image.fromarray(np.broadcast_to(stripes, (32, 32))).save(photos / "stripes.png")
    out = tmp_path / "boxes.json"
    cli.main(["localize", str(tmp_path / "model.safetensors"), str(photos), "--out", str(out)])
    images = json.loads(out.read_text())["images"]
    scores = {image["file_name"]: image["outlier"] for image in images}
    assert max(scores, key=lambda name: scores[name]) == "stripes.png"
    cli.main(["localize", str(tmp_path / "model.safetensors"), str(photos),
              "--out", str(tmp_path / "boxes.csv")])  # fmt: skip
    rows = csv.DictReader((tmp_path / "boxes.csv").read_text().splitlines())
    assert {row["name"]: float(row["outlier"]) for row in rows} == scores
    said = capsys.readouterr().err
    assert re.search(r"^Outliers, unlike most training images: \d of 4: stripes.png \(", said, re.M)


def test_localize_by_another_reading_or_from_the_model_file(tmp_path, work):
    files = {
        "default": [],
        "student": ["--reading", "student"],
        "plain": ["--plain-cam"],
        "plain-cam": ["--reading", "plain-cam"],
        "lda": ["--reading", "lda"],
    }
    found = {}
    for name, options in files.items():
        localize(work, tmp_path / f"{name}.json", *options)
        found[name] = (tmp_path / f"{name}.json").read_text()
    assert found["student"] == found["default"]
    assert found["plain-cam"] == found["plain"]
    assert len(set(found.values())) == 3
    model = work / "run" / "model.safetensors"
    cli.main(["localize", str(model), str(work / "photos"), "--out", str(tmp_path / "model.json")])
    assert (tmp_path / "model.json").read_text() == found["default"]


def test_localize_draws_every_image(tmp_path, work):
    localize(work, tmp_path / "boxes.json", "--draw", str(tmp_path / "drawn"))
    drawn = {p.relative_to(tmp_path / "drawn").as_posix(): p for p in tmp_path.rglob("*.png")}
    assert set(drawn) == {f"{name}.png" for name in SIZES} | {"contact-sheet.png"}
    for name, (width, height) in SIZES.items():
        with Image.open(drawn[f"{name}.png"]) as image:  # the image, and below it its caption
            assert image.width / (image.height - 30) == pytest.approx(width / height, rel=0.02)


def test_images_larger_than_the_network_are_refined_unless_told_not_to(tmp_path, work):
    loaded = Localizer.load(work / "run")
    images = load_images(str(work / "photos"), 32)
    boxes = {}
    for refine, options in ((True, []), (False, ["--no-refine"])):
        localize(work, tmp_path / "boxes.csv", *options)
        with (tmp_path / "boxes.csv").open() as file:
            rows = list(csv.DictReader(file))
        found = np.array([[float(row[end]) for end in ("x0", "y0", "x1", "y1")] for row in rows])
        expected = images.in_pixels(loaded.detect(images, refine=refine).boxes)
        np.testing.assert_allclose(found, expected, atol=0.006)
        boxes[refine] = dict(zip([row["name"] for row in rows], found.tolist(), strict=True))
    assert boxes[True]["c.png"] == boxes[False]["c.png"]  # of the network's own size
    assert boxes[True] != boxes[False]


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


def test_notices_are_lines_each_time_and_other_warnings_stay_warnings(monkeypatch, capsys):
    def warn() -> None:
        warnings.warn("Only [b]4[/b] images.", Notice, stacklevel=1)
        warnings.warn("old", DeprecationWarning, stacklevel=1)

    monkeypatch.setitem(cli.COMMANDS, "demo", warn)
    for _ in range(2):
        with pytest.warns(DeprecationWarning, match="old") as given:
            cli.main(["demo"])
        assert [warning.category for warning in given] == [DeprecationWarning]
        output, errors = capsys.readouterr()
        assert (output, errors) == ("", "Only [b]4[/b] images.\n")
