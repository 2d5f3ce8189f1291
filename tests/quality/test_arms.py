"""Arms: what they train, how a run is resumed, and how its checkpoints are evaluated."""

import json
import shutil
from dataclasses import replace

import arms
import numpy as np
import pytest
import torch
from arms import SIZE, Arm, folder_of, trained_run
from compared_readings import DDT, reading_boxes
from evaluated_run import FILE, EvaluatedRun
from rivals import trained
from rivals.setting import Setting

from ganloc.box.iou import best_iou
from ganloc.checkpoints.hooks import Cadence
from ganloc.checkpoints.run import Run
from ganloc.errors import Stopped, UserError
from ganloc.evaluation import untrained_model
from ganloc.heatmap.readings import DISCRIMINATOR_READING
from ganloc.model import Model
from run_folders import assert_same_weights, logged, stop_at

CPU = torch.device("cpu")
pytestmark = pytest.mark.usefixtures("tiny_arms")


@pytest.fixture
def run(finished_runs, tmp_path):
    """The finished run, in a folder that a test may write to."""
    folder = folder_of(tmp_path, "pretext", "butterfly", 0, SIZE)
    shutil.copytree(folder_of(finished_runs, "pretext", "butterfly", 0, SIZE), folder)
    return Run(folder)


def evaluated(run, images, iterations=(0, 2, 4)):
    return EvaluatedRun(run, "pretext", "butterfly", 0, iterations, *images)


def test_checkpoints_of_an_arm_end_with_its_last_iteration():
    assert Arm(iterations=600).checkpoints == [0, 250, 500, 600]
    assert Arm(iterations=500).checkpoints == [0, 250, 500]
    assert Arm(iterations=3, cadence=Cadence(checkpoint=2)).checkpoints == [0, 2, 3]


def test_an_arm_changes_the_default_preset_and_trains_no_student():
    recipe = Arm({"border_weight": 2.0}, iterations=7).recipe(seed=5, size=32)
    assert (recipe.seed, recipe.size, recipe.iterations) == (5, 32, 7)
    assert recipe.border_weight == 2.0
    assert not recipe.select
    assert recipe.student_iterations == 0


def test_a_stopped_arm_is_resumed(run, tmp_path, butterflies):
    straight, (train, _) = run, butterflies
    assert [straight.milestone(i).exists() for i in (2, 4)] == [True, True]

    def go_on(progress):
        return trained_run(tmp_path / "stopped", "pretext", "butterfly", 0, train, progress)

    with pytest.raises(Stopped):
        go_on(stop_at(3))
    seen = []
    stopped = go_on(lambda iteration, line: seen.append(iteration))
    assert seen == [4]
    assert logged(stopped) == [1, 2, 3, 4]
    assert_same_weights(stopped, straight)
    assert go_on(stop_at(1)) == stopped  # finished, so nothing is trained
    assert logged(stopped) == [1, 2, 3, 4]


def test_an_arms_folder_is_not_resumed_in_another_way(finished_runs, butterflies, monkeypatch):
    train, test = butterflies
    with pytest.raises(UserError, match=r"trained on other images \(butterfly, 6\)"):
        trained_run(finished_runs, "pretext", "butterfly", 0, test)
    arm = arms.ARMS["pretext"]
    changed = replace(arm, changes={**arm.changes, "border_weight": 2.0})
    monkeypatch.setitem(arms.ARMS, "pretext", changed)
    with pytest.raises(UserError, match=r"border_weight was 1\.0"):
        trained_run(finished_runs, "pretext", "butterfly", 0, train)


def test_ious_are_those_of_the_checkpoints(run, butterflies):
    train, test = butterflies
    models = [
        untrained_model(Model.load(run.model), train),
        Model.load(run.milestone(2)),
        Model.load(run.milestone(4)),
    ]
    found = evaluated(run, butterflies)
    assert found.train.truth is None
    for index, model in enumerate(models):
        for reading in ("plain-cam", DISCRIMINATOR_READING):
            expected = best_iou(test.in_pixels(model.detect(test, reading).boxes), test.truth)
            np.testing.assert_allclose(found.ious(index, reading), expected, atol=6e-5)
        expected = best_iou(reading_boxes(model, train, test, DDT), test.truth)
        np.testing.assert_allclose(found.ious(index, DDT), expected, atol=6e-5)


def test_the_chosen_checkpoint_has_the_highest_criterion_of_the_trained_ones(run, butterflies):
    found = evaluated(run, butterflies)
    signals = found.signals()
    assert len(signals) == 3
    criteria = [each.separation * each.border_avoidance for each in signals[1:]]
    assert criteria[0] != criteria[1]
    assert found.chosen == 1 + int(np.argmax(criteria))


@pytest.mark.parametrize(
    ("separation", "chosen"), [((0.9, 0.2, 0.3), 2), ((0.9, 0.3, 0.2), 1), ((0.1, 0.3, 0.3), 2)]
)
def test_the_untrained_network_is_never_chosen_and_of_equals_the_last(
    separation, chosen, tmp_path, butterflies
):
    others = (
        "shift_equivariance",
        "mirror_equivariance",
        "image_dependence",
        "spread",
        "alikeness",
    )
    signals = {**dict.fromkeys((*others, "spread", "alikeness")), "border_avoidance": 0.5}
    kept = {"signals": [{**signals, "separation": value} for value in separation]}
    (tmp_path / FILE).write_text(json.dumps(kept))
    assert evaluated(Run(tmp_path), butterflies).chosen == chosen


def test_an_evaluation_is_kept_and_not_made_again(run, butterflies):
    first = evaluated(run, butterflies)
    ious, signals = first.ious(1, DISCRIMINATOR_READING), first.signals()
    shutil.rmtree(run.milestone(2).parent)  # nothing can be evaluated any more
    again = evaluated(run, butterflies)
    np.testing.assert_array_equal(again.ious(1, DISCRIMINATOR_READING), ious)
    assert [each.to_dict() for each in again.signals()] == [each.to_dict() for each in signals]
    with pytest.raises(UserError, match="not a whole model"):
        again.ious(1, "cam")


def test_signals_of_fewer_checkpoints_are_measured_again(run, butterflies):
    assert len(evaluated(run, butterflies, (0, 2)).signals()) == 2
    assert len(evaluated(run, butterflies).signals()) == 3


def test_images_without_a_true_box_are_left_out(run, butterflies):
    train, test = butterflies
    partly = replace(test, truth=(np.empty((0, 4)), *test.truth[1:]))
    expected = evaluated(run, butterflies).ious(2, DISCRIMINATOR_READING)[1:]
    (run.folder / FILE).unlink()
    np.testing.assert_array_equal(
        evaluated(run, (train, partly)).ious(2, DISCRIMINATOR_READING), expected
    )


def test_the_trained_rival_is_the_same_with_and_without_a_folder(run, tmp_path, butterflies):
    train, test = (each.unlabelled() for each in butterflies)

    def boxes(seed, runs):
        setting = Setting("butterfly", seed, CPU, runs=runs)
        return trained.boxes(train, test, setting, "pretext", DISCRIMINATOR_READING)

    fresh = boxes(1, tmp_path)
    assert (tmp_path / "pretext" / "butterfly-1" / "model.safetensors").exists()
    written = run.model.stat().st_mtime_ns
    found = boxes(0, tmp_path)  # of the run that is there already
    assert run.model.stat().st_mtime_ns == written
    np.testing.assert_array_equal(boxes(0, None), found)
    assert (found != fresh).any()
