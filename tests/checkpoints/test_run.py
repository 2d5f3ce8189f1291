"""A run folder: made, opened, gone on with."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
import torch

from ganloc.checkpoints.run import Run
from ganloc.errors import UserError
from ganloc.images.image_set import ImageSet
from ganloc.recipes import Recipe

RECIPE = Recipe("dcgan", size=32, generator_width=2, discriminator_width=2, batch=2, iterations=4)


def images(seed=0, count=3):
    pixels = np.random.default_rng(seed).integers(0, 256, (count, 32, 32, 3), np.uint8)
    names, sizes = tuple(f"{i}.png" for i in range(count)), np.full((count, 2), 40)
    return ImageSet(pixels, names, sizes, source="photos")


@pytest.fixture
def run(tmp_path):
    return Run.create(tmp_path / "run", RECIPE, images())


def on_disk(run):
    return json.loads(run.recipe_file.read_text())


@pytest.mark.parametrize("there", [False, True])
def test_create_writes_recipe_and_origin(there, tmp_path):
    folder = tmp_path / "runs" / "birds"
    if there:
        folder.mkdir(parents=True)
    run = Run.create(folder, RECIPE, images())
    expected = {"data": "photos", "images": 3, "checksum": images().checksum}
    expected["threads"] = torch.get_num_threads()
    assert on_disk(run) == {**expected, "recipe": dataclasses.asdict(RECIPE)}
    assert Run.open(folder).recipe() == RECIPE
    assert [path.name for path in folder.iterdir()] == ["recipe.json"]


def test_create_leaves_a_folder_with_something_in_it_alone(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(UserError) as error:
        Run.create(tmp_path, RECIPE, images())
    assert str(tmp_path) in str(error.value)
    assert "another out." in str(error.value)
    assert "resume" not in str(error.value)  # nothing there to go on with
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_create_offers_to_go_on_with_a_run(run):
    with pytest.raises(UserError, match=r"already exists.*resume=True"):
        Run.create(run.folder, dataclasses.replace(RECIPE, batch=3), images())
    assert run.recipe() == RECIPE


def test_create_leaves_a_file_alone(tmp_path):
    (tmp_path / "run").write_text("mine")
    with pytest.raises(UserError, match=r"run is a file.*another out"):
        Run.create(tmp_path / "run", RECIPE, images())
    assert (tmp_path / "run").read_text() == "mine"


def test_create_below_a_file(tmp_path):
    (tmp_path / "photo.jpg").touch()
    with pytest.raises(UserError, match=r"photo\.jpg"):
        Run.create(tmp_path / "photo.jpg" / "run", RECIPE, images())


def test_open_what_is_not_there(tmp_path):
    with pytest.raises(UserError) as error:
        Run.open(tmp_path / "typo")
    assert str(tmp_path / "typo") in str(error.value)


@pytest.mark.parametrize("name", ["photos", "photo.jpg"])
def test_open_what_is_not_a_run(name, tmp_path):
    (tmp_path / "photos").mkdir()
    (tmp_path / "photo.jpg").touch()
    with pytest.raises(UserError, match=f"{name} is not a run"):
        Run.open(tmp_path / name)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "{}", '{"recipe": 3}', "\x00"])
def test_a_broken_recipe_file(text, run):
    run.recipe_file.write_text(text)
    with pytest.raises(UserError, match=r"recipe\.json is broken"):
        run.read()


def test_resume_with_the_same_goes_on(run):
    before = run.recipe_file.read_bytes()
    assert run.recipe_to_resume({}) == RECIPE
    same = {"batch": 2, "variant": "dcgan", "seed": None, "iterations": None}
    assert run.recipe_to_resume(same) == RECIPE
    run.check_same(RECIPE, images())
    assert run.recipe_file.read_bytes() == before


@pytest.mark.parametrize("others", [images(seed=1), images(count=2)])
def test_other_images_than_those_of_the_run_are_refused(others, run):
    with pytest.raises(UserError, match=r"trained on other images \(photos, 3\)") as error:
        run.check_same(dataclasses.replace(RECIPE, iterations=9), others)
    assert str(run.folder) in str(error.value)
    assert run.recipe() == RECIPE


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("variant", "sn-dcgan"),
        ("batch", 3),
        ("generator_rate", 1e-3),
        ("seed", 1),
        ("mirror", True),
    ],
)
def test_resume_with_a_changed_setting(name, value, run):
    said = rf"^{name} was {getattr(RECIPE, name)} .* {value} "
    with pytest.raises(UserError, match=said):
        run.recipe_to_resume({name: value, "iterations": 9})
    with pytest.raises(UserError, match=said):
        run.check_same(dataclasses.replace(RECIPE, **{name: value}), images())
    assert run.recipe() == RECIPE


def test_resume_may_go_further_and_says_so_on_disk(run):
    longer = run.recipe_to_resume({"iterations": 9})
    run.check_same(longer, images())
    assert run.recipe() == RECIPE  # not yet: training may refuse it
    run.write_recipe(longer)
    assert longer == dataclasses.replace(RECIPE, iterations=9)
    assert Run.open(run.folder).recipe() == longer
    assert on_disk(run)["checksum"] == images().checksum


def test_a_run_is_made_by_the_first_call_and_opened_by_the_next(tmp_path):
    folder = tmp_path / "run"
    made = Run.create_or_open(folder, RECIPE, images())
    before = made.recipe_file.read_bytes()
    assert Run.create_or_open(folder, RECIPE, images()) == made
    assert made.recipe_file.read_bytes() == before
    with pytest.raises(UserError, match=r"^batch was 2 .* 3 "):
        Run.create_or_open(folder, dataclasses.replace(RECIPE, batch=3), images())
    with pytest.raises(UserError, match="trained on other images"):
        Run.create_or_open(folder, RECIPE, images(seed=1))
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "mine.txt").touch()
    with pytest.raises(UserError, match=r"already exists.*another out"):
        Run.create_or_open(tmp_path / "notes", RECIPE, images())


def test_the_log_is_kept_up_to_the_checkpoint(run):
    for iteration in (2, 4, 6, 8):
        run.append_log({"iteration": iteration, "discriminator_loss": iteration / 10})
    with run.log.open("a") as file:
        file.write('{"iteration": 3, "discrim')  # a kill cut it off
    run.keep_log_until(6)
    run.append_log({"iteration": 8})
    lines = [json.loads(line) for line in run.log.read_text().splitlines()]
    assert [line["iteration"] for line in lines] == [2, 4, 6, 8]
    assert lines[2] == {"iteration": 6, "discriminator_loss": 0.6}


def test_a_log_that_was_cut_off_at_once(run):
    run.log.write_text('{"iter')
    run.keep_log_until(100)
    assert run.log.read_text() == ""


def test_a_log_that_is_not_there_yet(run):
    run.keep_log_until(3)
    assert not run.log.exists()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a file that is full")
def test_a_log_that_cannot_be_written_is_named(run):
    run.log.symlink_to("/dev/full")  # a disk on which no byte is left
    with pytest.raises(UserError, match=r"log\.jsonl \(No space left on device\).*resume=True"):
        run.append_log({"iteration": 1})


NO_LINES = [
    b"3\n",
    b"{}\n",
    b"[]\n",
    b"null\n",
    b"\xff\xfe\n",
    b"\0" * 99,
    b"[" * 5_000 + b"\n",
    b"\n",
]


@pytest.mark.parametrize("broken", [*NO_LINES, b'{"iteration": "x"}\n', b'{"iteration": null}\n'])
def test_lines_of_a_log_that_are_none_are_left_out(broken, tmp_path):
    run = Run(tmp_path)
    run.log.write_bytes(b'{"iteration": 1, "seconds": 2.5}\n' + broken)
    assert run.keep_log_until(9) == 2.5
    assert run.log.read_text() == '{"iteration": 1, "seconds": 2.5}\n'


@pytest.mark.parametrize("broken", NO_LINES)
def test_a_broken_line_among_the_signals_is_refused_and_a_cut_off_one_is_left_out(broken, tmp_path):
    """Without it the later ones would count for other checkpoints."""
    run, line = Run(tmp_path), b'{"iteration": 1, "criterion": 0.5}\n'
    run.signals.write_bytes(broken.rstrip(b"\n") + b"\n" + line)
    with pytest.raises(UserError, match=r"signals\.jsonl is broken: train again"):
        run.keep_signals_until(9)
    run.signals.write_bytes(line + b'{"iteration": 2, "crit')
    assert run.keep_signals_until(9) == [{"iteration": 1, "criterion": 0.5}]


def test_a_recipe_that_is_nested_without_end_is_broken(tmp_path):
    run = Run(tmp_path)
    run.recipe_file.write_text("[" * 5_000)
    with pytest.raises(UserError, match=r"recipe\.json is broken"):
        run.read()
