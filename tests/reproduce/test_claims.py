"""The claims' numbers, worked out by hand on a few rows."""

import numpy as np
import pytest

from ganloc.reproduce.claims import MISSING, claims


def row(set_name, method, loc, ms_ssim=0.1, uniformity=0.5, milliseconds=2.0, seed=0):
    return {
        "set": set_name,
        "method": method,
        "seed": seed,
        "paper": {"loc": loc},
        "ms_ssim": ms_ssim,
        "uniformity": uniformity,
        "milliseconds": milliseconds,
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
    {"set": "cat", "method": "cam", "seed": 0, "paper": {"loc": 80.0}},
    {"set": "cat", "method": "centre", "seed": 0, "loc": 81.5},
]


def lines(table3=TABLE3, variants=VARIANTS):
    return [(claim, number) for claim, _, number in claims(table3, variants)]


def numbers():
    return [number for _, number in lines()]


def test_the_correlation_is_centred_per_set():
    x = np.array([entry["ms_ssim"] for entry in VARIANTS]).reshape(2, 5)
    y = np.array([entry["paper"]["loc"] for entry in VARIANTS]).reshape(2, 5)
    x, y = (values - values.mean(1, keepdims=True) for values in (x, y))
    expected = np.corrcoef(x.ravel(), y.ravel())[0, 1]
    found = numbers()[0]
    assert float(found.split()[0]) == pytest.approx(expected, abs=0.005)
    assert found.endswith("10 runs on 2 sets")


def test_differences_are_means_over_sets():
    # bird: mean(.8, .9, 1) − mean(.2, .4) = .6; cat: .6 − .3 = .3.
    assert numbers()[1].startswith("+0.45 (+0.30 to +0.60), above 0 in 2 of 2 sets")
    # bird: 62 − 45 = 17; cat: 75 − 75 = 0.
    assert numbers()[2].startswith("+8.5 points (+0.0 to +17.0), above 0 in 1 of 2 sets")
    # (b) 8 and 12; (b) with augmentation: no DCGAN with augmentation at all.
    assert numbers()[3].startswith("+10.0 points (+8.0 to +12.0)")
    assert numbers()[4] == MISSING
    # (c) .04 and .20; .02 and .05.
    assert numbers()[5].startswith("+0.120 (+0.040 to +0.200)")
    assert numbers()[6].startswith("+0.035 ")
    # (d) −.1 and −.2; +2 and −3. (e) +1 and −2.
    assert numbers()[7].startswith("-0.150 ")
    assert numbers()[8].startswith("-0.5 points (-3.0 to +2.0), above 0 in 1 of 2 sets")
    assert numbers()[9].startswith("-0.5 points")
    assert numbers()[10] == "2.0 (median of 10 runs)"


def test_a_set_without_one_of_the_two_is_left_out():
    some = [entry for entry in TABLE3 if (entry["set"], entry["method"]) != ("cat", "dcgan")]
    assert lines(some)[3][1].startswith("+8.0 points (+8.0 to +8.0), above 0 in 1 of 1 sets")


def test_without_rows_nothing_is_claimed():
    assert {number for _, number in lines([], [])} == {MISSING}
