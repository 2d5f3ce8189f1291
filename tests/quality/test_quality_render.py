"""Rows of the benchmarks as Markdown: which numbers stand where."""

import json
import re
import sys
from pathlib import Path

import numpy as np
import pytest
from render import (
    checkpoints,
    foreign,
    gains,
    learning_curve,
    mixed,
    quality,
    readings,
    training,
    trust,
)

from ganloc.images.tiny_imagenet import DEVELOPMENT_SETS, PAPER_SETS
from ganloc.metrics.hits import packed

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))
import render_docs


def table(text):
    head, rule, *lines = [line[2:-2].split(" | ") for line in text.splitlines()]
    assert set("".join(rule)) <= set("-:| ")
    return [dict(zip(head, line, strict=True)) for line in lines]


def stage(set_name, name, loc, seed=0, **more):
    return {
        "set": set_name,
        "stage": name,
        "seed": seed,
        "uses_labels": False,
        "pretrained": False,
        "gt_known_loc": loc,
        "gt_known_loc_70": loc / 2,
        "mean_iou": loc / 4,
        "minutes": 0.5,
        **more,
    }


STAGES = [
    stage("cells", "centre", 99.0),
    *(stage(name, "centre", 10.0 * k) for k, name in enumerate(reversed(DEVELOPMENT_SETS))),
    stage("bear", "fitted", 60.0, seed=0, uses_labels=True, minutes=1.0),
    stage("bear", "fitted", 70.0, seed=1, uses_labels=True, minutes=2.0),
    stage("cells", "ddt", 50.0, pretrained=True),
]


def scored(question, name, loc, gains=None, **more):
    found = {
        other: {"gain": gain, "interval": [gain - 1, gain + 1]}
        for other, gain in (gains or {}).items()
    }
    interval, sets = [loc - 5, loc + 5.25], {"bear": loc - 1, "ape": loc + 1}
    scores = {"gt_known_loc": loc, "interval": interval, "gains": found, "sets": sets}
    return {"question": question, "name": name, **scores, **more}


CHOICES = [
    scored("rival", "centre", 60.0),
    scored("training", "pretext", 71.24, {"untrained": 3.04, "centre": -0.5}, seeds=3),
    scored("reading", "plain-cam", 50.0),
    scored("reading", "cam", 55.0, {"plain-cam": 5.0}),
    scored("checkpoint", "pretext", 71.0, {"last": 0.0, "oracle-peak": -2.0}, runs=18),
    {
        "question": "trust",
        "name": "verdict",
        **{"hit": 5, "false-alarm": 1, "miss": 2, "correct-rejection": 4},
    },
]


def test_quality_has_a_line_a_stage_and_a_column_a_set():
    lines = {line["rival"]: line for line in table(quality(STAGES))}
    assert list(lines) == ["centre", "fitted*", "ddt†"]
    centre = lines["centre"]
    sets = [*DEVELOPMENT_SETS, "cells"]
    assert list(centre)[1:-4] == sets
    assert [float(centre[name]) for name in sets] == [50, 40, 30, 20, 10, 0, 99]
    # Means of the development sets: cells is none of them.
    means = [centre[name] for name in ("mean of 6", "IoU > 0.7", "mean IoU")]
    assert means == ["25.0", "12.5", "6.2"]


def test_quality_averages_seeds_and_leaves_out_means_of_fewer_sets():
    lines = {line["rival"]: line for line in table(quality(STAGES))}
    fitted = lines["fitted*"]
    assert (fitted["bear"], fitted["ape"], fitted["minutes"]) == ("65.0", "", "1.50")
    assert (fitted["mean of 6"], fitted["IoU > 0.7"], fitted["mean IoU"]) == ("", "", "")
    assert lines["ddt†"]["cells"] == "50.0"
    assert list(table(quality(STAGES[-1:]))[0]) == ["rival", "cells", "minutes"]


def test_the_exam_has_a_table_of_its_own():
    rows = [*STAGES, *(stage(name, "centre", 60.0) for name in PAPER_SETS)]
    (line,) = table(quality(rows, exam=True))
    assert list(line)[1:7] == list(PAPER_SETS)
    assert line["mean of 6"] == "60.0"
    assert quality(rows) == quality(STAGES)


SIX = list(DEVELOPMENT_SETS)


def hit_rows(name, ious, sets=DEVELOPMENT_SETS, seed=0):
    """The same four images in every set."""
    found = {"hits": packed(np.array(ious)), "scored": len(ious)}
    return [stage(each, name, 0.0, seed, **found) for each in sets]


def test_gains_are_of_the_same_images_after_the_mean_over_seeds():
    rows = [
        *hit_rows("whole-image", [0.6, 0.2, 0.8, 0.2]),
        *hit_rows("student", [0.6, 0.6, 0.8, 0.2]),
        *hit_rows("student", [0.6, 0.2, 0.8, 0.6], seed=1),
    ]
    (line,) = table(gains(rows, 0.5, SIX))
    # Hits of ½ and 1: the second and fourth image by one of two seeds.
    assert (line["stage"], line["IoU > 0.5"]) == ("student", "75.0")
    gain, low, high = re.findall(r"[+-][\d.]+", line["over whole-image"])
    assert gain == "+25.0"
    assert 0.0 < float(low) < 25.0 < float(high) < 50.0
    (line,) = table(gains(rows, 0.7, SIX))
    assert line["over whole-image"] == "+0.0 (+0.0 to +0.0)"


def test_gains_need_every_set_and_hits():
    short = hit_rows("student", [0.6], list(DEVELOPMENT_SETS)[:5])
    assert gains([*short, *hit_rows("centre", [0.6])], 0.5, SIX) == ""
    without = [stage(name, "seeds", 50.0) for name in DEVELOPMENT_SETS]
    assert gains([*without, *hit_rows("centre", [0.6])], 0.5, SIX) == ""
    partly = [*hit_rows("seeds", [0.6]), stage("bear", "seeds", 50.0, seed=1)]
    assert gains([*partly, *hit_rows("centre", [0.6])], 0.5, SIX) == ""
    exam = hit_rows("student", [0.6], PAPER_SETS) + hit_rows("centre", [0.2], PAPER_SETS)
    assert gains(exam, 0.5, SIX) == ""
    (line,) = table(gains(exam, 0.5, list(PAPER_SETS)))
    assert line["over centre"] == "+100.0 (+100.0 to +100.0)"


def test_a_stage_gains_nothing_over_itself():
    rows = hit_rows("trained-pretext-lda", [0.6, 0.2]) + hit_rows("student", [0.6, 0.6])
    first, second = table(gains(rows, 0.5, SIX))
    assert first["over trained-pretext-lda"] == ""
    assert second["over trained-pretext-lda"].startswith("+50.0")


def test_changed_sets_have_tables_of_their_own():
    changed = [stage("bear+reframed", "centre", 1.0), stage("bear+20images", "centre", 2.0)]
    assert quality([*STAGES, *changed]) == quality(STAGES)
    reframed = [f"{name}+reframed" for name in SIX]
    rows = hit_rows("student", [0.6], reframed) + hit_rows("centre", [0.2], reframed)
    assert gains(rows, 0.5, SIX) == ""
    (line,) = table(gains(rows, 0.5, reframed))
    assert line["over centre"] == "+100.0 (+100.0 to +100.0)"


def test_the_learning_curve_has_means_where_every_set_has_the_count():
    plain = hit_rows("whole-image", [0.2, 0.2], ["bear", "boat"])
    plain += hit_rows("centre", [0.6, 0.2], ["bear", "boat"])
    curve = [
        *hit_rows("student", [0.6, 0.2], ["bear+20images", "boat+20images"]),
        *hit_rows("student", [0.6, 0.6], ["bear+100images"]),
        *hit_rows("trained-pretext-lda", [0.2, 0.2], ["bear+20images", "boat+20images"]),
    ]
    few, many = table(learning_curve([*plain, *curve]))
    assert (few["images"], many["images"]) == ("20", "100")  # by number, not by name
    assert (few["bear"], few["boat"], few["mean"]) == ("50.0", "50.0", "50.0")
    assert (many["bear"], many["boat"], many["mean"]) == ("100.0", "", "")
    assert few["over centre"].startswith("+0.0")
    assert few["over whole-image"].startswith("+50.0")
    assert few["over trained-pretext-lda"].startswith("+50.0")
    assert many["over centre"] == ""
    assert learning_curve(plain) == ""


MIXED = [
    *hit_rows("student", [0.6, 0.6], ["bear", "boat"]),
    *hit_rows("student", [0.6, 0.2], ["bear+10%others", "boat+10%others"]),
]


def test_what_others_cost_is_told_where_every_set_has_the_share():
    many = hit_rows("student", [0.2, 0.2], ["bear+30%others"])
    none, few = table(mixed([*MIXED, *many]))
    assert list(none.values()) == ["0", "100.0", "100.0", "100.0", ""]
    assert (few["others, %"], few["bear"], few["mean"]) == ("10", "50.0", "50.0")
    gain, low, high = map(float, re.findall(r"[+-][\d.]+", few["gain"]))
    assert low < gain == -50.0 < high
    assert mixed(MIXED[:2]) == ""
    assert mixed(MIXED[2:]) == ""


def of_foreign(percent, seed, auc, listed, precision, others="cells"):
    return {
        "set": "bear",
        "others": others,
        "percent": percent,
        "seed": seed,
        "auc": auc,
        "listed": listed,
        "precision": precision,
        "recall": auc,
    }


FOREIGN = [
    of_foreign(0, 0, None, 4.0, None, ""),
    of_foreign(10, 0, 90.0, 10.0, 60.0),
    of_foreign(10, 1, 96.0, 20.0, None),
    of_foreign(10, 0, 55.0, 5.0, None, "photographs"),
]


def test_what_becomes_of_foreign_images():
    clean, cells, photographs = table(foreign(FOREIGN))
    assert list(clean.values()) == ["bear", "", "0", "", "4", "", ""]
    assert list(cells.values()) == ["bear", "cells", "10", "93 (90)", "15", "60", "93 (90)"]
    assert list(photographs.values())[1:] == ["photographs", "10", "55 (55)", "5", "", "55 (55)"]


def test_training_stands_above_its_rivals():
    arm, rival = table(training(CHOICES))
    assert list(arm.values()) == [
        *("pretext", "3", "71.2 (66.2–76.5)", "70.2", "72.2"),
        *("+3.0 (+2.0 to +4.0)", "-0.5 (-1.5 to +0.5)"),
    ]
    assert list(arm)[3:] == ["bear", "ape", "over untrained", "over centre"]
    assert list(rival.values()) == ["centre", "", "60.0 (55.0–65.2)", "59.0", "61.0", "", ""]


def test_readings_checkpoints_and_trust():
    first, second = table(readings(CHOICES))
    assert (first["reading"], first["builds on"], first["gain"]) == ("plain-cam", "", "")
    assert (second["builds on"], second["gain"]) == ("plain-cam", "+5.0 (+4.0 to +6.0)")
    assert (second["GT-known Loc"], second["ape"]) == ("55.0 (50.0–60.2)", "56.0")
    (line,) = table(checkpoints(CHOICES))
    assert (line["runs"], line["over last"]) == ("18", "+0.0 (-1.0 to +1.0)")
    assert line["over oracle-peak"] == "-2.0 (-3.0 to -1.0)"
    (line,) = table(trust(CHOICES))
    assert list(line.values()) == ["verdict", "5", "1", "2", "4", "75.0"]


@pytest.mark.parametrize(
    ("name", "file", "rows", "expected"),
    [
        ("quality", "quality", STAGES, quality),
        ("choices-training", "choices", CHOICES, training),
        ("choices-readings", "choices", CHOICES, readings),
        ("choices-checkpoints", "choices", CHOICES, checkpoints),
        ("choices-trust", "choices", CHOICES, trust),
        ("foreign", "foreign", FOREIGN, foreign),
        ("mixed", "quality", MIXED, mixed),
    ],
)
def test_pages_show_them_by_name(name, file, rows, expected, tmp_path, monkeypatch):
    monkeypatch.setattr(render_docs, "ROOT", tmp_path)
    page = f"<!-- table {name} all -->\n| stale |\n<!-- end -->"
    assert render_docs.rendered(page) == f"<!-- table {name} all -->\n\n<!-- end -->"
    path = tmp_path / "docs" / "results" / f"{file}.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps({"rows": rows}))
    shown = render_docs.rendered(page)
    assert shown == f"<!-- table {name} all -->\n{expected(rows)}\n<!-- end -->"
    assert len(shown.splitlines()) >= 5
