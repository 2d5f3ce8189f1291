"""The demo, shrunk to seconds."""

import json

import numpy as np
import pytest
from PIL import Image

from ganloc import cli, recipes
from ganloc.checkpoints.run import Run
from ganloc.evaluation import evaluate
from ganloc.images import source
from ganloc.images.image_set import ImageSet
from ganloc.metrics.rows import as_json
from ganloc.model import Model
from ganloc.recipes import Recipe

NAMES = {"default", "plain-cam", "untrained", "whole-image", "centre", "fitted-box"}
SIZE = 32


@pytest.fixture(autouse=True)
def tiny(monkeypatch):
    """The default preset, and the drawn images, as a few rows of their tables."""
    thin = Recipe("dcgan", generator_width=2, discriminator_width=2, batch=2, iterations=3,
                  beta1=0.5, student_iterations=2, student_width=2)  # fmt: skip
    monkeypatch.setitem(recipes.PRESETS, "default", thin)
    monkeypatch.setattr(source, "_EMBEDDED", {"train": (12, 0), "test": (6, 1)})


def demo(out, *options):
    cli.main(["demo", "--out", str(out), *options])


def names(folder):
    return {path.name for path in folder.iterdir()}


def refused(out, capsys):
    with pytest.raises(SystemExit) as stop:
        demo(out)
    assert stop.value.code == 2
    return capsys.readouterr().err.splitlines()[-1]


def test_it_trains_evaluates_held_out_images_and_draws_them(tmp_path, capsys):
    out = tmp_path / "runs" / "demo"
    demo(out, "--seed", "7", "--json")
    output, errors = capsys.readouterr()
    table = json.loads(output)
    assert (table["data"], table["images"]) == ("embedded", 6)
    assert {row["name"] for row in table["rows"]} >= NAMES
    train, test = (source.load_images("embedded", SIZE, split) for split in ("train", "test"))
    rows = evaluate(Model.load(out / "model.safetensors"), test, train)
    assert table == json.loads(json.dumps(as_json("embedded", 6, rows)))
    assert "12 images, dcgan, then a student at 32 pixels, on cpu with" in errors
    assert "Evaluating on 6 other images." in errors
    assert str(out / "boxes.png") in errors
    assert names(out) >= {"boxes.png", "model.safetensors", "log.jsonl", "reals.png"}
    with Image.open(out / "boxes.png") as image:  # three tiles an image, four images a row
        assert image.size == (12 * 128 + 11 * 2, 2 * 128 + 2)
    values = Run.open(out).read()
    assert (values["data"], values["images"]) == ("embedded", 12)
    settings = values["recipe"]
    assert (settings["iterations"], settings["seed"], settings["size"]) == (3, 7, SIZE)


def test_without_json_it_prints_a_table(tmp_path, capsys):
    demo(tmp_path)
    output = capsys.readouterr().out
    assert output.startswith("embedded: 6 images")
    assert all(name in output for name in NAMES)


def test_an_earlier_demo_is_replaced(tmp_path):
    demo(tmp_path)
    (tmp_path / "fakes-999999.png").touch()
    demo(tmp_path, "--seed", "1")
    assert Run.open(tmp_path).recipe().seed == 1
    assert "fakes-999999.png" not in names(tmp_path)
    assert "boxes.png" in names(tmp_path)


def test_a_run_on_someone_s_images_is_left_alone(tmp_path, capsys):
    pixels = np.zeros((2, SIZE, SIZE, 3), np.uint8)
    photos = ImageSet(pixels, ("a.png", "b.png"), np.full((2, 2), SIZE), source="photos")
    run = Run.create(tmp_path / "birds", Recipe(size=SIZE), photos)
    (run.folder / "model.safetensors").write_text("precious")
    before = run.recipe_file.read_text()
    assert "birds holds a run on your images" in refused(run.folder, capsys)
    assert names(run.folder) == {"recipe.json", "model.safetensors"}
    assert run.recipe_file.read_text() == before


def test_a_folder_with_something_else_is_left_alone(tmp_path, capsys):
    (tmp_path / "notes.txt").write_text("mine")
    assert "already exists" in refused(tmp_path, capsys)
    assert names(tmp_path) == {"notes.txt"}


@pytest.mark.parametrize("text", ["", "{}", json.dumps({"recipe": {}})])
def test_a_broken_recipe_file_is_not_taken_for_an_earlier_demo(text, tmp_path, capsys):
    (tmp_path / "recipe.json").write_text(text)
    refused(tmp_path, capsys)
    assert names(tmp_path) == {"recipe.json"}


def test_the_same_seed_gives_the_same_table(tmp_path, capsys):
    tables = []
    for name in ("one", "other"):
        demo(tmp_path / name, "--seed", "2", "--json")
        tables.append(capsys.readouterr().out)
    assert tables[0] == tables[1]
