"""How long a training will take."""

import numpy as np
import pytest
import torch

from ganloc import duration
from ganloc.duration import Duration, about, measure_duration
from ganloc.method import fit
from run_folders import CPU, IMAGES, assert_same_model, tiny


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.2, "about 10 seconds"),
        (14.9, "about 10 seconds"),
        (89.0, "about 90 seconds"),
        (91.0, "about 2 minutes"),
        (240.0, "about 4 minutes"),
        (5399.0, "about 90 minutes"),
        (5401.0, "about 2 hours"),
        (100_000.0, "about 28 hours"),
        (1e6, "about 12 days"),
    ],
)
def test_durations_in_words(seconds, words):
    assert about(seconds) == words


def test_steps_of_students_are_counted_apart():
    expected = Duration(step=2.0, student_step=5.0, iterations=10)
    assert [expected.until(step) for step in (0, 4, 10, 13)] == [0.0, 8.0, 20.0, 35.0]


def test_steps_are_timed_and_the_first_does_not_count(monkeypatch):
    # A clock that each look at it moves on: by 5 seconds at first, then by 0.2.
    looks = iter(np.cumsum([0.0, 5.0, *[0.2] * 100]))
    monkeypatch.setattr(duration.time, "perf_counter", lambda: float(next(looks)))
    found = measure_duration(IMAGES, tiny(student_iterations=0, iterations=50), CPU)
    assert found.step == pytest.approx(0.2 * duration.OTHERS)
    assert found.student_step == 0.0


@pytest.mark.parametrize("variant", ["dcgan", "sn-wgan-gp"])
def test_measuring_changes_no_training(variant):
    recipe = tiny(variant, iterations=3, student_iterations=2)
    plain = fit(IMAGES, recipe, CPU)
    before = torch.get_rng_state()
    found = measure_duration(IMAGES, recipe, CPU)
    assert torch.equal(before, torch.get_rng_state())
    assert found.step > 0.0
    assert found.student_step > 0.0
    assert_same_model(fit(IMAGES, recipe, CPU), plain)
