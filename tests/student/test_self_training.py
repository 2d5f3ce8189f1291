"""Self-training: what each round learns from, and what is reported of it."""

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
import torch
from torch.nn.utils import parameters_to_vector

from ganloc.box.from_heatmap import boxes_from_heatmaps
from ganloc.images.batches import CUT
from ganloc.recipes import Recipe
from ganloc.student.close_ups import CloseUps
from ganloc.student.self_training import self_train
from ganloc.student.train_student import new_student, soft_masks, student_boxes

CPU = torch.device("cpu")
pytestmark = pytest.mark.usefixtures("one_thread")
PIXELS = np.random.default_rng(0).integers(0, 256, (5, 32, 32, 3), np.uint8)
CORNER = np.tile([0.0, 0.0, 0.3, 0.3], (5, 1))
RECIPE = Recipe(size=32, student_width=2, student_iterations=3, student_rounds=2, seed=4)


def students(recipe=RECIPE, boxes=CORNER, after_step=lambda *_: None):
    return self_train(PIXELS, boxes, recipe, CPU, after_step)


def weights(student):
    return parameters_to_vector(student.parameters())


def test_a_round_learns_from_the_boxes_of_the_student_before_and_from_nothing_else():
    def second(boxes, whole=False):
        rounds = students(boxes=boxes)
        first = next(rounds)
        if whole:  # a constant mask, so that its boxes are whole images
            first.mask.weight.zero_()
        return weights(next(rounds))

    opposite = 1.0 - CORNER[:, [2, 3, 0, 1]]
    assert torch.equal(second(CORNER, whole=True), second(opposite, whole=True))
    assert not torch.equal(second(CORNER), second(CORNER, whole=True))


def test_the_first_round_learns_from_pseudo_boxes():
    one, other = (next(students(boxes=boxes)) for boxes in (CORNER, CORNER + 0.5))
    assert not torch.equal(weights(one), weights(other))


@pytest.mark.parametrize("rounds", [1, 3])
def test_every_step_of_all_rounds_is_reported(rounds):
    reported = []
    recipe = replace(RECIPE, student_rounds=rounds)
    found = list(students(recipe, after_step=lambda *step: reported.append(step)))
    assert len(found) == rounds
    assert [number for number, _ in reported] == list(range(1, 3 * rounds + 1))
    assert all(np.isfinite(loss) for _, loss in reported)


def test_the_same_students_again_and_ready_to_be_read():
    for one, other in zip(students(), students(), strict=True):
        assert torch.equal(weights(one), weights(other))
        assert not any(each.requires_grad for each in one.parameters())
        assert not one.training


def test_no_two_rounds_of_neighbouring_seeds_begin_alike():
    # One step moves a weight by at most the lowest rate, 2e-3 / 25.
    recipes = [replace(RECIPE, student_iterations=1, seed=seed) for seed in (4, 5, 6)]
    found = [weights(student) for recipe in recipes for student in students(recipe)]
    assert len(found) == 6
    for one, other in combinations(found, 2):
        assert (one - other).abs().max() > 0.01


def test_the_largest_seed_has_rounds_too():
    assert len(list(students(replace(RECIPE, seed=2**63 - 1)))) == 2


def test_a_student_s_boxes_are_cut_from_its_masks():
    pixels = np.random.default_rng(1).integers(0, 256, (CUT + 5, 32, 32, 3), np.uint8)
    student = new_student(32, 2, 0, CPU).eval()
    found = student_boxes(student, pixels)
    for part in (slice(0, 3), slice(CUT - 2, CUT + 2)):
        masks = soft_masks(student, pixels[part])
        np.testing.assert_array_equal(found[part], boxes_from_heatmaps(masks, 32, 0.6))


def test_half_of_what_later_rounds_see_are_close_ups(monkeypatch):
    seen = []

    def train_student(student, pixels, boxes, iterations, seed, draw=None):
        seen.append((pixels, boxes, draw))
        yield 0.0

    monkeypatch.setattr("ganloc.student.self_training.train_student", train_student)
    close = CloseUps(np.full((3, 32, 32, 3), 9, np.uint8), CORNER[:3] + 0.1)
    list(self_train(PIXELS, CORNER, RECIPE, CPU, lambda *_: None, lambda *_: (CORNER, close)))
    (_, first, whole), (pixels, boxes, draw) = seen
    assert whole is None
    np.testing.assert_array_equal(first, CORNER)
    np.testing.assert_array_equal(pixels, np.concatenate([PIXELS, close.pixels]))
    np.testing.assert_array_equal(boxes, np.concatenate([CORNER, close.boxes]))
    for step in range(3):
        chosen = draw(step)
        assert len(chosen) == 32
        assert (chosen >= 5).sum() == 16
    counts = np.bincount(np.concatenate([draw(step) for step in range(15)]), minlength=8)
    assert counts[:5].tolist() == [48] * 5  # 15 × 16 / 5
    assert counts[5:].tolist() == [80] * 3
