import numpy as np
import pytest

from ganloc.score import bootstrap
from ganloc.score.bootstrap import bootstrap_interval, paired_bootstrap


def hits(found, missed):
    return np.repeat([1.0, 0.0], [found, missed])


@pytest.mark.parametrize(("level", "deviations"), [(0.95, 1.960), (0.8, 1.282)])
def test_interval_of_hits_is_the_binomial_normal_approximation(level, deviations):
    low, high = bootstrap_interval(hits(280, 120), level=level)
    half = deviations * np.sqrt(0.7 * 0.3 / 400)
    assert low == pytest.approx(0.7 - half, abs=0.006)
    assert high == pytest.approx(0.7 + half, abs=0.006)


def test_the_same_seed_gives_the_same_interval_and_another_another():
    values = np.random.default_rng(0).random(50)
    assert bootstrap_interval(values, seed=1) == bootstrap_interval(values, seed=1)
    assert bootstrap_interval(values, seed=1) != bootstrap_interval(values, seed=2)


def test_another_statistic():
    # More than half are 3, by far: so is every resampled median, but no mean.
    values = np.repeat([3.0, 100.0], [90, 10])
    assert bootstrap_interval(values, statistic=np.median) == (3, 3)
    assert bootstrap_interval(values)[1] > 10


def test_one_value_has_no_spread_and_none_is_an_error():
    assert bootstrap_interval(np.array([4.0])) == (4, 4)
    with pytest.raises(ValueError, match="at least one"):
        bootstrap_interval(np.zeros(0))


def test_drawing_in_blocks_draws_every_sample(monkeypatch):
    rows = []

    def counted(values, axis):
        rows.append(len(values))
        return values.mean(axis=axis)

    monkeypatch.setattr(bootstrap, "_DRAWS", 100)
    low, high = bootstrap_interval(hits(20, 20), statistic=counted, samples=201)
    assert sum(rows) == 201
    assert max(rows) == 2  # 100 draws hold two resamples of 40 pictures.
    assert 0.2 < low < 0.5 < high < 0.8


def test_pairing_finds_a_small_difference_that_separate_intervals_hide():
    easy = np.random.default_rng(0).random(300)
    a, b = easy + 0.02, easy + np.tile([0.0, 0.01], 150)
    low, high = paired_bootstrap(a, b)
    assert 0.0140 < low < 0.0150 < high < 0.0160
    assert bootstrap_interval(a)[0] < bootstrap_interval(b)[1]
    assert paired_bootstrap(b, a)[1] < 0
