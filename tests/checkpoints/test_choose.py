"""Which checkpoint, and when to stop: by hand."""

import numpy as np
import pytest

from ganloc.checkpoints.choose import best, finished, score
from ganloc.checkpoints.signals import Signals


def test_a_better_separation_scores_higher():
    low, high = (Signals(*[0.5] * 5, separation, *[0.5] * 4) for separation in (0.6, 0.7))
    assert score(low) < score(high)


@pytest.mark.parametrize(
    ("scores", "index"),
    [([0.4], 0), ([0.1, 0.3, 0.2], 1), ([0.3, 0.1, 0.3, 0.2], 2), ([0.0, 0.0], 1)],
)
def test_the_highest_and_of_equals_the_last(scores, index):
    assert best(scores) == index


@pytest.mark.parametrize(
    ("scores", "patience", "expected"),
    [
        ([], 1, False),
        ([0.5], 1, False),
        ([0.5, 0.4], 1, True),
        ([0.5, 0.5], 1, False),
        ([0.5, 0.4], 2, False),
        ([0.5, 0.4, 0.45], 2, True),
        ([0.5, 0.4, 0.6], 2, False),
        ([0.5, 0.4, 0.3, 0.2], 0, False),
    ],
)
def test_finished_when_the_last_ones_brought_nothing_better(scores, patience, expected):
    assert finished(scores, patience) is expected


def test_finished_agrees_with_looking_back_over_every_history():
    for scores in np.array(list(np.ndindex(3, 3, 3, 3, 3)), dtype=float).tolist():
        for patience in (1, 2, 3):
            before, recent = scores[:-patience], scores[-patience:]
            assert finished(scores, patience) is (max(recent) < max(before))
