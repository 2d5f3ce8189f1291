"""The demo, shrunk to seconds."""

import json

import numpy as np
import pytest
from PIL import Image
from rich.console import Console

from ganloc import demo, recipes
from ganloc.checkpoints.run import Run
from ganloc.errors import UserError
from ganloc.images import source
from ganloc.images.image_set import ImageSet
from ganloc.recipes import Recipe

NAMES = {"default", "plain-cam", "untrained", "whole-image", "centre", "fitted-box"}
CONSOLE = Console(quiet=True)


@pytest.fixture(autouse=True)
def tiny(monkeypatch):
    thin = Recipe(
        "dcgan",
        generator_width=2,
        discriminator_width=2,
        batch=2,
        beta1=0.5,
        student_iterations=2,
        student_width=2,
    )
    monkeypatch.setitem(recipes.PRESETS, "default", thin)
    monkeypatch.setitem(demo.CHANGES, "iterations", 3)
    monkeypatch.setattr(demo, "SHOWN", 4)
    monkeypatch.setattr(source, "_EMBEDDED", {"train": (12, 0), "test": (6, 1)})


def names(folder):
    return {path.name for path in folder.iterdir()}


def test_it_trains_scores_held_out_images_and_draws_them(tmp_path):
    out = tmp_path / "runs" / "demo"
    images, rows = demo.run_demo(out, 7, CONSOLE)
    assert isinstance(images, ImageSet)
    assert len(images) == 6
    held_out = source.load_images("embedded", demo.CHANGES["size"], "test")
    np.testing.assert_array_equal(images.pixels, held_out.pixels)
    assert {row.name for row in rows} >= NAMES
    assert all(0.0 <= row.gt_known_loc <= 100.0 for row in rows)
    assert names(out) >= {"boxes.png", "model.safetensors", "log.jsonl", "reals.png"}
    with Image.open(out / "boxes.png") as image:
        assert image.width > image.height > 0  # three tiles an image, four images a row
    values = Run.open(out).read()
    assert (values["data"], values["images"]) == ("embedded", 12)
    assert (values["recipe"]["iterations"], values["recipe"]["seed"]) == (3, 7)
    assert values["recipe"]["size"] == demo.CHANGES["size"]


def test_an_earlier_demo_is_replaced(tmp_path):
    demo.run_demo(tmp_path, 0, CONSOLE)
    (tmp_path / "fakes-999999.png").touch()
    demo.run_demo(tmp_path, 1, CONSOLE)
    assert Run.open(tmp_path).recipe().seed == 1
    assert "fakes-999999.png" not in names(tmp_path)
    assert "boxes.png" in names(tmp_path)


def test_a_run_on_someone_s_images_is_left_alone(tmp_path):
    pixels = np.zeros((2, 32, 32, 3), np.uint8)
    photos = ImageSet(pixels, ("a.png", "b.png"), np.full((2, 2), 32))
    run = Run.create(tmp_path / "birds", Recipe(size=32), "photos", photos)
    (run.folder / "model.safetensors").write_text("precious")
    before = run.recipe_file.read_text()
    with pytest.raises(UserError, match="birds holds a run on your images"):
        demo.run_demo(run.folder, 0, CONSOLE)
    assert names(run.folder) == {"recipe.json", "model.safetensors"}
    assert run.recipe_file.read_text() == before


def test_a_folder_with_something_else_is_left_alone(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(UserError, match="already exists"):
        demo.run_demo(tmp_path, 0, CONSOLE)
    assert names(tmp_path) == {"notes.txt"}


@pytest.mark.parametrize("text", ["", "{}", json.dumps({"recipe": {}})])
def test_a_broken_recipe_file_is_not_taken_for_an_earlier_demo(text, tmp_path):
    (tmp_path / "recipe.json").write_text(text)
    with pytest.raises(UserError):
        demo.run_demo(tmp_path, 0, CONSOLE)
    assert names(tmp_path) == {"recipe.json"}


def test_the_same_seed_gives_the_same_table(tmp_path):
    tables = [demo.run_demo(tmp_path / str(i), seed, CONSOLE)[1] for i, seed in enumerate([2, 2])]
    assert tables[0] == tables[1]
