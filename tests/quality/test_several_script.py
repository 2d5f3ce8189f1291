"""The script that asks what is found where images hold several objects."""

from dataclasses import replace

import composites
import numpy as np
import pytest
import render_several
from test_hints_script import TINY

import several as script
from ganloc.paper.results import read_rows
from ganloc.several import learn_several


@pytest.fixture
def tiny(monkeypatch):
    """Few small images, and trainings of a few steps."""
    monkeypatch.setattr(composites, "SIDE", 64)
    monkeypatch.setattr(script, "SIZE", 32)
    monkeypatch.setattr(script, "HINTS", 2)
    monkeypatch.setattr(script, "HINTED", ("counts-plain",))
    monkeypatch.setattr(learn_several, "DRAWN_STEPS", 1)
    monkeypatch.setattr(learn_several, "FINAL_STEPS", 1)

    def recipe(preset, size, several, seed):
        return replace(TINY, several=several, seed=seed)

    monkeypatch.setattr(script, "make_recipe", recipe)
    for name, own in composites.COUNTS.items():
        monkeypatch.setitem(composites.COMPOSITES, name, replace(own, images=8))


@pytest.mark.filterwarnings("ignore:Colours show no several objects")
def test_rows_of_each_method_are_measured_once(tiny, tmp_path, capsys, one_thread):
    options = ["--results", str(tmp_path), "--runs", str(tmp_path / "runs")]
    options += ["--sets", "counts-plain", "--seeds", "0", "1", "--draws", "0", "1"]
    assert script.main(options) == 0
    rows = {(r["method"], r["seed"], r["draw"]): r for r in read_rows(tmp_path / "several.json")}
    assert set(rows) == {
        *(("label-free", 0, 0), ("label-free", 1, 0), ("ten hints", 0, 0), ("ten hints", 0, 1)),
        *(("one box", 0, 0), ("whole image", 0, 0), ("colour contrast", 0, 0)),
    }
    for (method, _, _), row in rows.items():
        assert row["images"] == (6 if method == "ten hints" else 8)  # hinted ones are not scored
        assert ("candidates" in row) == (method in ("label-free", "ten hints"))
        for part in (row, row.get("candidates", row)):
            low, high = part["interval"]
            assert 0 <= low <= high <= 100
    assert rows["one box", 0, 0]["count_error"] == rows["whole image", 0, 0]["count_error"]
    assert "| counts-plain | ten hints | 2 | " in capsys.readouterr().out
    made = (tmp_path / "several.json").stat().st_mtime_ns
    assert script.main(options) == 0
    assert (tmp_path / "several.json").stat().st_mtime_ns == made


def test_a_set_that_is_not_given_is_refused(tmp_path, capsys):
    assert script.main(["--sets", "blood", "--runs", str(tmp_path)]) == 2
    assert "blood is no set here" in capsys.readouterr().out


def test_components_of_colour_contrast():
    heatmap = np.zeros((2, 8, 8))
    heatmap[0, 1:3, 1:5] = 0.5
    heatmap[0, 5:7, 6:8] = 1.0
    image, boxes, scores = script.contrast_components(heatmap)
    assert image.tolist() == [0, 0]
    assert (boxes * 8).tolist() == [[1.0, 1.0, 5.0, 3.0], [6.0, 5.0, 8.0, 7.0]]
    assert scores.tolist() == [0.5, 1.0]


def test_the_table_shows_means_over_seeds():
    values = {"ap": 10.0, "average_recall": 20.0}
    own = {**values, "ap_50": 30.0, "interval": [28.0, 33.0], "count_error": 1.5, "right_count": 50}
    row = {"set": "blood", "method": "label-free", "seed": 0, **own, "candidates": own}
    rows = [row, {**row, "seed": 1, "ap_50": 40.0, "interval": [38.0, 43.0]}]
    rows.append({"set": "blood", "method": "whole image", "seed": 0, **own})
    first, second = render_several.several(rows).splitlines()[-2:]
    every, delivered = "30.0 (28.0–33.0) | 10.0 | 20.0", "35.0 (33.0–38.0) | 10.0 | 20.0"
    assert first == f"| blood | label-free | 2 | {every} | {delivered} | 1.5 | 50.0 |"
    plain = "30.0 (28.0–33.0) | 10.0 | 20.0"
    assert second == f"| blood | whole image | 1 |  |  |  | {plain} | 1.5 | 50.0 |"
    assert render_several.several([]) == ""
