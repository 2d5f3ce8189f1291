"""What the runs answer, from toy IoUs by hand."""

from dataclasses import dataclass, field

import numpy as np
import pytest
from compared_readings import COMPARED
from questions import LADDER, checkpoints, hits, readings, row, training, trust

from ganloc.checkpoints.signals import Signals
from ganloc.heatmap.readings import DISCRIMINATOR_READING

# Signals with which a checkpoint is trusted, beside a separation of at least 0.62.
FINE = {
    "shift_equivariance": 0.9,
    "mirror_equivariance": 0.9,
    "image_dependence": 0.9,
    "border_avoidance": 0.5,
    "spread": 0.9,
    "alikeness": 0.5,
}


@dataclass
class Stub:
    """Three checkpoints: the IoUs of each by the default reading, and by other readings.

    The rule keeps the second, unless `chosen` says another.
    """

    arm: str
    set_name: str
    seed: int
    default: list
    chosen: int = 1
    others: dict = field(default_factory=dict)
    separation: tuple = (0.99, 0.8, 0.7)
    iterations: tuple = (0, 10, 20)

    def ious(self, index, reading):
        found = (
            self.default[index] if reading == DISCRIMINATOR_READING else self.others[reading][index]
        )
        return np.array(found)

    def signals(self):
        return [Signals(separation=value, **FINE) for value in self.separation]


HIT, MISS = 0.51, 0.5  # a hit is above 0.5, strictly


def test_hits_are_means_over_seeds_image_by_image():
    runs = [
        Stub("x", "bear", 0, [[HIT, MISS, 0.9]]),
        Stub("x", "bear", 1, [[HIT, HIT, 0.0]]),
        Stub("x", "ape", 0, [[1.0]]),
    ]
    found = hits(runs, lambda run: run.ious(0, DISCRIMINATOR_READING))
    assert {name: each.tolist() for name, each in found.items()} == {
        "bear": [100, 50, 50],
        "ape": [100],
    }


def test_a_row_weighs_sets_alike_and_pairs_images():
    own = {"bear": np.array([100.0, 0, 100, 0]), "ape": np.array([100.0])}
    worse = {"bear": own["bear"], "ape": np.array([40.0])}
    found = row("training", "x", own, {"itself": own, "worse": worse})
    assert found["gt_known_loc"] == 75.0  # of 50 and 100; all five images would give 60
    assert found["sets"] == {"bear": 50, "ape": 100}
    low, high = found["interval"]
    assert 50 <= low < 75 < high <= 100
    # The same hits on the same images, and 60 points on ape's only one: nothing is uncertain.
    assert found["gains"] == {
        "itself": {"gain": 0, "interval": [0, 0]},
        "worse": {"gain": 30, "interval": [30, 30]},
    }


def test_training_beside_what_it_has_to_beat():
    plain = {"plain-cam": [None, [MISS, MISS], [MISS, HIT]]}
    runs = [
        Stub("x", "bear", 0, [[HIT, MISS], [MISS, MISS], [HIT, HIT]], 2, plain),
        Stub("x", "bear", 1, [[MISS, MISS], [MISS, MISS], [HIT, MISS]], 2, plain),
        Stub("y", "bear", 0, [[MISS, MISS]] * 3, 2, plain),
    ]
    rivals = {"centre": {"bear": np.array([HIT, MISS]), "elsewhere": np.array([HIT])}}
    first, second, untrained, centre = training(runs, rivals)
    assert [(r["question"], r["name"]) for r in (first, second, untrained, centre)] == [
        ("training", "x"),
        ("training", "y"),
        ("rival", "untrained"),
        ("rival", "centre"),
    ]
    assert (first["seeds"], second["seeds"]) == (2, 1)
    assert first["gt_known_loc"] == 75.0
    gains = {name: gain["gain"] for name, gain in first["gains"].items()}
    assert gains == {"plain-cam": 25, "untrained": 50, "centre": 25}
    assert second["gains"]["centre"]["gain"] == -50
    assert untrained["gt_known_loc"] == pytest.approx(16.67)  # 1 of 6, over all arms
    assert centre["gt_known_loc"] == 50.0
    assert centre["gains"] == untrained["gains"] == {}


def test_checkpoints_of_the_rule_the_last_and_the_oracle():
    runs = [
        Stub("x", "bear", 0, [[HIT, HIT], [MISS, MISS], [HIT, MISS]]),  # the rule keeps the second
        Stub("x", "ape", 0, [[HIT, HIT], [HIT, HIT], [MISS, MISS]]),
    ]
    (found,) = checkpoints(runs)
    assert found["runs"] == 2
    assert found["sets"] == {"bear": 0, "ape": 100}
    # Last: 50 and 0. Oracle: 50 and 100, for the untrained network is not among its choices.
    gains = {name: gain["gain"] for name, gain in found["gains"].items()}
    assert gains == {"last": 25, "oracle-peak": -25}


def test_every_reading_stands_beside_the_one_that_it_builds_on():
    assert set(LADDER) == set(COMPARED)
    ious = {name: [None, [MISS, MISS], None] for name in LADDER}
    ious |= {"cam": [None, [HIT, MISS], None], "otsu-cam": [None, [HIT, HIT], None]}
    run = Stub("x", "bear", 0, ious[DISCRIMINATOR_READING], others=ious)
    rows = {r["name"]: r for r in readings([run, Stub("y", "bear", 0, [])], "x")}
    assert list(rows) == list(LADDER)
    assert rows["plain-cam"]["gains"] == {}
    assert rows["otsu-cam"]["gt_known_loc"] == 100.0
    assert rows["otsu-cam"]["gains"]["cam"]["gain"] == 50.0
    assert rows["cam"]["gains"]["averaged-cam"]["gain"] == 50.0
    assert rows["border-distance-last"]["gains"]["otsu-cam"]["gain"] == -100.0


def test_trust_counts_every_checkpoint():
    # Trusted: 0.99 and 0.8, not 0.5. Good: at least centre's one of two.
    runs = [
        Stub("x", "bear", 0, [[HIT, MISS], [MISS, MISS], [HIT, HIT]], separation=(0.99, 0.8, 0.5)),
        Stub("x", "bear", 1, [[HIT, HIT], [MISS, MISS], [MISS, MISS]], separation=(0.8, 0.5, 0.5)),
    ]
    (found,) = trust(runs, {"bear": np.array([MISS, HIT])})
    assert found == {
        "question": "trust",
        "name": "verdict",
        "hit": 2,
        "false-alarm": 1,
        "miss": 1,
        "correct-rejection": 2,
    }
