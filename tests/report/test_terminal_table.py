"""Rows as people see them on the terminal."""

from dataclasses import replace
from io import StringIO

import numpy as np
from rich.console import Console

from ganloc.metrics.max_box_acc import max_box_acc
from ganloc.metrics.rows import Row
from ganloc.report.terminal_table import print_table

ROWS = (
    Row("default", False, False, 66.6666, (50.126, 80.0), 25.0, 48.333, (9.0, 41.0), (40.0, 55.5)),
    Row("fitted-box", True, True, 100.0, (100.0, 100.0), 75.0, 61.0, (60.0, 90.0), (50.0, 70.0)),
)
# One of three hit: V1 33.3 at 0, V2 (66.7 + 33.3 + 33.3) / 3 = 44.4; each box is the image at 0.
TRUTH = tuple(np.array([[0, 0, 10.0, height]]) for height in (10, 4, 1))
HEATMAPS = np.tile([[1.0, 0.5], [0.5, 0.0]], (3, 1, 1))
ORACLE = max_box_acc(HEATMAPS, TRUTH, np.full((3, 2), 10))


def test_the_table_shows_every_metric_and_marks_labels_and_oracles():
    out = StringIO()
    title = "tiny-imagenet:bear: 150 images"  # ":bear:" is no image of a bear
    print_table(ROWS, title, ROWS[:1], Console(file=out, width=80))
    lines = out.getvalue().splitlines()
    ours = next(line for line in lines if "default" in line)
    fitted = next(line for line in lines if "fitted-box" in line)
    for text in ("66.7 (50.1–80.0)", "25.0 (9.0–41.0)", "48.3 (40.0–55.5)"):
        assert text in ours
    assert "*" not in ours
    assert "†" not in ours
    assert "fitted-box*†" in fitted
    assert any(title in line for line in lines)
    assert any(line.startswith("* uses labels") for line in lines)
    assert any(line.startswith("† oracle") for line in lines)
    assert any("CorLoc" in line and "default 66.7 (50.1–80.0)" in line for line in lines)


def test_pretrained_features_are_marked_everywhere():
    row = replace(ROWS[0], pretrained=True, max_box_acc=ORACLE)
    out = StringIO()
    print_table([row, *ROWS], "title", [row], Console(file=out, width=80))
    lines = out.getvalue().splitlines()
    assert [line.split()[0] for line in lines[2:5]] == ["default‡", "default", "fitted-box*†"]
    assert "‡ pre-trained features had a part in it" in lines
    assert "CorLoc, on the training images: default‡ 66.7 (50.1–80.0)" in lines
    assert sum("oracle thresholds): default‡ 44.4" in line for line in lines) == 1
    print_table(ROWS, "title", console=Console(file=(plain := StringIO()), width=80))
    assert "‡" not in plain.getvalue()


def test_the_lines_of_oracles_name_them_so():
    rows = [replace(ROWS[0], name=name, max_box_acc=ORACLE) for name in ("default", "[red]x")]
    out = StringIO()
    print_table([*rows, ROWS[1]], "title", console=Console(file=out, width=80))
    lines = out.getvalue().splitlines()
    assert "MaxBoxAcc (oracle threshold): default 33.3, [red]x 33.3" in lines
    assert "MaxBoxAccV2 (oracle thresholds): default 44.4, [red]x 44.4" in lines
    assert any(line.startswith("[red]x ") for line in lines)  # a name is no markup
