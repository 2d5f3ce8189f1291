"""The script that asks how large boxes are beside the true ones."""

import sys
from dataclasses import replace
from pathlib import Path

import composites
import numpy as np
import pytest
import render_sizes
import sizes as script
from test_hints_script import TINY

from ganloc.paper.results import read_rows

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))
from draw_sizes import draw_sizes
from figure_page import save


@pytest.fixture
def tiny(monkeypatch):
    """Few small images, and trainings of a few steps."""
    monkeypatch.setattr(composites, "SIDE", 80)
    monkeypatch.setattr(script, "SIZE", 32)
    monkeypatch.setattr(script, "make_recipe", lambda preset, size, seed: replace(TINY, seed=seed))
    for name, own in composites.SIZES.items():
        monkeypatch.setitem(composites.COMPOSITES, name, replace(own, images=6))


def test_rows_are_measured_once_and_drawn(tiny, tmp_path, capsys, one_thread):
    options = ["--results", str(tmp_path), "--runs", str(tmp_path / "runs"), "--seeds", "0", "1"]
    options += ["--sets", "size-0.3"]
    assert script.main(options) == 0
    rows = read_rows(tmp_path / "sizes.json")
    found = [(row["set"], row["seed"]) for row in rows]
    assert found == [("size-0.3", 0), ("size-0.3", 1)]
    for row in rows:
        for method in render_sizes.METHODS:
            assert sum(one["count"] for one in row[method]) == row["images"] == 6
    assert rows[0]["centre"] == rows[1]["centre"]
    assert "| size-0.3 | 0.27–0.4 | " in capsys.readouterr().out
    made = (tmp_path / "sizes.json").stat().st_mtime_ns
    assert script.main(options) == 0
    assert (tmp_path / "sizes.json").stat().st_mtime_ns == made
    rows += [{**row, "set": "sizes"} for row in rows]
    save(tmp_path / "sizes.png", draw_sizes(rows))
    save(tmp_path / "again.png", draw_sizes(rows))
    assert (tmp_path / "sizes.png").read_bytes() == (tmp_path / "again.png").read_bytes()


def test_a_folder_of_several_objects_is_refused(tmp_path, capsys):
    assert script.main(["--sets", "counts", "--runs", str(tmp_path)]) == 2
    assert "counts is no folder of one object" in capsys.readouterr().out


def test_bins_ratios_and_hits():
    true = np.array([[0.0, 0.0, 0.1, 0.1], [0.0, 0.0, 0.1, 0.1], [0.2, 0.2, 0.7, 0.7]])
    found = np.array([[0.0, 0.0, 0.2, 0.2], [0.0, 0.0, 0.1, 0.1], [0.2, 0.2, 0.7, 0.6]])
    small, large = script.by_size(found, true)
    assert (small["from"], small["to"], small["count"]) == (0.08, 0.12, 2)
    assert small["ratio"] == pytest.approx(np.sqrt(2 * 1), abs=1e-4)
    assert (small["hit"], small["hit_70"]) == (50.0, 50.0)
    assert large["side"] == pytest.approx(0.5, abs=1e-4)
    assert large["ratio"] == pytest.approx(np.sqrt(0.8), abs=1e-4)  # IoU 0.8
    assert (large["hit"], large["hit_70"]) == (100.0, 100.0)


def test_ends_of_the_bins_belong_to_them():
    sides = np.array([script.EDGES[0], script.EDGES[-1]])
    true = np.stack([0 * sides, 0 * sides, sides, sides], axis=1)
    assert [one["from"] for one in script.by_size(true, true)] == [0.03, 0.6]


def one_bin(ratio, hit):
    own = {"from": 0.08, "to": 0.12, "count": 3, "side": 0.1, "quartiles": [1, 1]}
    return [{**own, "ratio": ratio, "hit": hit, "hit_70": hit / 2}]


def test_the_table_and_the_points_are_means_over_seeds():
    first = {method: one_bin(0.5, 20.0) for method in render_sizes.METHODS}
    second = {method: one_bin(2.0, 40.0) for method in render_sizes.METHODS}
    rows = [{"set": "sizes", "seed": 0, **first}, {"set": "sizes", "seed": 1, **second}]
    line = render_sizes.sizes(rows).splitlines()[-1]
    assert line == "| sizes | 0.08–0.12 | 3 |" + " 1.00: 30 / 15 |" * 4
    assert render_sizes.points(rows, "sizes", "refined") == [(0.1, pytest.approx(0.1))]
    assert render_sizes.points(rows[1:], "sizes", "student") == [(0.1, pytest.approx(0.2))]
    assert render_sizes.points(rows, "other", "refined") == []
    assert render_sizes.sizes([]) == ""
