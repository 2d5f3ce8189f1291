"""Self-training: what each round learns from, and what is told of it."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from ganloc.discriminator.networks import Discriminator
from ganloc.heatmap.feature_statistics import feature_statistics
from ganloc.recipes import Recipe
from ganloc.student import self_training as rounds
from ganloc.student.pseudo_boxes import PseudoBoxFinder
from ganloc.student.self_training import self_train, student_boxes

pytestmark = pytest.mark.usefixtures("one_thread")
PIXELS = np.random.default_rng(0).integers(0, 256, (5, 32, 32, 3), np.uint8)


def recipe(**settings):
    return Recipe(size=32, student_width=2, student_iterations=3, seed=4, **settings)


@pytest.fixture
def network():
    torch.manual_seed(0)
    discriminator = Discriminator(32, 2, "none", spectral=False).eval()
    return discriminator, feature_statistics(discriminator, PIXELS)


@pytest.fixture
def lessons(monkeypatch):
    """The boxes and seed of every round, and the student that came of it."""
    given = []

    def train_student(student, pixels, boxes, iterations, seed):
        given.append((student, boxes, seed))
        yield from original(student, pixels, boxes, iterations, seed)

    original = rounds.train_student
    monkeypatch.setattr(rounds, "teach", train_student)
    return given


def test_the_first_round_learns_from_seeds_and_the_next_from_its_student(network, lessons):
    student = self_train(*network, PIXELS, recipe(student_rounds=2), lambda *_: None)
    (first, seeds, _), (second, own, _) = lessons
    np.testing.assert_array_equal(seeds, PseudoBoxFinder(*network, PIXELS, "both").boxes(PIXELS))
    np.testing.assert_array_equal(own, student_boxes(first, PIXELS))
    assert student is second
    assert first is not second
    assert [seed for *_, seed in lessons] == [8, 9]  # of recipe seed 4: no other shares them


def test_every_iteration_of_all_rounds_is_told(network):
    describe_outliers = []
    self_train(
        *network, PIXELS, recipe(student_rounds=2), lambda *line: describe_outliers.append(line)
    )
    assert [number for number, _ in describe_outliers] == [1, 2, 3, 4, 5, 6]
    assert all(np.isfinite(loss) for _, loss in describe_outliers)


def test_one_round_and_another_source(network, lessons):
    self_train(*network, PIXELS, recipe(student_rounds=1, pseudo_boxes="colour"), lambda *_: None)
    ((_, seeds, _),) = lessons
    np.testing.assert_array_equal(seeds, PseudoBoxFinder(*network, PIXELS, "colour").boxes(PIXELS))


def test_the_same_student_again(network):
    one, other = (self_train(*network, PIXELS, recipe(), lambda *_: None) for _ in range(2))
    weights, others = one.state_dict(), other.state_dict()
    assert all(torch.equal(weights[name], others[name]) for name in weights)
    assert not any(each.requires_grad for each in one.parameters())
    assert not one.training


def test_a_set_is_read_once_between_two_rounds(network, monkeypatch):
    read = []

    def student_boxes_once(student, pixels):
        read.append(1)
        return student_boxes(student, pixels)

    monkeypatch.setattr(rounds, "student_boxes", student_boxes_once)
    self_train(*network, PIXELS, recipe(student_rounds=3), lambda *_: None)
    assert len(read) == 2


def test_of_many_images_a_student_sees_some_from_all_over_the_set(network, lessons, monkeypatch):
    monkeypatch.setattr(rounds, "IMAGES", 3)
    self_train(*network, PIXELS, recipe(student_rounds=1), lambda *_: None)
    ((_, seeds, _),) = lessons
    some = PIXELS[::2]
    np.testing.assert_array_equal(seeds, PseudoBoxFinder(*network, some, "both").boxes(some))


def test_the_largest_seed_has_rounds_too(network):
    given = replace(recipe(student_rounds=2), seed=2**63 - 1)
    self_train(*network, PIXELS, given, lambda *_: None)
