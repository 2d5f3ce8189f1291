"""Arms, their scores and the script, with trainings of a few iterations of two channels."""

import json
import shutil
import signal

import arms
import choices
import numpy as np
import pytest
import torch
from arms import SIZE, Arm, folder_of, trained_run
from checkpoint_ious import Scored, chosen
from questions import LADDER
from rivals import trained
from rivals.setting import Setting
from sets import load_set

from ganloc import training
from ganloc.box.iou import best_iou
from ganloc.checkpoints.run import Run
from ganloc.errors import UserError
from ganloc.evaluation import untrained_model
from ganloc.heatmap.readings import DEFAULT
from ganloc.images.image_set import ImageSet
from ganloc.images.tiny_imagenet import SETS
from ganloc.model import Model
from ganloc.paper.results import read_rows
from ganloc.training import Stopped
from run_folders import assert_same_weights, logged
from tiny_archives import make_tiny_imagenet

CPU = torch.device("cpu")
pytestmark = pytest.mark.usefixtures("one_thread")
TINY = {"generator_width": 2, "discriminator_width": 2, "latent": 4, "batch": 2}
BORDER = {**TINY, "adversarial_weight": 0.0, "border_weight": 1.0}


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    path = tmp_path_factory.mktemp("archive") / "tiny.zip"
    return make_tiny_imagenet(path, (*SETS["butterfly"], *SETS["bottle"]), train=3, val=2)


@pytest.fixture(scope="module")
def images(archive):
    """To train on, and to score on."""
    return load_set("butterfly", 64, archive, {})


@pytest.fixture(scope="module", autouse=True)
def tiny(one_thread):
    """Two arms, with a checkpoint every two iterations."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(arms, "EVERY", 2)
        patch.setattr(training, "CHECKPOINT_EVERY", 2)
        patch.setattr(training, "LOG_EVERY", 1)
        patch.setattr(training, "GRIDS", 1)
        for name in list(arms.ARMS):
            patch.delitem(arms.ARMS, name)
        patch.setitem(arms.ARMS, "pretext", Arm(BORDER, iterations=4, seeds=(0, 1)))
        patch.setitem(arms.ARMS, "both", Arm({**TINY, "border_weight": 1.0}, 2, seeds=(0,)))
        yield


@pytest.fixture(scope="module")
def trained_once(tiny, images, tmp_path_factory):
    """A folder with the border arm of seed 0 in it."""
    runs = tmp_path_factory.mktemp("runs")
    trained_run(runs, "pretext", "butterfly", 0, images[0])
    return runs


@pytest.fixture
def run(trained_once, tmp_path):
    """That run, in a folder that a test may write to."""
    folder = folder_of(tmp_path, "pretext", "butterfly", 0, SIZE)
    shutil.copytree(folder_of(trained_once, "pretext", "butterfly", 0, SIZE), folder)
    return Run(folder)


def stop_at(iteration, monkeypatch):
    """Ctrl-C after this iteration of every training of an arm; the iterations that were seen."""
    seen = []

    def progress(done, line):
        seen.append(done)
        if done == iteration:
            signal.raise_signal(signal.SIGINT)

    def train_run(*given, **named):
        return training.train_run(*given, **named, progress=progress)

    monkeypatch.setattr(arms, "train_run", train_run)
    return seen


def no_training(monkeypatch):
    def train_run(*given, **named):
        raise AssertionError("trained again")

    monkeypatch.setattr(arms, "train_run", train_run)


def test_checkpoints_of_an_arm_end_with_its_last_iteration(monkeypatch):
    monkeypatch.setattr(arms, "EVERY", 250)
    assert Arm(iterations=600).checkpoints == [0, 250, 500, 600]
    assert Arm(iterations=500).checkpoints == [0, 250, 500]
    recipe = Arm(BORDER, iterations=7).recipe(seed=5, size=32)
    assert (recipe.seed, recipe.iterations, recipe.border_weight) == (5, 7, 1.0)
    assert not recipe.select


def test_an_arm_goes_on_where_it_was_stopped(run, tmp_path, images, monkeypatch):
    straight, train = run, images[0]
    assert [straight.milestone(i).exists() for i in (2, 4)] == [True, True]
    runs = tmp_path / "stopped"
    stop_at(3, monkeypatch)
    with pytest.raises(Stopped):
        trained_run(runs, "pretext", "butterfly", 0, train)
    seen = stop_at(None, monkeypatch)
    run = trained_run(runs, "pretext", "butterfly", 0, train)
    assert seen == [4]
    assert logged(run) == [1, 2, 3, 4]
    assert_same_weights(run, straight)
    no_training(monkeypatch)
    assert trained_run(runs, "pretext", "butterfly", 0, train) == run


def test_an_arms_folder_is_not_gone_on_with_in_another_way(trained_once, images, monkeypatch):
    train, test = images
    with pytest.raises(UserError, match="trained on other images"):
        trained_run(trained_once, "pretext", "butterfly", 0, test)
    changed = Arm({**BORDER, "border_weight": 2.0}, iterations=4)
    monkeypatch.setitem(arms.ARMS, "pretext", changed)
    with pytest.raises(UserError, match=r"--border-weight was 1\.0"):
        trained_run(trained_once, "pretext", "butterfly", 0, train)


def scored(run, images, iterations=(0, 2, 4)):
    return Scored(run, "pretext", "butterfly", 0, iterations, *images)


def test_scores_are_those_of_the_checkpoints_and_kept(run, images, monkeypatch):
    first = scored(run, images)
    assert first.train.truth is None
    train, test = images
    models = [
        untrained_model(Model.load(run.model), train),
        Model.load(run.milestone(2)),
        Model.load(run.milestone(4)),
    ]
    expected = [
        best_iou(model.localize(test, reading).boxes, test.truth)
        for model in models
        for reading in ("plain-cam", DEFAULT)
    ]
    asked = [(index, reading) for index in range(3) for reading in ("plain-cam", DEFAULT)]
    found = [first.ious(*each) for each in asked]
    np.testing.assert_allclose(found, expected, atol=6e-5)
    signals = [each.to_dict() for each in first.signals()]
    assert len(signals) == 3
    assert signals[0]["agreement"] is None
    assert signals[1]["agreement"] is not None  # with the boxes of the checkpoint before
    assert chosen(first) == 1 + max((0, 1), key=lambda i: (signals[i + 1]["separation"], i))

    monkeypatch.setattr(Scored, "model", None)
    again = scored(run, images)
    np.testing.assert_array_equal([again.ious(*each) for each in asked], found)
    assert [each.to_dict() for each in again.signals()] == signals
    with pytest.raises(TypeError):
        again.ious(1, "cam")  # which was not worked out


def test_signals_of_fewer_checkpoints_are_measured_again(run, images):
    assert len(scored(run, images, (0, 2)).signals()) == 2
    assert len(scored(run, images).signals()) == 3


def test_images_without_a_true_box_are_not_scored(run, images):
    train, test = images
    truth = (np.empty((0, 4)), *test.truth[1:])
    partly = ImageSet(test.pixels, test.names, test.sizes, truth)
    expected = scored(run, images).ious(2, DEFAULT)[1:]
    (run.folder / "scores.json").unlink()
    np.testing.assert_array_equal(scored(run, (train, partly)).ious(2, DEFAULT), expected)


def test_the_trained_rival_is_the_same_with_and_without_a_folder(
    run, tmp_path, images, monkeypatch
):
    train, test = (each.unlabelled() for each in images)

    def boxes(seed, runs):
        setting = Setting("butterfly", seed, CPU, runs=runs)
        return trained.boxes(train, test, setting, "pretext", DEFAULT)

    fresh = boxes(1, tmp_path)
    assert (tmp_path / "pretext" / "butterfly-1" / "model.safetensors").exists()
    no_training(monkeypatch)
    found = boxes(0, tmp_path)  # of the run that is there already
    np.testing.assert_array_equal(boxes(0, None), found)
    assert (found != fresh).any()


def call(tmp_path, archive, *options):
    folders = ("--runs", tmp_path / "runs", "--results", tmp_path)
    code = choices.main([*map(str, ("--data", archive, *folders, *options))])
    path = tmp_path / "choices.json"
    return code, read_rows(path) if path.exists() else []


def test_the_script_answers_all_questions_and_trains_once(
    tmp_path, archive, images, monkeypatch, capsys
):
    code, rows = call(tmp_path, archive, "--sets", "butterfly")
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
    ious = best_iou(np.tile([6.4, 6.4, 57.6, 57.6], (4, 1)), images[1].truth)
    assert found["rival", "centre"]["gt_known_loc"] == 100 * (ious > 0.5).mean()
    assert list(found["training", "pretext"]["gains"]) == ["plain-cam", *rivals]
    assert [found["training", arm]["seeds"] for arm in ("pretext", "both")] == [2, 1]
    verdicts = ("hit", "false-alarm", "miss", "correct-rejection")
    assert sum(found["trust", "verdict"][name] for name in verdicts) == 3 + 3 + 2
    printed = capsys.readouterr().out
    assert printed.count("| --- |") == 4

    no_training(monkeypatch)
    monkeypatch.setattr(Scored, "model", None)
    assert call(tmp_path, archive, "--sets", "butterfly") == (0, rows)


def test_a_stopped_script_goes_on(tmp_path, archive, monkeypatch, capsys):
    options = ("--sets", "butterfly", "--arms", "both")
    stop_at(1, monkeypatch)
    assert call(tmp_path, archive, *options) == (130, [])
    assert "the same command goes on" in capsys.readouterr().out
    seen = stop_at(None, monkeypatch)
    code, rows = call(tmp_path, archive, *options)
    assert (code, seen) == (0, [2])
    assert json.loads((tmp_path / "choices.json").read_text())["command"] == choices.COMMAND
    assert rows


@pytest.mark.parametrize("name", ["bottle", "butterfly,bottle", SETS["bottle"][1]])
def test_the_papers_sets_are_refused_before_anything_is_trained(tmp_path, archive, capsys, name):
    assert call(tmp_path, archive, "--sets", "butterfly", name) == (2, [])
    assert not (tmp_path / "runs").exists()
    assert f"{name} belongs to the paper's six sets" in capsys.readouterr().out


def test_an_archive_that_is_not_there(tmp_path, capsys):
    assert call(tmp_path, tmp_path / "none.zip", "--sets", "butterfly") == (2, [])
    assert "none.zip" in capsys.readouterr().out
