"""The figures of the docs: which values and intervals they show, and that they can be drawn."""

import sys
from pathlib import Path

import numpy as np
import pytest

from ganloc.images.tiny_imagenet import DEVELOPMENT_SETS, PAPER_SETS
from ganloc.metrics.hits import packed

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))
import draw_figures
from figure_values import (
    Estimate,
    choices,
    estimate,
    hints_curve,
    learning_curve,
    methods,
    published,
)
from summary import BUTTERFLIES, DEVELOPMENT, EXAM, METHODS, default_gains


def row(set_name, stage, ious, seed=0):
    """A row that holds which images were hit."""
    return {
        "set": set_name,
        "stage": stage,
        "seed": seed,
        "hits": packed(np.array(ious)),
        "scored": len(ious),
    }


def old_row(set_name, stage, value, interval, seed=0):
    """A row of before hits were kept."""
    return {
        "set": set_name,
        "stage": stage,
        "seed": seed,
        "gt_known_loc": value,
        "interval": interval,
        "gt_known_loc_70": value / 2,
        "interval_70": [end / 2 for end in interval],
    }


def near(*numbers):
    return Estimate(*(pytest.approx(number) for number in numbers))


def test_a_set_whose_images_are_all_hit_has_no_width():
    rows = [row("bear", "student", [0.6, 0.9]), row("boat", "student", [0.2, 0.1])]
    assert estimate(rows, "student", ["bear"]) == near(100, 100, 100)
    assert estimate(rows, "student", ["bear", "boat"]) == near(50, 50, 50)
    assert estimate(rows, "student", ["bear"], 0.7).value == 50


def test_the_interval_is_that_of_the_images_after_the_mean_over_seeds():
    # Each image is hit by one seed of two: 50 whichever images are drawn.
    rows = [
        row("bear", "student", [0.9, 0.1] * 50),
        row("bear", "student", [0.1, 0.9] * 50, seed=1),
    ]
    assert estimate(rows, "student", ["bear"]) == near(50, 50, 50)
    # One seed: a coin a hundred times, with a standard deviation of 5 points.
    single = estimate(rows[:1], "student", ["bear"])
    assert single.value == 50
    assert single.low == pytest.approx(50 - 1.96 * 5, abs=1.5)
    assert single.high == pytest.approx(50 + 1.96 * 5, abs=1.5)


def test_rows_without_hits_lend_their_own_intervals():
    bear = [
        old_row("bear", "cnn", 60.0, [57.0, 63.0]),
        old_row("bear", "cnn", 64.0, [61.0, 67.0], 1),
    ]
    boat = [old_row("boat", "cnn", 40.0, [36.0, 44.0])]
    assert estimate(bear[:1], "cnn", ["bear"]) == near(60, 57, 63)
    assert estimate(bear[:1], "cnn", ["bear"], 0.7) == near(30, 28.5, 31.5)
    # Means over seeds are 62 ± 3 and 40 ± 4; half-widths of 3 and 4 give one of 5, of two sets.
    assert estimate(bear + boat, "cnn", ["bear", "boat"]) == near(51, 48.5, 53.5)


def test_what_was_not_measured_on_every_set_is_left_out():
    rows = [row(name, "centre", [0.6]) for name in DEVELOPMENT_SETS]
    rows += [row(name, "student", [0.2]) for name in list(DEVELOPMENT_SETS)[:-1]]
    assert methods(rows, DEVELOPMENT) == {"centred box": near(100, 100, 100)}
    assert methods(rows, EXAM) == {}


def test_the_default_of_large_photographs_is_the_refined_student():
    rows = [row("butterflies", "student", [0.2]), row("butterflies", "student-refined", [0.6])]
    assert methods(rows, BUTTERFLIES) == {"ganloc, default": near(100, 100, 100)}


def test_the_published_mean_needs_all_six_sets():
    rows = [{"set": name, "method": "sn-dcgan", "published": 50.0} for name in PAPER_SETS]
    rows[0]["published"] = 56.0
    others = [{"set": "bird", "method": "real"}, {"set": "bird", "method": "dcgan", "published": 1}]
    assert published([*rows, *others]) == near(51, 51, 51)
    assert published(rows[1:]) is None


def test_the_learning_curve_is_in_the_order_of_the_counts():
    rows = [
        row("bear+100images", "student", [0.9]),
        row("insect+100images", "student", [0.9]),
        row("bear+20images", "student", [0.9]),
        row("insect+20images", "student", [0.1]),
        row("bear+2000images", "student", [0.9]),
        row("bear+30%others", "student", [0.9]),
    ]
    curve = learning_curve(rows, "student", ["bear", "insect"])
    assert list(curve) == [20, 100]
    assert [value.value for value in curve.values()] == [50, 100]


CHOICES = [
    {"question": "reading", "name": "lda", "gt_known_loc": 63.7, "interval": [60.8, 66.4]},
    {"question": "rival", "name": "untrained", "gt_known_loc": 60.2, "interval": [57.2, 63.2]},
    {"question": "trust", "name": "verdict", "hit": 1},
]


def test_choices_are_taken_as_they_stand():
    assert choices(CHOICES, "reading") == {"lda": Estimate(63.7, 60.8, 66.4)}
    assert choices(CHOICES, "training", "rival") == {"untrained": Estimate(60.2, 57.2, 63.2)}


def test_gains_of_the_default_stay_empty_without_hits():
    rows = [
        row("butterflies", "student-refined", [0.6, 0.6]),
        row("butterflies", "centre", [0.1, 0.1]),
    ]
    rows.append(old_row("butterflies", "supervised-cnn", 90.0, [80.0, 95.0]))
    lines = {
        line.split(" | ")[0]: line.split(" | ") for line in default_gains(rows, 0.5).splitlines()
    }
    assert lines["| centred box"][3] == "+100.0 (+100.0 to +100.0)"
    assert lines["| centred box"][1] == lines["| small CNN, all box labels*"][3] == ""
    assert "| ganloc, default" not in lines
    assert default_gains(rows[:1], 0.5) == ""


def test_figures_are_small_and_the_same_each_time(tmp_path):
    rows = [row(name, stage, [0.9, 0.1]) for name in EXAM.sets for stage in METHODS.values()]
    for name in ("one", "two"):
        figure = draw_figures.draw_methods(rows, (EXAM,), paper=Estimate(61.0, 61.0, 61.0))
        draw_figures.save(tmp_path / f"{name}.png", figure)
    first, second = ((tmp_path / f"{name}.png").read_bytes() for name in ("one", "two"))
    assert first == second
    assert len(first) < 200_000
    assert b"Software" not in first  # no version


def test_each_method_stands_at_its_value():
    rows = [row("butterflies", "student-refined", [0.6]), row("butterflies", "centre", [0.1, 0.9])]
    figure = draw_figures.draw_methods(rows, (BUTTERFLIES,))
    (axis,) = figure.axes
    assert [label.get_text() for label in axis.get_yticklabels()] == [
        "ganloc, default",
        "centred box",
    ]
    dots = [line.get_xydata().tolist() for line in axis.lines if len(line.get_xydata()) == 1]
    assert dots == [[[100.0, 0.0]], [[50.0, 1.0]]]


def test_a_panel_a_set_shows_what_hints_are_worth_over_draws():
    found = {"hinted": 80.0, "hints alone": 70.0, "fitted box": 40.0, "label-free": 60.0}
    rows = [
        {"set": name, "hints": hints, "choice": choice, "draw": draw, "boxes": boxes,
         "gt_known_loc": value + hints + 2 * draw + 50 * (choice == "suggested")}
        for name in ("heads", "boat") for hints in (10, 5) for choice in ("random", "suggested")
        for draw in (0, 1) for boxes, value in found.items()
    ]  # fmt: skip
    assert hints_curve(rows, "boat", "hinted") == {5: 86.0, 10: 91.0}
    figure = draw_figures.draw_hints(rows)
    assert [axis.get_title(loc="left") for axis in figure.axes] == ["boat", "heads"]
    lines = [line.get_xydata().tolist() for line in figure.axes[0].lines]
    assert lines == [[[5, value + 6], [10, value + 11]] for value in found.values()]
