"""Metrics of several objects an image, by hand."""

import numpy as np
import pytest

from ganloc.errors import UserError
from ganloc.metrics import objects
from ganloc.metrics.objects import evaluate_objects, objects_as_json

pytest.importorskip("pycocotools")

SQUARE = np.array([0.0, 0.0, 10.0, 10.0])
# Two objects in image 0, one in image 1, none in image 2.
TRUTH = (np.stack([SQUARE, SQUARE + 100.0]), SQUARE[None], np.empty((0, 4)))


def row(*found, truth=TRUTH):
    """The row of objects of an image's index, a box and a score each."""
    image = np.array([one[0] for one in found], dtype=int)
    boxes = np.array([one[1] for one in found], dtype=float).reshape(-1, 4)
    return evaluate_objects("x", image, boxes, np.array([one[2] for one in found], float), truth)


def values(own):
    return own.ap_50, own.ap, own.average_recall, own.count_error, own.right_count


def test_all_objects_found_exactly():
    found = row((0, SQUARE + 100.0, 0.9), (0, SQUARE, 0.5), (1, SQUARE, 0.7))
    assert values(found) == pytest.approx((100.0, 100.0, 100.0, 0.0, 100.0))


def test_nothing_found():
    # Wrong by 2, 1 and 0 objects; the third image is right.
    assert values(row()) == pytest.approx((0.0, 0.0, 0.0, 1.0, 100 / 3))


def test_half_of_the_recall_at_half_of_the_precision():
    """A wrong object with the highest score, then one of two that are right."""
    truth = (np.stack([SQUARE, SQUARE + 100.0]),)
    found = row((0, SQUARE + 50.0, 0.9), (0, SQUARE, 0.8), truth=truth)
    # Precision is 1/2 up to a recall of 1/2, 51 of COCO's 101 steps, and 0 beyond.
    assert found.ap_50 == pytest.approx(100 * 0.5 * 51 / 101)
    assert found.ap == pytest.approx(found.ap_50)
    assert found.average_recall == pytest.approx(50.0)
    assert (found.count_error, found.right_count) == (0.0, 100.0)


def test_a_loose_box_counts_at_low_ious_only():
    """IoU 72/100: right at 0.5, 0.55, 0.6, 0.65 and 0.7, half of the ten."""
    truth = (SQUARE[None],)
    found = row((0, [0.0, 0.0, 9.0, 8.0], 0.9), truth=truth)
    assert values(found) == pytest.approx((100.0, 50.0, 50.0, 0.0, 100.0))


def test_what_is_found_where_nothing_is_costs_precision():
    found = row((2, SQUARE, 0.9), (1, SQUARE, 0.8), (0, SQUARE, 0.7), (0, SQUARE + 100.0, 0.6))
    # Precision of the ranks: 0, 1/2, 2/3, 3/4, each replaced by the best of a later rank.
    assert found.ap_50 == pytest.approx(75.0)
    assert (found.count_error, found.right_count) == pytest.approx((1 / 3, 200 / 3))


def test_a_second_box_on_the_same_object_is_wrong():
    found = row((0, SQUARE, 0.9), (0, SQUARE + 0.1, 0.8), (0, SQUARE + 100, 0.7), (1, SQUARE, 0.6))
    # Ranks: right, wrong, right, right: precision 1 up to a recall of 1/3 (34 steps), then 3/4.
    assert found.ap_50 == pytest.approx(100 * (34 + 67 * 0.75) / 101)
    assert (found.count_error, found.right_count) == pytest.approx((1 / 3, 200 / 3))


def test_rows_as_json_are_rounded():
    (own,) = objects_as_json([row()])
    assert own == {"name": "x", "ap_50": 0.0, "ap": 0.0, "average_recall": 0.0,
                   "count_error": 1.0, "right_count": 33.33}  # fmt: skip


def test_without_pycocotools_or_truth_a_sentence_says_so(monkeypatch):
    with pytest.raises(UserError, match="No image has a true box"):
        row((0, SQUARE, 0.5), truth=(np.empty((0, 4)),))
    monkeypatch.setattr(objects, "find_spec", lambda name: None)
    with pytest.raises(UserError, match=r"pip install 'ganloc\[coco\]'"):
        row((0, SQUARE, 0.5))
