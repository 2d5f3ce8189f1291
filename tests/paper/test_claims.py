"""The claims' numbers, worked out by hand on a few rows."""

from itertools import permutations

import numpy as np
import pytest

from ganloc.paper.claims import MISSING, claims


def row(set_name, method, loc, ms_ssim=0.1, uniformity=0.5, milliseconds=2.0, seed=0):
    return {
        "set": set_name,
        "method": method,
        "seed": seed,
        "paper": {"loc": loc, "peak": loc + 1.0, "untrained": 50.0},
        "ms_ssim": ms_ssim,
        "uniformity": uniformity,
        "milliseconds_alone": milliseconds,
    }


VARIANTS = [
    row("bird", "dcgan", 60.0, 0.30, 0.2, 1.0),
    row("bird", "sn-dcgan", 64.0, 0.34, 0.4, 2.0),
    row("bird", "dragan", 50.0, 0.20, 0.8, 3.0),
    row("bird", "wgan-gp", 40.0, 0.10, 0.9, 4.0),
    row("bird", "sn-wgan-gp", 45.0, 0.12, 1.0, 9.0),
    row("cat", "dcgan", 80.0, 0.10, 0.3),
    row("cat", "sn-dcgan", 70.0, 0.30, 0.3),
    row("cat", "dragan", 75.0, 0.20, 0.6),
    row("cat", "wgan-gp", 75.0, 0.05, 0.6),
    row("cat", "sn-wgan-gp", 75.0, 0.10, 0.6),
]
TABLE3 = [
    row("bird", "dcgan", 50.0),
    row("bird", "sn-dcgan", 58.0, 0.30),
    row("bird", "sn-dcgan+aug", 60.0, 0.20),
    row("bird", "cam", 57.0),
    row("cat", "dcgan", 66.0),
    row("cat", "sn-dcgan", 78.0, 0.40),
    row("cat", "sn-dcgan+aug", 75.0, 0.20),
    {"set": "cat", "method": "cam", "seed": 0, "paper": {"loc": 80.0, "untrained": 78.0}},
    {"set": "cat", "method": "centre", "seed": 0, "loc": 81.5},
]


def found(table3=TABLE3, variants=VARIANTS):
    return [number for _, _, number in claims(table3, variants)]


def three_sets(rows):
    """Every row again for a third set, so that there is an interval."""
    third = [{**entry, "set": "dog"} for entry in rows if entry["set"] == "cat"]
    return [*rows, *third]


def test_the_correlation_is_centred_per_set():
    x = np.array([entry["ms_ssim"] for entry in VARIANTS]).reshape(2, 5)
    y = np.array([entry["paper"]["loc"] for entry in VARIANTS]).reshape(2, 5)
    x, y = (values - values.mean(1, keepdims=True) for values in (x, y))
    expected = np.corrcoef(x.ravel(), y.ravel())[0, 1]
    shuffled = [
        np.corrcoef(x.ravel(), y[:, list(order)].ravel())[0, 1] for order in permutations(range(5))
    ]
    p = np.mean([value >= expected - 1e-9 for value in shuffled])
    for line in found()[:3]:  # the peak and the gain differ from Loc by a constant here
        assert float(line.split()[0]) == pytest.approx(expected, abs=0.005)
        assert f"p = {p:.2f}, 10 runs on 2 sets" in line


def test_shuffled_names_correlate_as_highly_where_there_is_nothing():
    same = [{**entry, "ms_ssim": 0.1 + index % 5} for index, entry in enumerate(VARIANTS)]
    rows = [
        {**entry, "paper": {**entry["paper"], "loc": 10.0 * entry["ms_ssim"]}} for entry in same
    ]
    perfect = found(variants=rows)[0]
    assert perfect.startswith("+1.00 (+1.00 to +1.00), p = 0.01,")  # 1 order of 120


def test_differences_are_means_over_sets():
    numbers = found()
    # bird: 62 − 45 = 17; cat: 75 − 75 = 0. Two sets give no interval.
    assert numbers[3] == "+8.5 points, above 0 in 1 of 2 sets"
    # bird: mean(.8, .9, 1) − mean(.2, .4) = .6; cat: .6 − .3 = .3.
    assert numbers[4] == "+0.45, above 0 in 2 of 2 sets"
    assert numbers[5] == "+10.0 points, above 0 in 2 of 2 sets"
    assert numbers[6] == MISSING  # no DCGAN with augmentation at all
    # (c) .04 and .20; .02 and .05. (d) −.1 and −.2; +2 and −3. (e) +1 and −2.
    assert numbers[7].startswith("+0.120,")
    assert numbers[8].startswith("+0.035,")
    assert numbers[9].startswith("-0.150,")
    assert numbers[10] == "-0.5 points, above 0 in 1 of 2 sets"
    assert numbers[11].startswith("-0.5 points,")
    assert numbers[12] == "+4.5 points, above 0 in 2 of 2 sets"  # 57 − 50 and 80 − 78
    assert numbers[13] == "2.0 (median of 2 runs)"


def test_three_sets_have_a_t_interval():
    # 8, 12 and 12: mean 10.667, standard error 1.3333, t(0.975, 2) = 4.3027.
    number = found(three_sets(TABLE3))[5]
    assert number == "+10.7 points (+4.9 to +16.4), above 0 in 3 of 3 sets"


@pytest.mark.parametrize("lost", ["dcgan", "wgan-gp"])
def test_a_set_without_one_of_the_methods_is_left_out(lost):
    some = [entry for entry in VARIANTS if (entry["set"], entry["method"]) != ("cat", lost)]
    numbers = found(variants=some)
    assert numbers[3] == "+17.0 points, above 0 in 1 of 1 sets"
    assert "5 runs on 1 sets" in numbers[0]


def test_without_rows_nothing_is_claimed():
    assert set(found([], [])) == {MISSING}
