"""Scores: from evidence to the chance that a box is right."""

import numpy as np
import pytest

from ganloc.student.score import BIAS, WEIGHTS, PlattScaling, chances, log_odds


def test_chances_are_the_logistic_function_of_weighted_evidence():
    evidence = np.array([[0.0, 0.0, 0.0, 0.0], [0.5, 0.25, 0.75, 1.0]])
    odds = [BIAS, BIAS + 0.5 * WEIGHTS[0] + 0.25 * WEIGHTS[1] + 0.75 * WEIGHTS[2] + WEIGHTS[3]]
    np.testing.assert_allclose(log_odds(evidence), odds)
    np.testing.assert_allclose(chances(evidence), 1.0 / (1.0 + np.exp(-np.array(odds))))
    scaled = chances(evidence, PlattScaling(slope=2.0, shift=-0.5))
    np.testing.assert_allclose(np.log(scaled / (1 - scaled)), 2.0 * np.array(odds) - 0.5)


def test_every_piece_of_evidence_speaks_for_a_box():
    assert min(WEIGHTS) > 0.0 > BIAS
    worst, best = chances(np.array([[0.0] * 4, [1.0] * 4]))
    assert worst < 0.1 < 0.9 < best


def grid(odds, right):
    """The most likely scaling, by trying them all."""
    slopes, shifts = np.meshgrid(np.arange(-1, 4, 0.02), np.arange(-4, 4, 0.02), indexing="ij")
    signs = np.where(right, 1.0, -1.0)
    each = signs * (slopes[..., None] * odds + shifts[..., None])
    loss = np.logaddexp(0.0, -each).sum(axis=-1) + ((slopes - 1.0) ** 2 + shifts**2) / 2
    at = np.unravel_index(loss.argmin(), loss.shape)
    return slopes[at], shifts[at]


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_a_scaling_is_the_most_likely_one(share):
    random = np.random.default_rng(1)
    odds = random.normal(0.5, 1.0, 20)
    right = random.random(20) < share
    found = PlattScaling.fit(odds, right)
    assert (found.slope, found.shift) == pytest.approx(grid(odds, right), abs=0.02)


def test_few_boxes_change_little_and_many_put_the_scale_right():
    random = np.random.default_rng(2)
    odds = random.normal(1.0, 1.0, 4000)
    right = random.random(4000) < 1.0 / (1.0 + np.exp(-(0.5 * odds - 1.0)))
    many = PlattScaling.fit(odds, right)
    assert (many.slope, many.shift) == pytest.approx((0.5, -1.0), abs=0.15)
    one = PlattScaling.fit(odds[:1], right[:1])
    assert abs(one.slope - 1.0) + abs(one.shift) < abs(many.slope - 1.0) + abs(many.shift)
    assert PlattScaling.fit(odds[:0], right[:0]) == PlattScaling()
