"""The script of label-free choices, with trainings of a few iterations of two channels."""

import json
from functools import partial

import choices
import evaluated_run
import numpy as np
import pytest
from arms import trained_run
from questions import LADDER

from ganloc.box.iou import best_iou
from ganloc.images.tiny_imagenet import SETS
from ganloc.paper.results import read_rows
from run_folders import stop_at

pytestmark = pytest.mark.usefixtures("tiny_arms")


def call(tmp_path, archive, *options):
    folders = ("--runs", tmp_path / "runs", "--results", tmp_path)
    code = choices.main([*map(str, ("--data", archive, *folders, *options))])
    path = tmp_path / "choices.json"
    return code, read_rows(path) if path.exists() else []


def written(folder):
    """When each file below a folder was last written."""
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}


def test_the_script_answers_all_questions_and_trains_once(
    tmp_path, butterflies_and_bottles, butterflies, capsys
):
    code, rows = call(tmp_path, butterflies_and_bottles, "--sets", "butterfly")
    assert code == 0
    rivals = ["untrained", "whole-image", "centre", "colour-contrast-centre"]
    assert [(row["question"], row["name"]) for row in rows] == [
        *(("training", name) for name in ("pretext", "both")),
        *(("rival", name) for name in rivals),
        *(("reading", name) for name in LADDER),
        *(("checkpoint", name) for name in ("pretext", "both")),
        ("trust", "verdict"),
    ]
    found = {(row["question"], row["name"]): row for row in rows}
    ious = best_iou(np.tile([6.4, 6.4, 57.6, 57.6], (4, 1)), butterflies[1].truth)
    assert found["rival", "centre"]["gt_known_loc"] == 100 * (ious > 0.5).mean()
    assert list(found["training", "pretext"]["gains"]) == ["plain-cam", *rivals]
    assert [found["training", arm]["seeds"] for arm in ("pretext", "both")] == [2, 1]
    verdicts = ("hit", "false-alarm", "miss", "correct-rejection")
    assert sum(found["trust", "verdict"][name] for name in verdicts) == 3 + 3 + 2
    printed = capsys.readouterr().out
    assert printed.count("| --- |") == 4

    before = written(tmp_path / "runs")
    assert call(tmp_path, butterflies_and_bottles, "--sets", "butterfly") == (0, rows)
    assert written(tmp_path / "runs") == before


def test_a_stopped_script_goes_on(tmp_path, butterflies_and_bottles, monkeypatch, capsys):
    options = ("--sets", "butterfly", "--arms", "both")

    def watched(progress):
        monkeypatch.setattr(evaluated_run, "trained_run", partial(trained_run, progress=progress))

    watched(stop_at(1))
    assert call(tmp_path, butterflies_and_bottles, *options) == (130, [])
    assert "the same command goes on" in capsys.readouterr().out
    seen = []
    watched(lambda iteration, line: seen.append(iteration))
    code, rows = call(tmp_path, butterflies_and_bottles, *options)
    assert (code, seen) == (0, [2])
    assert json.loads((tmp_path / "choices.json").read_text())["command"] == choices.COMMAND
    assert rows


@pytest.mark.parametrize("name", ["bottle", "butterfly,bottle", SETS["bottle"][1]])
def test_the_papers_sets_are_refused_before_anything_is_trained(
    tmp_path, butterflies_and_bottles, capsys, name
):
    assert call(tmp_path, butterflies_and_bottles, "--sets", "butterfly", name) == (2, [])
    assert not (tmp_path / "runs").exists()
    assert f"{name} belongs to the paper's six sets" in capsys.readouterr().out


def test_an_archive_that_is_not_there(tmp_path, capsys):
    assert call(tmp_path, tmp_path / "none.zip", "--sets", "butterfly") == (2, [])
    assert "none.zip" in capsys.readouterr().out
