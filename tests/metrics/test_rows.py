import json
from dataclasses import replace

import numpy as np
import pytest

from ganloc.errors import UserError
from ganloc.metrics.max_box_acc import max_box_acc
from ganloc.metrics.rows import Row, as_json, evaluate_boxes, evaluate_heatmaps

NONE = np.zeros((0, 4))
ROWS = (
    Row("default", False, False, 66.6666, (50.126, 80.0), 25.0, 48.333, (9.0, 41.0), (40.0, 55.5)),
    Row("fitted-box", True, True, 100.0, (100.0, 100.0), 75.0, 61.0, (60.0, 90.0), (50.0, 70.0)),
)


def test_rows_worked_out_by_hand():
    boxes = np.tile([0.0, 0.0, 10.0, 10.0], (5, 1))
    # IoU 0.8, 0.6, 0.5 and 0.1; the fifth image has no truth.
    truth = (*(np.array([[0, 0, 10.0, height]]) for height in (8, 6, 5, 1)), NONE)
    row = evaluate_boxes("ours", boxes, truth, uses_labels=True)
    assert (row.name, row.uses_labels, row.oracle) == ("ours", True, False)
    assert row.gt_known_loc == 50
    assert row.gt_known_loc_70 == 25
    assert row.mean_iou == pytest.approx(50)
    assert row.interval == (0, 100)  # Four images tell next to nothing.
    assert evaluate_boxes("ours", boxes, truth, oracle=True).oracle


def test_the_interval_narrows_with_the_images():
    boxes = np.tile([0.0, 0.0, 10.0, 10.0], (400, 1))
    truth = tuple(np.array([[0, 0, 10.0, height]]) for height in (8, 3) * 200)
    low, high = evaluate_boxes("ours", boxes, truth).interval
    assert 44 < low < 46.5
    assert 53.5 < high < 56


def test_nothing_to_measure_is_the_users_to_mend():
    with pytest.raises(UserError, match="No image has a true box"):
        evaluate_boxes("ours", np.ones((2, 4)), (NONE, NONE))


def test_json_is_the_documented_object():
    found = json.loads(json.dumps(as_json("tiny-imagenet:bird", 150, ROWS)))
    assert (found["data"], found["images"], len(found["rows"])) == ("tiny-imagenet:bird", 150, 2)
    assert found["rows"][0] == {
        "name": "default",
        "uses_labels": False,
        "oracle": False,
        "gt_known_loc": 66.67,
        "interval": [50.13, 80.0],
        "gt_known_loc_70": 25.0,
        "interval_70": [9.0, 41.0],
        "mean_iou": 48.33,
        "interval_iou": [40.0, 55.5],
        "pretrained": False,
    }
    assert "corloc" not in found
    fitted = as_json("tiny-imagenet:bird", 150, ROWS, ROWS[:1])["corloc"]
    assert fitted == [{"name": "default", "corloc": 66.67, "interval": [50.13, 80.0]}]


def test_every_interval_is_of_its_own_metric():
    # IoU 0.8 and 0.6 in turn: all above 0.5, half above 0.7, and a mean of 0.7.
    boxes = np.tile([0.0, 0.0, 10.0, 10.0], (400, 1))
    truth = tuple(np.array([[0, 0, 10.0, height]]) for height in (8, 6) * 200)
    row = evaluate_boxes("ours", boxes, truth)
    assert row.interval == (100, 100)
    assert 44 < row.interval_70[0] < 46.5 < 53.5 < row.interval_70[1] < 56
    assert 68.9 < row.interval_iou[0] < 69.5 < 70.5 < row.interval_iou[1] < 71.1


def an_oracle():
    """One of three hit: V1 33.3 at 0, V2 (66.7 + 33.3 + 33.3) / 3 = 44.4; the image is the box."""
    truth = tuple(np.array([[0, 0, 10.0, height]]) for height in (10, 4, 1))
    heatmaps = np.tile([[1.0, 0.5], [0.5, 0.0]], (3, 1, 1))
    return max_box_acc(heatmaps, truth, np.full((3, 2), 10))


def test_oracle_rows_stand_apart_from_the_rows():
    rows = (replace(ROWS[0], max_box_acc=an_oracle()), ROWS[1])
    found = json.loads(json.dumps(as_json("embedded", 3, rows, ROWS[:1])))
    assert list(found) == ["data", "images", "rows", "corloc", "max_box_acc"]
    assert found["rows"] == as_json("embedded", 3, ROWS)["rows"]
    assert found["max_box_acc"] == [
        {
            "name": "default",
            "max_box_acc": 33.33,
            "threshold": 0.0,
            "max_box_acc_v2": 44.44,
            "thresholds_v2": [0.0, 0.0, 0.0],
            "oracle": True,
        }
    ]
    assert list(as_json("embedded", 3, ROWS)) == ["data", "images", "rows"]


def test_heatmaps_are_measured_by_their_boxes_and_at_the_best_threshold():
    heatmaps, sizes = np.zeros((1, 4, 4)), np.array([[4, 4]])
    heatmaps[0, :2, :2] = 1
    truth = (np.array([[0, 0, 2.0, 2]]),)
    row = evaluate_heatmaps("ours", heatmaps, np.array([[0, 0, 4.0, 4]]), truth, sizes)
    assert replace(row, max_box_acc=None) == evaluate_boxes(
        "ours", np.array([[0, 0, 4.0, 4]]), truth
    )
    assert row.gt_known_loc == 0
    assert row.max_box_acc is not None
    assert row.max_box_acc.max_box_acc == 100
