"""The commands that measure: evaluate, and evaluate-heatmaps of saved ones."""

import json
import re
from dataclasses import replace

import numpy as np
import pytest

from cli_runs import SIZES, evaluate, localize
from ganloc import cli, evaluation
from ganloc.images.source import load_images
from ganloc.metrics.rows import as_json
from ganloc.model import Model

ROW = ["name", "uses_labels", "oracle", "gt_known_loc", "interval", "gt_known_loc_70", "mean_iou"]
NAMES = {"default", "plain-cam", "untrained", "whole-image", "centre", "fitted-box"}


def test_evaluate_prints_one_json_object(work, capsys):
    evaluate(work, "--json")
    table = json.loads(capsys.readouterr().out)
    assert list(table) == ["data", "images", "rows", "corloc", "max_box_acc"]
    assert (table["data"], table["images"]) == (str(work / "photos"), 3)
    rows = {row["name"]: row for row in table["rows"]}
    assert len(rows) == len(table["rows"])
    assert set(rows) >= NAMES
    for row in table["rows"]:
        assert list(row) == [*ROW, "interval_70", "interval_iou", "pretrained"]
        low, high = row["interval"]
        assert 0 <= low <= row["gt_known_loc"] <= high <= 100
        assert row["oracle"] is row["pretrained"] is False
        assert row["uses_labels"] is (row["name"] == "fitted-box")
    for best in table["max_box_acc"]:
        assert best["oracle"] is True
        assert 0 <= best["max_box_acc_v2"] <= 100
        if "cam" in best["name"]:  # cut at a ratio of the maximum that is one of the sweep
            assert best["max_box_acc"] >= rows[best["name"]]["gt_known_loc"]
    constant = {"whole-image", "centre", "fitted-box"}
    assert [best["name"] for best in table["max_box_acc"]] == [n for n in rows if n not in constant]
    # The truth is a quarter of two images and the whole third: IoU 1/4, 1/4, 1 of the image,
    # and 16/73 and 16/25 of a centred 0.8 (the overlap is 0.4² of 0.25 + 0.64 − 0.16).
    whole, centre = rows["whole-image"], rows["centre"]
    assert (whole["gt_known_loc"], whole["gt_known_loc_70"]) == (33.33, 33.33)
    assert whole["mean_iou"] == 50.0
    assert (centre["gt_known_loc"], centre["gt_known_loc_70"]) == (33.33, 0.0)
    assert centre["mean_iou"] == pytest.approx(100 * (16 / 73 * 2 + 0.64) / 3, abs=0.01)


@pytest.mark.parametrize(
    ("row", "options"), [("default", []), ("plain-cam", ["--plain-cam"])], ids=["default", "plain"]
)
def test_saved_heatmaps_measure_as_their_model_s_whole_images(row, options, tmp_path, work, capsys):
    localize(work, tmp_path / "boxes.json", "--heatmaps", str(tmp_path / "maps.npz"), *options)
    truth, photos = work / "truth.json", str(work / "photos")
    images = replace(load_images(photos, 32, truth=truth), archive=None)  # no crops to refine by
    rows = evaluation.evaluate(Model.load(work / "run" / "model.safetensors"), images)
    expected = as_json(photos, len(images), rows)
    capsys.readouterr()
    where = [str(tmp_path / "maps.npz"), photos, "--truth", str(truth)]
    cli.main(["evaluate-heatmaps", *where, "--json"])
    found = json.loads(capsys.readouterr().out)
    assert list(found) == ["data", "images", "rows", "max_box_acc"]
    assert (found["data"], found["images"]) == (expected["data"], expected["images"])
    reading = found["rows"][0]["name"]
    assert [r["name"] for r in found["rows"]] == [reading, "whole-image", "centre"]
    rows = {r["name"]: r for r in expected["rows"]}
    assert found["rows"] == [
        {**rows[row], "name": reading},
        rows["whole-image"],
        rows["centre"],
    ]
    best = {r["name"]: r for r in expected["max_box_acc"]}
    assert found["max_box_acc"] == [{**best[row], "name": reading}]
    cli.main(["evaluate-heatmaps", *where, "--threshold", "0.2"])
    output, errors = capsys.readouterr()
    assert "3 images" in output
    assert "MaxBoxAccV2" in output
    assert errors == ""


def test_any_heatmaps_are_measured_with_a_threshold_of_one_s_own(tmp_path, work, capsys):
    heatmaps = np.zeros((3, 4, 4), np.float16)
    for side, value in [(3, 0.25), (2, 0.5), (1, 1.0)]:
        heatmaps[:, :side, :side] = value
    np.savez(tmp_path / "maps.npz", names=np.array(list(SIZES)), sizes=list(SIZES.values()),
             heatmaps=heatmaps, reading="mine", threshold=0.2, otsu=False)  # fmt: skip
    command = ["evaluate-heatmaps", str(tmp_path / "maps.npz"), str(work / "photos")]
    found = []
    for options in ([], ["--threshold", "0.3"]):
        cli.main([*command, "--truth", str(work / "truth.json"), "--json", *options])
        table = json.loads(capsys.readouterr().out)
        found.append(table["rows"][0]["mean_iou"])
    # Truth: two quarters and a whole. 3 × 3 cells: 4/9, 4/9, 9/16; 2 × 2 cells: 1, 1, 1/4.
    assert found == [pytest.approx(100 * (8 / 9 + 9 / 16) / 3, abs=0.01), 75.0]
    best = table["max_box_acc"]
    assert [(b["name"], b["max_box_acc"], b["threshold"]) for b in best] == [("mine", 66.67, 0.25)]


@pytest.mark.parametrize("columns", ["80", "120"])
def test_evaluate_prints_a_table_with_whole_names(columns, work, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", columns)
    evaluate(work)
    output, errors = capsys.readouterr()
    assert all(re.search(rf"\b{name}\b", output) for name in NAMES)
    assert "33.3" in output
    assert re.search(r"^MaxBoxAcc \(oracle threshold\): default \d", output, re.MULTILINE)
    assert "{" not in output
    assert errors == ""
