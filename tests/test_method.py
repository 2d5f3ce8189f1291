"""The method: what `fit` learns, in memory and in a run folder, and what `localize` finds."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from ganloc import method
from ganloc.box.detections import box_scores
from ganloc.checkpoints.delivered import learned
from ganloc.checkpoints.hooks import Cadence, Hooks
from ganloc.discriminator.train_discriminator import train_discriminator
from ganloc.discriminator.train_state import new_train_state
from ganloc.errors import UserError
from ganloc.heatmap.feature_statistics import feature_statistics
from ganloc.heatmap.readings import DISCRIMINATOR_READING
from ganloc.images.synthetic import draw_images
from ganloc.method import finetune, fit, localize
from ganloc.model import HINTED, LEARNED, MODEL_READINGS, STUDENT, Model
from ganloc.outliers.outlier_model import OutlierModel
from ganloc.student.evidence import evidence
from ganloc.student.hinted import Hinted
from ganloc.student.learn_hints import LABEL_FREE
from ganloc.student.score import PlattScaling, log_odds
from run_folders import CPU, IMAGES, assert_same_model, assert_same_tensors, noise, tiny, train

pytestmark = pytest.mark.usefixtures("one_thread")
BORDER = {"adversarial_weight": 0.0, "border_weight": 1.0}


def test_a_run_folder_gives_the_model_of_a_training_in_memory(tmp_path):
    run = train(tmp_path / "run", tiny(student_iterations=2), noise(20))
    model = fit(noise(20), tiny(student_iterations=2), CPU)
    assert None not in (model.student, model.outliers)
    assert_same_model(model, Model.load(run.model))


def test_its_discriminator_is_the_one_that_the_training_loop_leaves():
    model = fit(IMAGES, tiny(), CPU)
    state = new_train_state(tiny(), CPU)
    for _ in train_discriminator(state, IMAGES.pixels, tiny()):
        pass
    expected = Model.freeze(state.discriminator, IMAGES, tiny(), iteration=6)
    assert_same_model(replace(model, signals={}), expected)
    assert model.info == {"iteration": 6, "images": 5, "checksum": IMAGES.checksum}
    found = feature_statistics(model.discriminator, IMAGES.pixels)
    assert_same_tensors(found.tensors(), model.statistics.tensors())


@pytest.mark.parametrize("settings", [{}, BORDER, {"select": True, "student_iterations": 2}])
def test_truth_and_classes_are_never_looked_at(settings):
    unlabelled = fit(IMAGES, tiny(**settings), CPU)
    boxes = tuple(np.array([[index, 0.0, 32.0, 32.0]]) for index in range(5))
    for truth in (boxes, boxes[::-1], (np.full((0, 4), np.nan),) * 5):
        labelled = replace(IMAGES, truth=truth, labels=np.arange(5) % 2, classes=("a", "b"))
        assert_same_model(fit(labelled, tiny(**settings), CPU), unlabelled)


def test_another_seed_is_another_model():
    one, other = (fit(IMAGES, tiny(seed=seed), CPU).discriminator for seed in (3, 4))
    with pytest.raises(AssertionError):
        assert_same_tensors(one.state_dict(), other.state_dict())


def test_fewer_than_twenty_images_have_no_outlier_model():
    assert fit(noise(19), tiny(iterations=1), CPU).outliers is None
    many = noise(20)
    outliers = fit(many, tiny(iterations=1), CPU).outliers
    assert outliers is not None
    assert_same_tensors(outliers.tensors(), OutlierModel.fit(many.pixels, tiny().seed).tensors())


def test_without_a_gan_there_is_no_generator_in_any_file(tmp_path):
    run = train(tmp_path / "run", tiny(**BORDER))
    assert not [name for name in load_file(run.checkpoint) if "generator" in name]
    with_gan = train(tmp_path / "gan", tiny())
    assert [name for name in load_file(with_gan.checkpoint) if name.startswith("generator/")]
    for model in (run.model, with_gan.model):
        assert not [name for name in load_file(model) if "generator" in name]
    assert Model.load(run.model).signals["alikeness"] is None  # nothing is generated


@pytest.mark.parametrize("log", [1, 100])  # a loss is seen to be broken, or features alone
def test_rates_that_blow_up_end_in_one_sentence(log):
    absurd = tiny(discriminator_rate=1e30, generator_rate=1e30)
    with pytest.raises(UserError, match="not finite"):
        fit(IMAGES, absurd, CPU, Hooks(cadence=Cadence(log=log)))


def test_nothing_is_drawn_from_the_global_random_streams():
    legacy, before = np.random.get_state()[1].copy(), torch.get_rng_state()  # noqa: NPY002
    fit(IMAGES, tiny(student_iterations=1, border_weight=1.0, augment=True), CPU)
    assert torch.equal(torch.get_rng_state(), before)
    assert np.array_equal(np.random.get_state()[1], legacy)  # noqa: NPY002


@pytest.fixture(scope="module")
def drawn():
    return draw_images(20, 32, seed=0)


@pytest.fixture(scope="module")
def fitted(drawn, one_thread):
    return fit(drawn, tiny(student_iterations=3, student_width=4), CPU)


@pytest.mark.parametrize("reading", MODEL_READINGS)
def test_each_image_has_a_box_and_its_score(reading, fitted, drawn):
    scaling = PlattScaling(0.5, 1.0)
    hinted = Hinted(fitted.student, ("a.jpg",), (1,), (LABEL_FREE,), (0.5,), (0.5,), scaling)
    fitted = replace(fitted, hinted=hinted)
    found = localize(fitted, drawn, reading)
    expected = fitted.detect(drawn, reading)
    np.testing.assert_array_equal(found.boxes, expected.boxes)
    np.testing.assert_array_equal(found.heatmaps, expected.heatmaps)
    if (student := fitted.student_of(reading)) is None:
        scores = box_scores(found.heatmaps, found.boxes)
    else:
        seen = evidence(student, drawn.pixels, fitted.heatmaps(drawn, reading), found.boxes)
        odds = log_odds(seen) * 0.5 + 1.0 if reading == HINTED else log_odds(seen)
        scores = 1.0 / (1.0 + np.exp(-odds))
    np.testing.assert_allclose(found.scores, scores, 1e-12)
    assert found.boxes.shape == (20, 4)
    assert (found.boxes[:, :2] < found.boxes[:, 2:]).all()
    assert found.boxes.min() >= 0.0
    assert found.boxes.max() <= 1.0
    np.testing.assert_array_equal(found.outlier_scores, fitted.outliers.scores(drawn.pixels))


def test_a_student_of_a_few_steps_is_not_delivered(drawn, monkeypatch, short_hints):
    monkeypatch.setattr(method, "learned", learned)
    fitted = fit(drawn, tiny(student_iterations=1, student_width=1), CPU)
    assert fitted.student is not None
    assert fitted.signals[LEARNED] <= 0.0
    found, expected = localize(fitted, drawn), localize(fitted, drawn, DISCRIMINATOR_READING)
    np.testing.assert_array_equal(found.boxes, expected.boxes)
    hinted = finetune(fitted, drawn, drawn.subset([0, 1, 2])).hinted
    assert (hinted.teacher, hinted.label_free_ious) == (("scratch",), ())  # nor has it a part


def test_by_default_the_student_is_read_and_without_one_the_discriminator(fitted, drawn):
    alone = replace(fitted, student=None)
    for model, reading in ((fitted, STUDENT), (alone, DISCRIMINATOR_READING)):
        found, expected = localize(model, drawn), localize(model, drawn, reading)
        np.testing.assert_array_equal(found.heatmaps, expected.heatmaps)
    assert not np.array_equal(localize(alone, drawn).boxes, localize(fitted, drawn).boxes)


def test_without_an_outlier_model_there_are_no_outlier_scores(fitted, drawn):
    assert localize(replace(fitted, outliers=None), drawn).outlier_scores is None


def test_readings_that_a_model_does_not_have_are_named(fitted, drawn):
    with pytest.raises(UserError, match="no reading 'tea leaves': choose "):
        localize(fitted, drawn, "tea leaves")
    with pytest.raises(UserError, match=r"no student.*student_iterations"):
        localize(replace(fitted, student=None), drawn, STUDENT)
