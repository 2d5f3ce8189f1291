"""The stages of the method share a discriminator and students, and their minutes."""

import shutil

import arms
import numpy as np
import pytest
import torch
from arms import Arm
from PIL import Image
from rivals import chain, squeezenet, trained
from rivals.setting import Setting
from stages import CHAIN, STAGES, why_skipped
from thin_squeezenet import write_thin

from ganloc.images.folder import load_folder
from ganloc.images.gather import crop_reader
from ganloc.images.synthetic import draw_images
from ganloc.method import fit, localize
from ganloc.recipes import PSEUDO_BOXES, make_recipe
from ganloc.student.pseudo_boxes import PseudoBoxFinder
from ganloc.student.refine import refine_boxes

pytestmark = pytest.mark.usefixtures("one_thread")
CPU = torch.device("cpu")
TRAIN, TEST = (draw_images(count, 32, seed).unlabelled() for count, seed in ((6, 0), (3, 1)))
TINY = {"size": 32, "discriminator_width": 2, "generator_width": 2, "batch": 2}
STUDENT = {"student_iterations": 2, "student_width": 2}


def recipe_of(pseudo_boxes, size, seed):
    settings = {**TINY, **STUDENT, "size": size, "iterations": 2}
    given = {"features": "fire9"} if pseudo_boxes == "features" else {"pseudo_boxes": pseudo_boxes}
    return make_recipe("default", **settings, **given, seed=seed)


@pytest.fixture(autouse=True)
def tiny(monkeypatch):
    monkeypatch.setitem(arms.ARMS, "pretext", Arm(TINY, iterations=2))
    monkeypatch.setattr(chain, "recipe_of", recipe_of)


@pytest.fixture
def setting():
    """Of seed 1, with nothing trained yet."""
    return Setting("drawn", 1, CPU)


def test_without_a_round_they_are_the_pseudo_boxes(setting):
    model = trained.model(TRAIN, setting, "pretext")
    finder = PseudoBoxFinder(model.discriminator, model.statistics, TRAIN.pixels, "both")
    found = chain.boxes(TRAIN, TEST, setting, "both", 0)
    np.testing.assert_allclose(found, finder.boxes(TEST.pixels) * 32)


@pytest.mark.parametrize("pseudo_boxes", PSEUDO_BOXES)
def test_after_the_last_round_they_are_the_methods_own(setting, pseudo_boxes):
    model = fit(TRAIN, recipe_of(pseudo_boxes, 32, seed=1), CPU)
    found = chain.boxes(TRAIN, TEST, setting, pseudo_boxes, 2)
    np.testing.assert_allclose(found, TEST.in_pixels(localize(model, TEST).boxes))


def test_with_features_they_are_the_methods_own(tmp_path):
    weights = write_thin(tmp_path / "squeezenet.safetensors")
    features = squeezenet.features(weights, CPU, "fire9")
    model = fit(TRAIN, recipe_of("features", 32, seed=1), CPU, features=features)
    found = chain.boxes(TRAIN, TEST, Setting("drawn", 1, CPU, weights), "features", 2)
    np.testing.assert_allclose(found, TEST.in_pixels(localize(model, TEST).boxes))
    without = Setting("drawn", 1, CPU)
    stage = STAGES["student-of-features"]
    assert why_skipped(stage, without, is_folder=True) == "no --squeezenet"
    assert stage.pretrained


def test_a_round_is_trained_once():
    trainings = iter(["first", "second", "third"])
    students = chain.Students(trainings)
    assert [students.after(rounds) for rounds in (1, 2, 1, 2)] == ["first", "second"] * 2
    assert len(students.minutes) == 2
    assert next(trainings) == "third"


def test_rounds_differ_and_stay(setting):
    first = chain.boxes(TRAIN, TEST, setting, "both", 1)
    second = chain.boxes(TRAIN, TEST, setting, "both", 2)
    assert not np.array_equal(first, second)
    np.testing.assert_array_equal(chain.boxes(TRAIN, TEST, setting, "both", 1), first)


def test_other_images_under_the_same_name_are_not_mixed_up(setting):
    fewer = TRAIN.subset([0, 1, 2])
    chain.boxes(TRAIN, TEST, setting, "both", 1)
    found = chain.boxes(fewer, TEST, setting, "both", 1)
    expected = chain.boxes(fewer, TEST, Setting("drawn", 1, CPU), "both", 1)
    np.testing.assert_array_equal(found, expected)


def test_the_minutes_of_a_stage_include_what_it_shares(setting):
    def minutes(pseudo_boxes, rounds, setting=setting):
        return chain.minutes_before(setting, pseudo_boxes, rounds, 32)

    assert minutes("both", 2) == 0.0
    chain.boxes(TRAIN, TEST, setting, "both", 2)
    model, one, two = (minutes("both", rounds) for rounds in (0, 1, 2))
    assert 0.0 < model < one < two
    assert minutes("colour", 2) == model
    assert minutes("both", 2, Setting("drawn", 2, CPU, shared=setting.shared)) == 0.0
    chain.boxes(TRAIN, TEST, setting, "both", 2)
    assert minutes("both", 2) == two


def test_minutes_of_a_finished_run_come_from_its_log(tmp_path):
    chain.boxes(TRAIN, TEST, Setting("drawn", 1, CPU, runs=tmp_path), "both", 0)
    (log,) = tmp_path.rglob("log.jsonl")
    line = log.read_text().splitlines()[-1].rpartition('"seconds"')[0]
    log.write_text(f'{line}"seconds": 300.0}}\n')
    again = Setting("drawn", 1, CPU, runs=tmp_path)
    assert chain.minutes_before(again, "both", 2, 32) == 5.0
    other_seed = Setting("drawn", 2, CPU, runs=tmp_path)
    assert chain.minutes_before(other_seed, "both", 2, 32) == 0.0
    chain.boxes(TRAIN, TEST, again, "both", 1)
    assert chain.minutes_before(again, "both", 0, 32) > 5.0
    assert chain.minutes_before(again, "both", 1, 32) > chain.minutes_before(again, "both", 0, 32)


def test_a_discriminator_is_trained_once_a_set_and_seed(tmp_path):
    setting = Setting("drawn", 1, CPU, runs=tmp_path)
    chain.boxes(TRAIN, TEST, setting, "both", 0)
    (folder,) = (tmp_path / "pretext").iterdir()
    shutil.rmtree(folder)
    for pseudo_boxes in ("both", "colour"):
        for rounds in (0, 1):
            chain.boxes(TRAIN, TEST, setting, pseudo_boxes, rounds)
    assert not folder.exists()
    other = Setting("drawn", 2, CPU, runs=tmp_path, shared=setting.shared)
    chain.boxes(TRAIN, TEST, other, "both", 0)
    assert [made.name for made in (tmp_path / "pretext").iterdir()] == ["drawn@32-2"]


def test_refinement_reads_the_files_of_the_folder(tmp_path, setting):
    for name, pixels in zip(TEST.names, draw_images(3, 96, seed=1).pixels, strict=True):
        Image.fromarray(pixels).save(tmp_path / f"{name}.png")
    shown = load_folder(tmp_path, 32)
    read_crops = crop_reader(shown)
    assert read_crops is not None
    model = fit(shown, recipe_of("both", 32, seed=1), CPU)
    assert model.student is not None
    first = chain.boxes(shown, shown, setting, "both", 2)
    found = chain.refined_boxes(shown, shown, setting, "both", 2)
    looks = model.looks("student")
    expected = refine_boxes(model.student, first / 96, shown.sizes, read_crops, looks) * 96
    np.testing.assert_allclose(found, expected)


def test_refinement_is_for_folders(setting):
    assert why_skipped(STAGES["student-refined"], setting, is_folder=False) != ""
    assert why_skipped(STAGES["student-refined"], setting, is_folder=True) == ""


def test_every_stage_of_the_chain_is_one_of_the_script():
    assert CHAIN.keys() <= STAGES.keys()
    for name in CHAIN:
        assert not STAGES[name].uses_labels
        assert STAGES[name].seeds == (0, 1, 2)
    assert CHAIN["student"] == ("both", make_recipe("default").student_rounds)
