"""The script that asks what scores and verdicts are worth."""

import numpy as np
import pytest
import render_scores
import scores as script
import trainings
from trainings import KINDS, TRAININGS, Training

from ganloc.images.synthetic import draw_images
from ganloc.paper.results import read_rows
from ganloc.recipes import Recipe

TINY = Recipe(
    "dcgan", 64, 2, 2, 8, 2, 1, adversarial_weight=0.0, border_weight=1.0, select=True,
    student_iterations=1, student_width=2,
)  # fmt: skip
WEIGHTS, BIAS = np.array([1.0, 2.0, -1.0, 0.5]), -0.5


def seen(seed, count=4000, learned=0.1):
    """Boxes whose chance is a logistic function of their evidence."""
    random = np.random.default_rng(seed)
    evidence = random.random((count, 4))
    chance = 1.0 / (1.0 + np.exp(-(evidence @ WEIGHTS + BIAS)))
    ious = np.where(random.random(count) < chance, 0.9, 0.1)
    judged, centred, painted = (np.full((10, 4), value) for value in (0.8, 0.2, 0.3))
    painted[5:] = np.nan  # nothing is around these boxes
    delivered = np.array([0.9, 0.1, 0.4, np.nan])
    return script.Seen(
        evidence, ious, ious, judged, centred, painted, 0.6, 0.5, delivered, np.float64(learned)
    )


def test_the_weights_are_those_of_the_boxes_and_every_development_set_counts_as_much():
    own = {Training("boat", "default"): seen(0), Training("ape", "default"): seen(1)}
    weights, bias = script.fitted(own, without="")
    np.testing.assert_allclose(weights, WEIGHTS, atol=0.5)  # the penalty makes them smaller
    assert bias == pytest.approx(BIAS, abs=0.4)
    more = {**own, Training("ape", "short"): seen(2, learned=-0.1)}  # not delivered
    others = {
        **more,
        Training("heads", "default"): seen(3),
        Training("ape", "no-object"): seen(4),
        Training("ape", "few"): seen(5),
        Training("boat", "rushed"): seen(6),
    }
    np.testing.assert_allclose(script.fitted(others, without="")[0], weights, atol=1e-6)


def test_no_set_takes_part_in_its_own_row():
    own = {Training("boat", "default"): seen(0), Training("ape", "default"): seen(1)}
    changed = {**own, Training("ape", "default"): seen(5)}
    before, after = (script.fitted(one, without="ape") for one in (own, changed))
    np.testing.assert_array_equal(before[0], after[0])
    assert not np.array_equal(before[0], script.fitted(own, without="boat")[0])


def test_a_row():
    training = Training("ape", "default")
    found = script.row(training, seen(1), WEIGHTS, BIAS)
    assert (found["gt_known_loc"], found["centred_box"]) == (60.0, 50.0)
    assert found["auroc_before"] == 100.0  # the IoU itself
    assert 60.0 < found["auroc"] < 90.0
    assert found["ece"] < 3.0  # the scale is right, and 20 hints can only blur it
    assert found["ece"] < found["ece_of_hints"] < 15.0
    odds = np.array([0.8, 0.2, 0.3]) * WEIGHTS.sum() + BIAS
    chance = 1.0 / (1.0 + np.exp(-odds))
    assert found["advantage"] == pytest.approx(chance[0] - chance[1], abs=1e-4)
    assert found["fall"] == pytest.approx(chance[0] - chance[2], abs=1e-4)
    assert found["trusted"]
    undelivered = script.row(training, seen(1, learned=-0.1), WEIGHTS, BIAS)
    assert undelivered["auroc"] is None
    assert undelivered["advantage"] == pytest.approx(0.8)  # the program's own signals
    assert undelivered["fall"] is None


def test_the_calibration_error_is_the_gap_between_chance_and_share():
    chances = np.array([0.05, 0.05, 0.95, 0.95, 0.95, 0.95])
    right = np.array([False, True, True, True, True, False])
    # (0.5 - 0.05) of two, and (0.95 - 0.75) of four
    assert script.calibration_error(chances, right) == pytest.approx(100 * (0.9 + 0.8) / 6)
    assert script.calibration_error(np.ones(3), np.ones(3, bool)) == 0.0


def test_tables():
    row = {"auroc": 70.0, "auroc_before": 55.0, "ece": 12.0, "ece_of_hints": None, "score": 60.0}
    rows = [
        {"set": "boat", "kind": "default", "gt_known_loc": 60, "centred_box": 50, **row},
        {"set": "heads", "kind": "default", "gt_known_loc": 60, "centred_box": 69, **row},
        {"set": "heads", "kind": "short", "gt_known_loc": 70, "centred_box": 69, **row},
    ]
    rows = [{**row, "trusted": True} for row in rows]
    table = render_scores.scores(rows).splitlines()
    assert table[2] == "| boat | 60.0 | 60.0 | 70.0 | 55.0 | 12.0 |  |"
    assert len(table) == 2 + 2 + 2  # sets of the default preset, and two means
    verdicts = render_scores.verdicts(rows).splitlines()
    assert verdicts[2] == "| development sets | 1 | 1 | 0 | 0 | 0 | 100 |  |"
    assert verdicts[3] == "| other folders | 2 | 1 | 0 | 1 | 0 | 100 | 0 |"
    assert verdicts[4] == verdicts[3].replace("folders", "folders, without blood")
    assert verdicts[5] == "| all | 3 | 2 | 0 | 1 | 0 | 100 | 0 |"
    unseen = [{**rows[0], "kind": "few"}, {**rows[0], "kind": "rushed", "trusted": False}]
    verdicts = render_scores.verdicts(unseen).splitlines()
    assert verdicts[2] == "| development sets, few and rushed | 2 | 1 | 1 | 0 | 0 | 50 |  |"
    assert render_scores.scores([]) == render_scores.verdicts([]) == ""


def test_sixty_trainings_of_every_kind():
    assert len(set(TRAININGS)) == len(TRAININGS) >= 60
    assert len({one.name for one in TRAININGS}) == len(TRAININGS)
    assert {one.kind for one in TRAININGS} == set(KINDS)


def test_pieces_without_the_object_and_copies():
    images = draw_images(40, 64, seed=0)
    alone = trainings.without_object(images)
    assert 0 < len(alone) <= 40
    assert alone.pixels.shape[1:] == (64, 64, 3)
    assert alone.truth is None
    copies = trainings.identical(images)
    assert (copies.pixels == images.pixels[0]).all()
    assert len(set(copies.names)) == len(copies) == trainings.COPIES
    assert len(trainings.few(images)) == trainings.FEW


def test_trainings_are_made_kept_and_told(tmp_path, monkeypatch, capsys):
    images = draw_images(30, 64, seed=1)
    monkeypatch.setattr(trainings, "load_set", lambda *arguments: (images, images.subset(range(9))))
    monkeypatch.setattr(trainings, "make_recipe", lambda preset, size, **settings: TINY)
    options = ["--data", "nowhere.zip", "--sets", "boat", "ape", "--kinds", "default", "identical"]
    options += ["--runs", str(tmp_path / "runs"), "--results", str(tmp_path)]
    monkeypatch.setattr(script, "fitted", lambda seen, without: (WEIGHTS, BIAS))
    assert script.main(options) == 0
    rows = read_rows(tmp_path / "scores.json")
    assert [(row["set"], row["kind"]) for row in rows] == [
        ("boat", "default"), ("ape", "default"), ("boat", "identical"),
    ]  # fmt: skip
    assert [row["images"] for row in rows] == [9, 9, trainings.COPIES]
    assert "WEIGHTS = (1.0, 2.0, -1.0, 0.5), BIAS = -0.50" in capsys.readouterr().out
    made = (tmp_path / "runs" / "boat" / "seen.npz").stat().st_mtime_ns
    assert script.main(options) == 0
    assert (tmp_path / "runs" / "boat" / "seen.npz").stat().st_mtime_ns == made
