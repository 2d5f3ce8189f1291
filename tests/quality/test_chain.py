"""The chain's stages share a discriminator and students, and cost what they cost."""

import numpy as np
import pytest
import torch
from PIL import Image
from rivals import chain, trained
from rivals.setting import Setting
from stages import CHAIN, STAGES, why_skipped

from ganloc.images.folder import load_folder
from ganloc.images.source import look_closer
from ganloc.images.synthetic import draw_images
from ganloc.recipes import FIRST_BOXES, make_recipe
from ganloc.student.pseudo_boxes import PseudoBoxFinder
from ganloc.student.refine import refine_boxes
from ganloc.student.self_training import self_train, student_boxes
from ganloc.training import train_in_memory

pytestmark = pytest.mark.usefixtures("one_thread")
CPU = torch.device("cpu")
SETTING = Setting("drawn", 1, CPU)
TRAIN, TEST = (draw_images(count, 32, seed).unlabelled() for count, seed in ((6, 0), (3, 1)))
TINY = {"size": 32, "discriminator_width": 2, "generator_width": 2, "iterations": 2, "batch": 2}


@pytest.fixture(autouse=True)
def model(monkeypatch):
    def recipe_of(pseudo_boxes, size, seed):
        student = {"student_iterations": 2, "student_width": 2, "pseudo_boxes": pseudo_boxes}
        return make_recipe("default", **{**TINY, "size": size}, **student, seed=seed)

    monkeypatch.setattr(chain, "recipe_of", recipe_of)
    monkeypatch.setattr(chain, "_known", {})
    ready = train_in_memory(TRAIN, make_recipe("default", **TINY, student_iterations=0), CPU)
    monkeypatch.setattr(trained, "model", lambda *_: ready)
    return ready


def test_no_round_is_the_seeds_themselves_fitted_on_the_training_images(model):
    seeder = PseudoBoxFinder(model.discriminator, model.statistics, TRAIN.pixels, "both")
    found = chain.boxes(TRAIN, TEST, SETTING, "both", 0)
    np.testing.assert_allclose(found, seeder.boxes(TEST.pixels) * 32)


@pytest.mark.parametrize("pseudo_boxes", FIRST_BOXES)
def test_the_last_round_is_the_default_chain_s(model, pseudo_boxes):
    recipe = chain.recipe_of(pseudo_boxes, 32, seed=1)
    student = self_train(
        model.discriminator, model.statistics, TRAIN.pixels, recipe, lambda *_: None
    )
    found = chain.boxes(TRAIN, TEST, SETTING, pseudo_boxes, 2)
    np.testing.assert_array_equal(found, student_boxes(student, TEST.pixels) * 32)


def test_rounds_are_taught_once(monkeypatch):
    begun = []

    def students(*arguments):
        begun.append(1)
        yield from original(*arguments)

    original = chain.students
    monkeypatch.setattr(chain, "students", students)
    first = chain.boxes(TRAIN, TEST, SETTING, "both", 1)
    second = chain.boxes(TRAIN, TEST, SETTING, "both", 2)
    again = chain.boxes(TRAIN, TEST, SETTING, "both", 1)
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, second)
    assert len(begun) == 1
    chain.boxes(TRAIN.subset([0, 1, 2]), TEST, SETTING, "both", 1)
    assert len(begun) == 2  # other images under the same name


def test_every_stage_pays_for_what_it_shares(monkeypatch):
    monkeypatch.setattr(trained, "minutes_before", lambda *_: 5.0)
    assert chain.minutes_before(SETTING, "both", 2, 32) == 5.0
    chain.boxes(TRAIN, TEST, SETTING, "both", 2)
    model = chain.minutes_before(SETTING, "both", 0, 32)
    one, two = (chain.minutes_before(SETTING, "both", rounds, 32) for rounds in (1, 2))
    assert 5.0 < model < one < two
    assert chain.minutes_before(SETTING, "colour", 2, 32) == model
    assert chain.minutes_before(Setting("drawn", 2, CPU), "both", 2, 32) == 5.0


def test_a_discriminator_is_trained_once_a_set_and_seed(monkeypatch, model):
    made = []
    monkeypatch.setattr(trained, "model", lambda *_: made.append(1) or model)
    for pseudo_boxes in ("both", "colour"):
        for rounds in (0, 1):
            chain.boxes(TRAIN, TEST, SETTING, pseudo_boxes, rounds)
    assert len(made) == 1
    chain.boxes(TRAIN, TEST, Setting("drawn", 2, CPU), "both", 0)
    assert len(made) == 2


def test_looking_again_is_at_the_files_of_the_folder(tmp_path):
    for name, pixels in zip(TEST.names, draw_images(3, 96, seed=1).pixels, strict=True):
        Image.fromarray(pixels).save(tmp_path / f"{name}.png")
    shown = load_folder(tmp_path, 32)
    setting = Setting("drawn", 1, CPU, originals=tmp_path)
    found = chain.boxes_looked_at_again(shown, shown, setting, "both", 1)
    student = chain._known["drawn", 1, 32].students["both"][0]
    first = student_boxes(student, shown.pixels)
    with look_closer(str(tmp_path), shown) as crop_reader:
        assert crop_reader is not None
        expected = refine_boxes(student, first, shown.sizes, crop_reader) * 96
    np.testing.assert_allclose(found, expected)
    assert why_skipped(STAGES["student-refined"], SETTING) != ""
    assert why_skipped(STAGES["student-refined"], setting) == ""


def test_every_stage_of_the_chain_is_one_of_the_script():
    assert CHAIN.keys() <= STAGES.keys()
    for name in CHAIN:
        assert not STAGES[name].uses_labels
        assert STAGES[name].seeds == (0, 1, 2)
    assert CHAIN["student"] == ("both", make_recipe("default").student_rounds)
