"""Signals of the boxes that a model delivers."""

import dataclasses

import numpy as np
import pytest
import torch

from bright import Bright
from ganloc.box.detections import Detections
from ganloc.checkpoints.delivered import Delivered, learned, measure_delivered
from ganloc.discriminator.train_state import new_train_state
from ganloc.images.image_set import ImageSet
from ganloc.method import fit, localize
from ganloc.model import DISCRIMINATOR_READING, LEARNED, STUDENT, Model
from run_folders import CPU, tiny


@pytest.fixture
def images():
    """White squares of a quarter of the side in the upper left of black images."""
    pixels = np.zeros((6, 32, 32, 3), np.uint8)
    for shift, image in enumerate(pixels):
        image[3 : 11 + shift, 3 + shift : 13 + shift] = 255
    return ImageSet(pixels, tuple("abcdef"), np.full((6, 2), 32))


@pytest.fixture
def model(images):
    network = new_train_state(tiny(), CPU).discriminator
    frozen = Model.freeze(network, images, tiny(student_iterations=1, student_width=1), 0)
    return dataclasses.replace(frozen, student=Bright(32, 1).eval())


def test_right_boxes_score_above_a_centred_box(model, images):
    found = localize(model, images)
    delivered = measure_delivered(model, images, found)
    assert delivered.score == pytest.approx(found.scores.mean())
    assert delivered.score > delivered.centred + 0.3
    sides = [(8 + shift) * 10 / 32**2 for shift in range(6)]
    assert delivered.coverage == pytest.approx(np.median(sides), abs=0.03)


def test_centred_boxes_score_as_such(model, images):
    centred = np.tile([0.1, 0.1, 0.9, 0.9], (6, 1))
    found = localize(model, images)
    alike = measure_delivered(model, images, dataclasses.replace(found, boxes=centred))
    assert alike.coverage == pytest.approx(0.64)
    assert alike.centred == measure_delivered(model, images, found).centred


def test_boxes_look_worse_once_the_object_is_painted_over_unless_there_is_another(model, images):
    dark = np.random.default_rng(0).integers(0, 40, images.pixels.shape, np.uint8)
    one = dataclasses.replace(images, pixels=np.maximum(dark, images.pixels))
    two = dataclasses.replace(one, pixels=np.maximum(one.pixels, one.pixels[:, ::-1, ::-1]))
    found = localize(model, one)
    assert measure_delivered(model, one, found).fall > 0.5
    assert measure_delivered(model, two, found).fall == pytest.approx(0.0, abs=0.05)


def test_where_nothing_is_around_a_box_nothing_falls(model, images):
    found = localize(model, images)
    whole = np.tile([0.0, 0.0, 1.0, 1.0], (6, 1))
    assert measure_delivered(model, images, dataclasses.replace(found, boxes=whole)).fall is None
    mixed = np.concatenate([found.boxes[:3], whole[3:]])
    some = measure_delivered(model, images, dataclasses.replace(found, boxes=mixed))
    first = images.subset([0, 1, 2])
    assert some.fall == pytest.approx(measure_delivered(model, first, localize(model, first)).fall)


def test_boxes_of_a_discriminator_are_judged_by_their_colours(model, images):
    alone = dataclasses.replace(model, signals={LEARNED: -0.1})
    assert alone.reading == DISCRIMINATOR_READING
    right = np.stack([[3 + s, 3, 13 + s, 11 + s] for s in range(6)]) / 32
    found = Detections.one_each(right, np.zeros((6, 32, 32), np.float32), np.zeros(6))
    delivered = measure_delivered(alone, images, found)
    assert delivered.score > 0.8  # white in black
    assert delivered.centred < 0.3
    assert delivered.fall is None


def test_a_student_that_learned_less_than_a_constant_box_is_not_delivered(model, images):
    assert model.reading == STUDENT  # as it is not known
    for value, reading in ((0.01, STUDENT), (0.0, DISCRIMINATOR_READING)):
        judged = dataclasses.replace(model, signals={LEARNED: value})
        assert judged.reading == reading
        found = localize(judged, images)
        np.testing.assert_array_equal(found.boxes, localize(model, images, reading).boxes)


def test_learned_is_the_gain_over_the_median_box():
    taught = np.array([[0.0, 0.0, 1.0, 1.0], [0.0, 0.0, 1.0, 0.5], [0.0, 0.0, 1.0, 0.5]])
    found = np.array([[0.0, 0.0, 1.0, 1.0], [0.0, 0.0, 1.0, 0.5], [0.0, 0.5, 1.0, 1.0]])
    constant = (0.5 + 1.0 + 1.0) / 3  # the median is the half
    assert learned(found, taught) == pytest.approx((1.0 + 1.0 + 0.0) / 3 - constant)


def test_json_there_and_back():
    signals = Delivered(0.7, 0.4, 0.5, 0.3)
    assert Delivered.from_dict({**signals.to_dict(), "another": 1.0}) == signals
    with pytest.raises(KeyError):
        Delivered.from_dict({"score": 0.7})


def test_a_training_measures_its_boxes(images):
    recipe = tiny(student_iterations=2, student_width=1, iterations=1)
    trained = fit(images, recipe, torch.device("cpu"))
    assert Delivered.from_dict(trained.signals) == measure_delivered(
        trained, images, localize(trained, images)
    )
    assert -1.0 < trained.signals[LEARNED] < 1.0
