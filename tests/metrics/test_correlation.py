import itertools

import numpy as np
import pytest

from ganloc.metrics.correlation import centred_correlation, clustered_interval

# Within each set y falls by 2 a step of x, but the sets lie so that all in all it rises.
X = np.array([0.0, 1.0, 2.0, 10.0, 11.0, 12.0])
Y = np.array([4.0, 2.0, 0.0, 104.0, 102.0, 100.0])
SETS = ["bear"] * 3 + ["boat"] * 3


def measurements(groups=5, seed=0):
    """Groups of 2–6 runs, each about a mean of its own, with noise."""
    random = np.random.default_rng(seed)
    names = np.repeat(np.arange(groups), np.arange(groups) % 5 + 2)
    x = random.normal(size=len(names))
    y = random.normal(scale=1.5, size=len(names)) - x
    return x + 10 * names, y - 7 * names, names.tolist()


def by_hand(x, y, names, drawn):
    """numpy's correlation of the groups drawn, each about its own mean."""
    names = np.array(names)
    picked = [names == group for group in drawn]
    centred = [np.concatenate([v[p] - v[p].mean() for p in picked]) for v in (x, y)]
    return np.corrcoef(*centred)[0, 1]


def test_what_holds_within_the_sets_is_what_counts():
    assert np.corrcoef(X, Y)[0, 1] > 0.9
    assert centred_correlation(X, Y, SETS) == pytest.approx(-1)


def test_agrees_with_numpy_on_centred_data():
    x, y, names = measurements()
    expected = by_hand(x, y, names, range(5))
    assert -0.95 < expected < -0.2
    assert centred_correlation(x, y, names) == pytest.approx(expected, abs=1e-12)


def test_one_group_is_the_plain_correlation():
    x, y, names = measurements()
    expected = np.corrcoef(x, y)[0, 1]
    assert centred_correlation(x, y, [0] * len(names)) == pytest.approx(expected, abs=1e-12)


def test_a_group_of_one_run_changes_nothing():
    more = centred_correlation(np.append(X, 500.0), np.append(Y, -900.0), [*SETS, "ape"])
    assert more == pytest.approx(-1)


@pytest.mark.parametrize(
    ("x", "y", "groups"),
    [
        (np.full(6, 0.1), Y, SETS),  # the mean of three 0.1 is not 0.1
        (X, np.array([0.1] * 3 + [0.7] * 3), SETS),  # varies between the sets alone
        (X, Y, list("abcdef")),
    ],
)
def test_without_variation_within_a_group_nothing_is_said(x, y, groups):
    assert centred_correlation(x, y, groups) is None
    assert clustered_interval(x, y, groups) is None


def test_one_group_has_no_interval():
    assert clustered_interval(X, Y, ["bear"] * 6) is None
    assert clustered_interval(X, Y, ["bear"] * 5 + ["boat"]) is None


def test_the_interval_is_that_of_all_resamples_of_the_groups():
    # All 3³ draws of three groups are equally likely, so the exact quantiles are known.
    x, y, names = measurements(groups=3)
    exact = [by_hand(x, y, names, drawn) for drawn in itertools.product(range(3), repeat=3)]
    found = clustered_interval(x, y, names, resamples=20_000, level=0.6)
    assert found is not None
    # 0.2 and 0.8 of 27 lie within a step of the exact distribution, not on its edge.
    expected = np.quantile(exact, [0.2, 0.8], method="inverted_cdf")
    np.testing.assert_allclose(found, expected, atol=1e-12)
    assert found[0] < centred_correlation(x, y, names) < found[1]


def test_resamples_without_variation_are_left_out():
    # In "b" only x varies: drawn alone, as in a quarter of the resamples, it says nothing.
    x, y = np.array([0.0, 1.0, 2.0, 0.0, 1.0]), np.array([0.0, 1.0, 2.0, 3.0, 3.0])
    names = ["a", "a", "a", "b", "b"]
    # Both: products 2, squares 2.5 and 2. "a" alone: 1.
    low, high = clustered_interval(x, y, names, level=0.5)
    assert low == pytest.approx(2 / np.sqrt(2.5 * 2))
    assert high == pytest.approx(1)


def test_the_same_seed_draws_the_same_groups():
    data = measurements(groups=8)
    assert clustered_interval(*data, seed=1) == clustered_interval(*data, seed=1)
    assert clustered_interval(*data, seed=1) != clustered_interval(*data, seed=2)
    wide, narrow = clustered_interval(*data), clustered_interval(*data, level=0.5)
    assert wide[0] < narrow[0] < narrow[1] < wide[1]
