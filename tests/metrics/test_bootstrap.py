import numpy as np
import pytest

from ganloc.metrics.bootstrap import bootstrap_interval, mean_over_sets, paired_bootstrap


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


def test_a_large_set_is_drawn_in_blocks_that_draw_every_sample():
    rows = []

    def counted(values, axis):
        rows.append(len(values))
        return values.mean(axis=axis)

    low, high = bootstrap_interval(hits(60_000, 60_000), statistic=counted, samples=75)
    assert sum(rows) == 75
    assert len(rows) > 1
    assert max(rows) * 120_000 * 8 <= 32_000_000  # bytes of image numbers
    assert 0.49 < low < 0.5 < high < 0.51


def test_pairing_finds_a_small_difference_that_separate_intervals_hide():
    easy = np.random.default_rng(0).random(300)
    a, b = easy + 0.02, easy + np.tile([0.0, 0.01], 150)
    low, high = paired_bootstrap(a, b)
    assert 0.0140 < low < 0.0150 < high < 0.0160
    assert bootstrap_interval(a)[0] < bootstrap_interval(b)[1]
    assert paired_bootstrap(b, a)[1] < 0


def test_sets_weigh_the_same_however_many_images_they_hold():
    # 0.9 and 0.3: half way is 0.6, while 48 hits of 120 images are 0.4.
    mean, low, high = mean_over_sets([hits(18, 2), hits(30, 70)])
    assert mean == pytest.approx(0.6)
    deviation = np.sqrt(0.9 * 0.1 / 20 + 0.3 * 0.7 / 100) / 2  # of independent means
    assert low == pytest.approx(0.6 - 1.960 * deviation, abs=0.012)
    assert high == pytest.approx(0.6 + 1.960 * deviation, abs=0.012)


def test_images_are_resampled_within_their_set():
    # Sets that differ but are the same throughout have a mean that no resampling moves.
    assert mean_over_sets([np.full(5, 20.0), np.full(9, 80.0)]) == (50, 50, 50)
    mean, low, high = mean_over_sets([hits(400, 400)], level=0.8)
    half = 1.282 * np.sqrt(0.5 * 0.5 / 800)
    assert (mean, low, high) == pytest.approx((0.5, 0.5 - half, 0.5 + half), abs=0.004)


def test_sets_of_the_same_size_are_resampled_independently():
    # One set's hits are the other's misses: drawn alike, their sum would never move.
    low, high = mean_over_sets([hits(50, 50), 1 - hits(50, 50)])[1:]
    assert high - low == pytest.approx(2 * 1.960 * np.sqrt(2 * 0.25 / 100) / 2, abs=0.02)


def test_paired_differences_over_sets():
    random = np.random.default_rng(0)
    ours, gains = [random.random(n) * 100 for n in (50, 80)], [3.0, 1.0]
    theirs = [values - gain for values, gain in zip(ours, gains, strict=True)]
    differences = [a - b for a, b in zip(ours, theirs, strict=True)]
    assert mean_over_sets(differences) == pytest.approx((2, 2, 2))
    assert mean_over_sets(ours)[1] < mean_over_sets(theirs)[2]  # separately they overlap


def test_the_seed_of_sets():
    values = [np.random.default_rng(0).random(30)] * 2
    assert mean_over_sets(values, seed=1) == mean_over_sets(values, seed=1)
    assert mean_over_sets(values, seed=1)[1:] != mean_over_sets(values, seed=2)[1:]


@pytest.mark.parametrize("values", [[], [np.ones(3), np.ones(0)]])
def test_a_set_without_images_is_an_error(values):
    with pytest.raises(ValueError, match="at least one value in each"):
        mean_over_sets(values)
