"""What hints lead to expect."""

import numpy as np
import pytest

from ganloc.metrics.expected import expected, wilson_interval


@pytest.mark.parametrize(
    ("hits", "count", "low", "high"),
    # Newcombe (Statistics in Medicine 17, 1998), table I, method 3.
    [(81, 263, 25.53, 36.62), (15, 148, 6.24, 16.05), (0, 20, 0.0, 16.11), (1, 29, 0.61, 17.18)],
)
def test_wilson_interval_of_published_examples(hits, count, low, high):
    assert wilson_interval(hits, count) == pytest.approx((low, high), abs=0.006)


def test_mean_iou_has_students_interval():
    ious = [0.2, 0.4, 0.6, 0.8]
    found = expected(ious)
    # Mean 0.5, standard error 0.129099, t(3) = 3.182446.
    assert found.mean_iou == pytest.approx(0.5)
    assert found.interval_iou == pytest.approx((0.5 - 0.41085, 0.5 + 0.41085), abs=1e-4)
    assert (found.gt_known_loc, found.without) == (50.0, None)


def test_all_right_is_not_certain():
    found = expected([0.9] * 10, [0.4] * 5 + [0.6] * 5)
    assert found.gt_known_loc == 100.0
    assert found.interval[0] == pytest.approx(72.2, abs=0.1)
    assert found.without == 50.0
    assert "without hints 50 of 100" in found.sentence()


def test_the_interval_covers_the_truth_as_often_as_it_says():
    random = np.random.default_rng(0)
    for share in (0.5, 0.9):
        ends = [wilson_interval(int(hits), 10) for hits in random.binomial(10, share, 2000)]
        covered = np.mean([low <= 100 * share <= high for low, high in ends])
        assert covered == pytest.approx(0.95, abs=0.04)
