"""A training with a student: what it leaves, what stops it, and that training stays the same."""

import json
import signal
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from ganloc.checkpoints.hooks import Cadence, RunHooks
from ganloc.checkpoints.run import Run
from ganloc.errors import Stopped, UserError
from ganloc.evaluation import evaluate
from ganloc.heatmap.readings import DISCRIMINATOR_READING
from ganloc.images.folder import load_folder
from ganloc.images.gather import crop_reader
from ganloc.images.synthetic import draw_images
from ganloc.method import fit, localize
from ganloc.model import HINTED, MODEL_READINGS, STUDENT, Model
from ganloc.recipes import PRESETS
from ganloc.student.evidence import evidence
from ganloc.student.pseudo_boxes import PseudoBoxFinder
from ganloc.student.refine import CLOSE_LOOKS, LOOKS, refine_boxes
from ganloc.student.score import chances
from ganloc.student.self_training import self_train
from ganloc.student.train_student import soft_masks
from run_folders import (
    CPU,
    assert_same_model,
    assert_same_tensors,
    logged,
    resume,
    stop_at,
    tiny,
    train,
    train_in,
)

pytestmark = pytest.mark.usefixtures("one_thread")
IMAGES = draw_images(6, 32, seed=0)
EVERY_LINE = Cadence(log=1)


def recipe(**settings):
    student = {"student_iterations": 3, "student_width": 4}
    return tiny(**{"iterations": 4, "mirror": False, **student, **settings})


@pytest.fixture(scope="module")
def run(tmp_path_factory, one_thread):
    """A finished run; not to be written to."""
    return train(tmp_path_factory.mktemp("finished") / "run", recipe(), IMAGES, cadence=EVERY_LINE)


@pytest.fixture(scope="module")
def model(run):
    return Model.load(run.model)


def test_the_student_has_learned_the_pseudo_boxes_of_the_model(model):
    pixels = IMAGES.pixels
    finder = PseudoBoxFinder(model.discriminator, model.statistics, pixels, "both")
    steps = []
    *_, expected = self_train(
        pixels, finder.boxes(pixels), recipe(), CPU, lambda *step: steps.append(step)
    )
    assert_same_tensors(model.student.state_dict(), expected.state_dict())
    assert [number for number, _ in steps] == [1, 2, 3, 4, 5, 6]


def test_the_student_s_soft_mask_is_read_by_default(model):
    assert model.reading == STUDENT
    found = localize(model, IMAGES)
    masks = soft_masks(model.student, IMAGES.pixels)
    low, high = (side(masks, axis=(1, 2), keepdims=True) for side in (np.min, np.max))
    np.testing.assert_allclose(found.heatmaps, (masks - low) / (high - low), atol=1e-5)
    by_hand = (masks[0] - low[0]) / (high[0] - low[0]) > MODEL_READINGS[STUDENT].threshold
    columns, rows = by_hand.any(axis=0).nonzero()[0], by_hand.any(axis=1).nonzero()[0]
    x0, y0, x1, y1 = 32.0 * found.boxes[0]
    assert columns.min() <= x0 < x1 <= columns.max() + 1
    assert rows.min() <= y0 < y1 <= rows.max() + 1


def test_without_a_student_the_discriminator_is_read_and_is_the_same(model):
    without = fit(IMAGES, recipe(student_iterations=0), CPU)
    assert without.student is None
    assert without.reading == DISCRIMINATOR_READING
    assert_same_tensors(model.discriminator.state_dict(), without.discriminator.state_dict())
    for reading in ("plain-cam", DISCRIMINATOR_READING):
        np.testing.assert_array_equal(
            model.heatmaps(IMAGES, reading), without.heatmaps(IMAGES, reading)
        )
    with pytest.raises(UserError, match="no student"):
        without.heatmaps(IMAGES, STUDENT)


def test_the_log_goes_on_with_the_student_s_loss(tmp_path):
    seen = []
    run = train(
        tmp_path / "run",
        recipe(),
        IMAGES,
        cadence=Cadence(log=2),
        progress=lambda step, line: seen.append(step),
    )
    assert logged(run) == seen == [2, 4, 6, 8, 10]  # four, then two rounds of three
    lines = [json.loads(line) for line in run.log.read_text().splitlines()]
    assert [("student_loss" in line) for line in lines] == [False, False, True, True, True]
    seconds = [line["seconds"] for line in lines]
    assert seconds == sorted(seconds)


@pytest.mark.parametrize("when", [5, 8])  # in the first round, and in the second one
def test_stopped_while_the_student_learns_it_starts_again_and_is_the_same(when, tmp_path, run):
    with pytest.raises(Stopped) as stop:
        train(tmp_path / "run", recipe(), IMAGES, cadence=EVERY_LINE, progress=stop_at(when))
    assert (stop.value.iteration, stop.value.student) == (4, True)
    stopped = Run(tmp_path / "run")
    left = Model.load(stopped.model)
    assert (left.student, left.lacks_student) == (None, True)  # it can be read already
    resume(stopped, images=IMAGES, cadence=EVERY_LINE)
    assert_same_model(Model.load(stopped.model), Model.load(run.model))
    assert logged(stopped) == logged(run)


def test_a_stop_in_the_very_last_iteration_is_too_late(tmp_path):
    run = Run.create(tmp_path / "run", recipe(), IMAGES)
    last = stop_at(recipe().steps)
    model = train_in(run, recipe(), IMAGES, cadence=EVERY_LINE, progress=last)
    assert model.student is not None
    assert_same_model(Model.load(run.model), model)


def test_a_finished_training_is_left_as_it_is(run, model):
    before = {path: path.read_bytes() for path in run.folder.rglob("*") if path.is_file()}

    def never(step, line):
        raise AssertionError(step)

    assert_same_model(resume(run, images=IMAGES, progress=never), model)
    assert {p: p.read_bytes() for p in run.folder.rglob("*") if p.is_file()} == before


class InterruptedOnSaving(RunHooks):
    def save(self, model):
        super().save(model)
        signal.raise_signal(signal.SIGINT)


def test_stopped_between_the_discriminator_and_the_student(tmp_path, run):
    stopped = Run.create(tmp_path / "run", recipe(), IMAGES)
    with InterruptedOnSaving(stopped) as hooks, pytest.raises(Stopped) as stop:
        fit(IMAGES, recipe(), CPU, hooks)
    assert (stop.value.iteration, stop.value.student) == (4, True)
    assert Model.load(stopped.model).lacks_student
    resume(stopped, images=IMAGES)
    assert_same_model(Model.load(stopped.model), Model.load(run.model))


@pytest.mark.parametrize("when", [None, 5, 8])  # never; with the discriminator; with its student
def test_a_finished_training_goes_on_and_what_was_finished_stays_until_then(when, tmp_path):
    run = train(tmp_path / "run", recipe(), IMAGES)
    before, longer = run.model.read_bytes(), recipe(iterations=6)
    if when is not None:
        with pytest.raises(Stopped):
            resume(run, longer, IMAGES, cadence=EVERY_LINE, progress=stop_at(when))
        assert run.model.read_bytes() == before
    model = resume(run, longer, IMAGES)
    assert_same_model(model, fit(IMAGES, longer, CPU))
    assert_same_model(model, Model.load(run.model))


def test_the_table_shows_the_student_and_the_discriminator_alone(model):
    rows = {row.name: row for row in evaluate(model, IMAGES)}
    others = {row.name: row for row in evaluate(replace(model, student=None), IMAGES)}
    assert rows.keys() - others.keys() == {"discriminator"}
    assert rows["discriminator"].mean_iou == others["default"].mean_iou
    assert rows["default"].mean_iou != others["default"].mean_iou


def test_the_default_preset_has_a_student_and_the_paper_s_have_none():
    with_student = {name for name, preset in PRESETS.items() if preset.student_iterations}
    assert with_student == {"default"}


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """Files that show more than the network sees, and one that does not."""
    folder, large = tmp_path_factory.mktemp("photos"), draw_images(6, 320, seed=0)
    for index, pixels in enumerate(large.pixels):
        side = (32, 32) if index == 5 else (320, 160)
        Image.fromarray(pixels).resize(side).save(folder / f"{index}.png")
    return load_folder(folder, 32)


def test_refinement_moves_the_student_s_boxes_in_larger_images_alone(model, photos):
    first, refined = localize(model, photos, refine=False), localize(model, photos)
    np.testing.assert_array_equal(refined.heatmaps, first.heatmaps)  # of the whole image
    assert model.looks(STUDENT) == LOOKS  # it was trained on images of the network's size
    expected = refine_boxes(model.student, first.boxes, photos.sizes, crop_reader(photos))
    np.testing.assert_array_equal(refined.boxes, expected)
    moved = (refined.boxes != first.boxes).any(axis=1)
    assert moved.any()
    assert not moved[5]
    assert (refined.boxes[:, 2:] <= 1.0 + 1e-9).all()
    masks = model.heatmaps(photos, STUDENT)
    seen = evidence(model.student, photos.pixels, masks, refined.boxes)
    np.testing.assert_array_equal(refined.scores, chances(seen))
    assert not np.array_equal(refined.scores, first.scores)
    for reading in (DISCRIMINATOR_READING, "plain-cam"):
        plain, asked = (localize(model, photos, reading, refine=each) for each in (False, True))
        np.testing.assert_array_equal(plain.boxes, asked.boxes)
    squeezed = replace(photos, archive=None)  # no files to read crops from
    np.testing.assert_array_equal(localize(model, squeezed).boxes, first.boxes)


def test_files_that_show_more_teach_close_ups_too(photos):
    model = fit(photos, recipe(), CPU)
    looks = model.looks(STUDENT)
    assert looks in (CLOSE_LOOKS, replace(CLOSE_LOOKS, sharpened=False))
    assert model.looks(HINTED) == LOOKS
    first, refined = localize(model, photos, refine=False), localize(model, photos)
    expected = refine_boxes(model.student, first.boxes, photos.sizes, crop_reader(photos), looks)
    np.testing.assert_array_equal(refined.boxes, expected)
    squeezed = fit(replace(photos, archive=None), recipe(), CPU)
    assert squeezed.looks(STUDENT) == LOOKS
    once = fit(photos, recipe(student_rounds=1), CPU)  # the first student has no boxes to look at
    assert once.looks(STUDENT) == LOOKS
