import json
from io import StringIO

import numpy as np
import pytest
from rich.console import Console

from ganloc.errors import UserError
from ganloc.score.table import Row, as_json, print_table, score_boxes

NONE = np.zeros((0, 4))
ROWS = (
    Row("default", False, False, 66.6666, (50.126, 80.0), 25.0, 48.333, (9.0, 41.0), (40.0, 55.5)),
    Row("fitted-box", True, True, 100.0, (100.0, 100.0), 75.0, 61.0, (60.0, 90.0), (50.0, 70.0)),
)


def test_scores_worked_out_by_hand():
    boxes = np.tile([0.0, 0.0, 10.0, 10.0], (5, 1))
    # IoU 0.8, 0.6, 0.5 and 0.1; the fifth picture can't be scored.
    truth = (*(np.array([[0, 0, 10.0, height]]) for height in (8, 6, 5, 1)), NONE)
    row = score_boxes("ours", boxes, truth, uses_labels=True)
    assert (row.name, row.uses_labels, row.oracle) == ("ours", True, False)
    assert row.gt_known_loc == 50
    assert row.gt_known_loc_70 == 25
    assert row.mean_iou == pytest.approx(50)
    assert row.interval == (0, 100)  # Four pictures tell next to nothing.
    assert score_boxes("ours", boxes, truth, oracle=True).oracle


def test_the_interval_narrows_with_the_pictures():
    boxes = np.tile([0.0, 0.0, 10.0, 10.0], (400, 1))
    truth = tuple(np.array([[0, 0, 10.0, height]]) for height in (8, 3) * 200)
    low, high = score_boxes("ours", boxes, truth).interval
    assert 44 < low < 46.5
    assert 53.5 < high < 56


def test_nothing_to_score_is_the_users_to_mend():
    with pytest.raises(UserError, match="No picture has a true box"):
        score_boxes("ours", np.ones((2, 4)), (NONE, NONE))


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
    }
    assert "corloc" not in found
    fitted = as_json("tiny-imagenet:bird", 150, ROWS, ROWS[:1])["corloc"]
    assert fitted == [{"name": "default", "corloc": 66.67, "interval": [50.13, 80.0]}]


def test_the_table_shows_every_score_and_marks_labels_and_oracles():
    out = StringIO()
    title = "tiny-imagenet:bear: 150 pictures"  # ":bear:" is no picture of a bear
    print_table(ROWS, title, ROWS[:1], Console(file=out, width=80))
    lines = out.getvalue().splitlines()
    ours = next(line for line in lines if "default" in line)
    fitted = next(line for line in lines if "fitted-box" in line)
    for text in ("66.7 (50.1–80.0)", "25.0 (9.0–41.0)", "48.3 (40.0–55.5)"):
        assert text in ours
    assert "*" not in ours
    assert "†" not in ours
    assert "fitted-box*†" in fitted
    assert any(title in line for line in lines)
    assert any(line.startswith("* uses labels") for line in lines)
    assert any(line.startswith("† oracle") for line in lines)
    assert any("CorLoc" in line and "default 66.7 (50.1–80.0)" in line for line in lines)


def test_every_interval_is_of_its_own_score():
    # IoU 0.8 and 0.6 in turn: all above 0.5, half above 0.7, and a mean of 0.7.
    boxes = np.tile([0.0, 0.0, 10.0, 10.0], (400, 1))
    truth = tuple(np.array([[0, 0, 10.0, height]]) for height in (8, 6) * 200)
    row = score_boxes("ours", boxes, truth)
    assert row.interval == (100, 100)
    assert 44 < row.interval_70[0] < 46.5 < 53.5 < row.interval_70[1] < 56
    assert 68.9 < row.interval_iou[0] < 69.5 < 70.5 < row.interval_iou[1] < 71.1
