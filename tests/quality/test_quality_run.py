"""The script: what is evaluated on what, what is refused, what is skipped, what is kept."""

import argparse
import sys

import numpy as np
import pytest
import run as script
import torch
from compared_readings import COMPARED
from PIL import Image
from rivals.setting import Setting
from stages import STAGES, Stage, run_stage
from thin_squeezenet import write_thin

from ganloc.box.detections import Detections
from ganloc.box.formats import write_coco
from ganloc.box.iou import best_iou
from ganloc.images.folder import load_folder
from ganloc.images.tiny_imagenet import SETS, load_tiny_imagenet
from ganloc.metrics.baselines import cross_fitted_box
from ganloc.paper.results import read_rows
from tiny_archives import make_tiny_imagenet

CHEAP = ("whole-image", "fitted-box", "untrained-sn-dcgan-plain-cam", "ddt-squeezenet-fire9")


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    path = tmp_path_factory.mktemp("archive") / "tiny.zip"
    return make_tiny_imagenet(path, (*SETS["bear"], *SETS["bottle"]), train=4, val=3)


def call(results, *options):
    code = script.main([*map(str, options), "--results", str(results), "--device", "cpu"])
    path = results / "quality.json"
    return code, read_rows(path) if path.exists() else []


def make_folder(folder, count=11):
    """Dark images, and one box in each; gives their sizes and truth."""
    random = np.random.default_rng(0)
    (folder / "images").mkdir(parents=True)
    for number, (width, height) in enumerate(random.integers(40, 80, (count, 2))):
        Image.new("RGB", (width, height), (9, 9, 9)).save(folder / f"images/{number:02}.png")
    images = load_folder(folder, 32)
    low = random.uniform(0.1, 0.3, (count, 2))
    boxes = np.concatenate([low, low + random.uniform(0.2, 0.6, (count, 2))], axis=1)
    found = Detections.one_each(boxes, np.ones((count, 32, 32), np.float32), np.ones(count))
    write_coco(folder / "truth.coco.json", images, found)
    return images.sizes, tuple(images.in_pixels(boxes).round(2)[:, None])


def test_rows_of_a_set_with_a_split(archive, tmp_path, capsys):
    weights = write_thin(tmp_path / "weights.safetensors")
    options = ("--data", archive, "--sets", "bear", "--squeezenet", weights, "--stages", *CHEAP)
    code, rows = call(tmp_path, *options)
    assert code == 0
    assert [row["seed"] for row in rows] == [0, 0, 0, 1, 2, 0]
    assert [row["stage"] for row in rows if row["uses_labels"]] == ["fitted-box"]
    assert [row["stage"] for row in rows if row["pretrained"]] == ["ddt-squeezenet-fire9"]
    test = load_tiny_imagenet(archive, "bear", "test")
    assert test.truth is not None
    ious = best_iou(np.tile([0, 0, 64.0, 64.0], (9, 1)), test.truth)
    whole = rows[0]
    assert whole["set"] == "bear"
    assert whole["images"] == 9
    assert whole["gt_known_loc"] == pytest.approx(100 * (ious > 0.5).mean(), abs=0.01)
    assert whole["mean_iou"] == pytest.approx(100 * ious.mean(), abs=0.01)
    asked = "set stage seed uses_labels oracle pretrained gt_known_loc gt_known_loc_70 mean_iou"
    for row in rows:
        assert set(row) >= {*asked.split(), "minutes", "interval", "interval_70", "interval_iou"}
        assert row["interval"][0] <= row["gt_known_loc"] <= row["interval"][1]
    printed = capsys.readouterr().out
    assert "bear untrained-sn-dcgan-plain-cam 2:" in printed
    assert "fitted-box*" in printed


def test_a_finished_row_is_not_worked_out_again(archive, tmp_path):
    options = ("--data", archive, "--sets", "bear", "--stages", "whole-image", "centre")
    _, first = call(tmp_path, *options[:-1])
    path = tmp_path / "quality.json"
    path.write_text(path.read_text().replace('"mean_iou": ', '"mean_iou": 100'))
    changed = read_rows(path)
    assert changed != first
    assert call(tmp_path, *options[:-1]) == (0, changed)
    _, second = call(tmp_path, *options)
    assert [row["stage"] for row in second] == ["whole-image", "centre"]
    assert second[0] == changed[0]


@pytest.mark.parametrize("name", ["bottle", "bear,bottle", SETS["bottle"][1]])
def test_the_papers_sets_are_refused_without_exam(archive, tmp_path, capsys, name):
    options = ("--data", archive, "--sets", name, "--stages", "centre")
    assert call(tmp_path, *options) == (2, [])
    assert "give --exam" in capsys.readouterr().out
    code, rows = call(tmp_path, *options, "--exam")
    assert code == 0
    assert rows[0]["set"] == name


def test_by_default_the_sets_are_what_is_given_and_never_the_papers(tmp_path, capsys):
    given = argparse.Namespace(data="tiny.zip", sets=None, exam=False)
    expected = ["insect", "butterfly", "bear", "ape", "boat", "fruit", "cells"]
    assert script.chosen_sets(given, {"cells": tmp_path}) == expected
    without = argparse.Namespace(data=None, sets=None, exam=False)
    assert script.chosen_sets(without, {"cells": tmp_path}) == ["cells"]
    assert call(tmp_path, "--stages", "centre")[0] == 2
    assert "There are no images" in capsys.readouterr().out


def test_what_is_missing_is_skipped_with_one_line(archive, tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "cv2", None)
    stages = ("grabcut", "ddt-squeezenet-fire8", "centre")
    code, rows = call(tmp_path, "--data", archive, "--sets", "bear", "--stages", *stages)
    assert code == 0
    assert [row["stage"] for row in rows] == ["centre"]
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "grabcut is skipped: the package cv2 is not installed."
    assert lines[1] == "ddt-squeezenet-fire8 is skipped: no --squeezenet."


def test_a_folder_is_evaluated_on_itself_and_its_fitted_box_cross_fitted(tmp_path):
    sizes, truth = make_folder(tmp_path / "cells")
    code, rows = call(tmp_path, "--cells", tmp_path / "cells", "--stages", "centre", "fitted-box")
    assert code == 0
    assert {row["set"] for row in rows} == {"cells"}
    expected = best_iou(cross_fitted_box(truth, sizes), truth)
    assert rows[1]["mean_iou"] == pytest.approx(100 * expected.mean(), abs=0.01)
    assert rows[1]["gt_known_loc"] == pytest.approx(100 * (expected > 0.5).mean(), abs=0.01)


def test_missing_files_give_one_sentence(tmp_path, capsys):
    (tmp_path / "cells").mkdir()
    assert call(tmp_path, "--cells", tmp_path / "cells")[0] == 2
    assert "No images in" in capsys.readouterr().out
    assert call(tmp_path, "--sets", "bear")[0] == 2
    assert "bear needs --data" in capsys.readouterr().out


@pytest.mark.parametrize("uses_labels", [False, True])
def test_no_rival_sees_the_truth_that_it_is_evaluated_on(archive, uses_labels):
    train, test = (load_tiny_imagenet(archive, "bear", split) for split in ("train", "test"))
    calls = []

    def spy(train, test, setting):
        calls.append((train, test))
        return np.tile([0, 0, 64.0, 64.0], (len(test), 1))

    stage = Stage(spy, uses_labels=uses_labels)
    setting = Setting("bear", 0, torch.device("cpu"))
    run_stage(stage, train, test, setting)
    run_stage(stage, None, test, setting)
    assert len(calls) == (6 if uses_labels else 2)
    for given, shown in calls:
        assert shown.truth is None
        assert shown.labels is None
        assert (given.truth is not None) == uses_labels
    if uses_labels:
        for given, shown in calls[1:]:
            assert not set(given.names) & set(shown.names)
        assert sorted(n for _, shown in calls[1:] for n in shown.names) == sorted(test.names)


def test_every_reading_of_the_default_untrained_network_is_a_rival():
    for reading in COMPARED:
        assert STAGES[f"untrained-dcgan-{reading}"].seeds == (0, 1, 2)
