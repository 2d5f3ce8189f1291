"""A training with a student: what it leaves, what stops it, and that the game does not feel it."""

import json
import signal
from dataclasses import replace

import numpy as np
import pytest
import torch

from ganloc import training
from ganloc.checkpoints.run import Run
from ganloc.errors import UserError
from ganloc.evaluation import evaluate
from ganloc.heatmap.readings import DEFAULT
from ganloc.images.image_set import ImageSet
from ganloc.images.synthetic import draw_images
from ganloc.model import RULES, STUDENT, Model, scores_of
from ganloc.outliers.outlier_model import OutlierModel
from ganloc.recipes import PRESETS, Recipe
from ganloc.student import self_training as rounds
from ganloc.student.refine import surroundings
from ganloc.student.self_training import self_train
from ganloc.student.train_student import soft_masks
from ganloc.training import Stopped, train_in_memory, train_run
from run_folders import logged

CPU = torch.device("cpu")
pytestmark = pytest.mark.usefixtures("one_thread")
IMAGES = draw_images(6, 32, seed=0)


def recipe(**settings):
    tiny = {"size": 32, "generator_width": 2, "discriminator_width": 2, "latent": 4, "batch": 2}
    student = {"student_iterations": 3, "student_width": 4}
    return Recipe("dcgan", **{**tiny, "iterations": 4, "seed": 3, **student, **settings})


def train(folder, wanted, progress=None, resume=False):
    run = Run(folder) if resume else Run.create(folder, wanted, "photos", IMAGES)
    train_run(run, IMAGES.unlabelled(), wanted, CPU, resume, progress)
    return run


def assert_same_student(one, other):
    assert one is not None
    assert other is not None
    weights, others = one.state_dict(), other.state_dict()
    assert weights.keys() == others.keys()
    assert {k for k in weights if not torch.equal(weights[k], others[k])} == set()


def test_the_student_is_kept_with_its_model_and_read_by_default(tmp_path):
    run = train(tmp_path / "run", recipe())
    model = Model.load(run.model)
    assert model.reading == STUDENT
    assert model.student is not None
    expected = self_train(
        model.discriminator, model.statistics, IMAGES.pixels, recipe(), lambda *_: None
    )
    assert_same_student(model.student, expected)
    found = model.localize(IMAGES)
    masks = soft_masks(expected, IMAGES.pixels)
    low, high = (side(masks, axis=(1, 2), keepdims=True) for side in (np.min, np.max))
    np.testing.assert_allclose(found.heatmaps, (masks - low) / (high - low), atol=1e-5)
    by_hand = (masks[0] - low[0]) / (high[0] - low[0]) > RULES[STUDENT].threshold
    columns, rows = by_hand.any(axis=0).nonzero()[0], by_hand.any(axis=1).nonzero()[0]
    x0, y0, x1, y1 = found.boxes[0]
    assert columns.min() <= x0 < x1 <= columns.max() + 1
    assert rows.min() <= y0 < y1 <= rows.max() + 1


def test_without_a_student_the_discriminator_is_read_and_the_game_is_the_same(tmp_path):
    with_one = train(tmp_path / "with", recipe())
    without = train(tmp_path / "without", recipe(student_iterations=0))
    first, second = Model.load(with_one.model), Model.load(without.model)
    assert second.student is None
    assert second.reading == DEFAULT
    for reading in ("plain-cam", DEFAULT):
        np.testing.assert_array_equal(
            first.heatmaps(IMAGES, reading), second.heatmaps(IMAGES, reading)
        )
    with pytest.raises(UserError, match="no student"):
        second.heatmaps(IMAGES, STUDENT)


def test_the_log_goes_on_with_the_student_s_loss(tmp_path, monkeypatch):
    monkeypatch.setattr(training, "LOG_EVERY", 2)
    seen = []
    run = train(tmp_path / "run", recipe(), progress=lambda iteration, line: seen.append(iteration))
    assert logged(run) == seen == [2, 4, 6, 8, 10]  # four, then two rounds of three
    lines = [json.loads(line) for line in run.log.read_text().splitlines()]
    assert [("student_loss" in line) for line in lines] == [False, False, True, True, True]
    seconds = [line["seconds"] for line in lines]
    assert seconds == sorted(seconds)


def test_stopped_while_the_student_learns_it_starts_again_and_is_the_same(tmp_path, monkeypatch):
    monkeypatch.setattr(training, "LOG_EVERY", 1)
    whole = train(tmp_path / "whole", recipe())

    def stop_at_eight(iteration, line):
        if iteration == 8:
            signal.raise_signal(signal.SIGINT)

    with pytest.raises(Stopped) as stop:
        train(tmp_path / "run", recipe(), progress=stop_at_eight)
    assert (stop.value.iteration, stop.value.student) == (4, True)
    stopped = Model.load(tmp_path / "run" / "model.safetensors")
    assert stopped.student is None  # what the game left can be read already
    run = train(tmp_path / "run", recipe(), resume=True)
    assert_same_student(Model.load(run.model).student, Model.load(whole.model).student)
    assert logged(run) == logged(whole)


def test_a_stop_in_the_very_last_iteration_is_too_late(tmp_path, monkeypatch):
    monkeypatch.setattr(training, "LOG_EVERY", 1)

    def stop(iteration, line):
        if iteration == recipe().steps:
            signal.raise_signal(signal.SIGINT)

    run = train(tmp_path / "run", recipe(), progress=stop)
    assert Model.load(run.model).student is not None


def test_a_finished_training_is_left_as_it_is(tmp_path):
    run = train(tmp_path / "run", recipe())
    before = {path: path.read_bytes() for path in run.folder.rglob("*") if path.is_file()}

    def never(iteration, line):
        raise AssertionError(iteration)

    train(tmp_path / "run", recipe(), progress=never, resume=True)
    assert {p: p.read_bytes() for p in run.folder.rglob("*") if p.is_file()} == before


def test_a_finished_training_can_go_on_for_longer(tmp_path):
    train(tmp_path / "run", recipe())
    run = train(tmp_path / "run", recipe(iterations=6), resume=True)
    whole = train(tmp_path / "whole", recipe(iterations=6))
    assert_same_student(Model.load(run.model).student, Model.load(whole.model).student)


def test_stopped_between_the_game_and_the_student(tmp_path, monkeypatch):
    fit = OutlierModel.of_folder

    def interrupted(pixels, seed):
        signal.raise_signal(signal.SIGINT)
        return fit(pixels, seed)

    monkeypatch.setattr(OutlierModel, "of_folder", interrupted)
    with pytest.raises(Stopped) as stop:
        train(tmp_path / "run", recipe())
    assert (stop.value.iteration, stop.value.student) == (4, True)
    monkeypatch.setattr(OutlierModel, "of_folder", fit)
    run, whole = train(tmp_path / "run", recipe(), resume=True), train(tmp_path / "whole", recipe())
    assert_same_student(Model.load(run.model).student, Model.load(whole.model).student)


@pytest.mark.parametrize("when", [5, 8])  # in the game, and once the student of it learns
def test_stopped_on_its_way_to_more_iterations_what_was_finished_stays(when, tmp_path, monkeypatch):
    monkeypatch.setattr(training, "LOG_EVERY", 1)
    run = train(tmp_path / "run", recipe())
    before = run.model.read_bytes()

    def stop(iteration, line):
        if iteration == when:
            signal.raise_signal(signal.SIGINT)

    with pytest.raises(Stopped):
        train(run.folder, recipe(iterations=6), progress=stop, resume=True)
    assert run.model.read_bytes() == before
    train(run.folder, recipe(iterations=6), resume=True)
    assert Model.load(run.model).recipe.iterations == 6


def test_in_memory_it_is_the_same_student(tmp_path):
    run = train(tmp_path / "run", recipe())
    model = train_in_memory(IMAGES.unlabelled(), recipe(), CPU)
    assert_same_student(model.student, Model.load(run.model).student)


def test_a_loss_that_is_no_longer_finite_is_one_sentence(monkeypatch):
    def broken(*_):
        yield float("nan")

    monkeypatch.setattr(rounds, "teach", broken)
    with pytest.raises(UserError, match=r"student broke down at iteration 5 .*--seed"):
        train_in_memory(IMAGES.unlabelled(), recipe(), CPU)


def test_truth_and_classes_are_never_seen(tmp_path):
    labelled = train_in_memory(IMAGES, recipe(), CPU)
    shuffled = ImageSet(IMAGES.pixels, IMAGES.names, IMAGES.sizes)
    assert_same_student(labelled.student, train_in_memory(shuffled, recipe(), CPU).student)


def test_the_table_shows_the_student_and_the_discriminator_alone():
    model = train_in_memory(IMAGES.unlabelled(), recipe(), CPU)
    rows = {row.name: row for row in evaluate(model, IMAGES)}
    plain = Model(model.discriminator, model.recipe, model.statistics, model.info)
    others = {row.name: row for row in evaluate(plain, IMAGES)}
    assert rows.keys() - others.keys() == {"discriminator"}
    assert rows["discriminator"].mean_iou == others["default"].mean_iou
    assert rows["default"].mean_iou != others["default"].mean_iou


def test_the_default_preset_has_a_student_and_the_paper_s_have_none():
    taught = {name for name, preset in PRESETS.items() if preset.student_iterations}
    assert taught == {"border"}


def test_a_closer_look_moves_the_student_s_boxes_alone():
    model = train_in_memory(IMAGES.unlabelled(), recipe(), CPU)
    large = replace(IMAGES, sizes=np.full((6, 2), [320, 160]))
    seen = []

    def crop_reader(indices, parts):
        seen.append(parts)
        return np.random.default_rng(0).integers(0, 256, (len(indices), 32, 32, 3), np.uint8)

    first, again = model.localize(large), model.localize(large, crop_reader=crop_reader)
    np.testing.assert_array_equal(again.heatmaps, first.heatmaps)
    assert not np.array_equal(again.boxes, first.boxes)
    assert (again.boxes[:, 2:] <= [320 + 1e-9, 160 + 1e-9]).all()
    fractions = first.boxes / [320, 160, 320, 160]
    np.testing.assert_allclose(seen[0], surroundings(fractions))
    np.testing.assert_allclose(again.scores, scores_of(first.heatmaps, again.boxes, large.sizes))
    for reading in (DEFAULT, "plain-cam"):
        plain, closely = (model.localize(large, reading, each) for each in (None, crop_reader))
        np.testing.assert_array_equal(plain.boxes, closely.boxes)
    assert len(seen) == 2
