"""Rows of metrics as a table on the terminal."""

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from ganloc.metrics.objects import ObjectsRow
from ganloc.metrics.rows import Row

LABELS, ORACLE, PRETRAINED = "*", "†", "‡"


def print_table(
    rows: Sequence[Row], title: str, corloc: Sequence[Row] = (), console: Console | None = None
) -> None:
    """Print a table of metrics with 95 % intervals, at most 80 columns wide.

    CorLoc and the oracle metrics follow below the table, if any.

    Args:
        rows: on the test images.
        title: of the table.
        corloc: rows on the training images.
        console: where to print; standard output by default.
    """
    table = Table(box=None, title=Text(title), title_justify="left", pad_edge=False)
    table.add_column("", no_wrap=True)
    for heading in ("GT-known Loc", "at IoU > 0.7", "mean IoU"):
        table.add_column(heading, justify="right", no_wrap=True)
    for row in rows:
        table.add_row(
            Text(_marked(row)),
            _with_interval(row.gt_known_loc, row.interval),
            _with_interval(row.gt_known_loc_70, row.interval_70),
            _with_interval(row.mean_iou, row.interval_iou),
        )
    console = console or Console()
    console.print(table)
    if any(row.uses_labels for row in rows):
        console.print(f"{LABELS} uses labels", highlight=False)
    if any(row.oracle for row in rows):
        console.print(f"{ORACLE} oracle: chosen on the true boxes", highlight=False)
    if any(row.pretrained for row in rows):
        console.print(f"{PRETRAINED} pre-trained features had a part in it", highlight=False)
    if corloc:
        values = [
            f"{_marked(row)} {_with_interval(row.gt_known_loc, row.interval)}" for row in corloc
        ]
        console.print(f"CorLoc, on the training images: {', '.join(values)}", highlight=False)
    best = [(_marked(row), row.max_box_acc) for row in rows if row.max_box_acc]
    if best:
        first = ", ".join(f"{name} {oracle.max_box_acc:.1f}" for name, oracle in best)
        second = ", ".join(f"{name} {oracle.max_box_acc_v2:.1f}" for name, oracle in best)
        for text in (
            f"MaxBoxAcc (oracle threshold): {first}",
            f"MaxBoxAccV2 (oracle thresholds): {second}",
        ):
            console.print(text, highlight=False, markup=False)


def print_objects(rows: Sequence[ObjectsRow], title: str, console: Console | None = None) -> None:
    """Print a table of metrics of several objects an image, at most 80 columns wide."""
    table = Table(box=None, title=Text(title), title_justify="left", pad_edge=False)
    table.add_column("", no_wrap=True)
    for heading in ("AP50", "AP", "recall", "count error", "right count %"):
        table.add_column(heading, justify="right", no_wrap=True)
    for row in rows:
        values = (row.ap_50, row.ap, row.average_recall)
        shown = [f"{value:.1f}" for value in values]
        table.add_row(row.name, *shown, f"{row.count_error:.2f}", f"{row.right_count:.1f}")
    (console or Console()).print(table)


def _marked(row: Row) -> str:
    marks = {LABELS: row.uses_labels, ORACLE: row.oracle, PRETRAINED: row.pretrained}
    return row.name + "".join(mark for mark, holds in marks.items() if holds)


def _with_interval(value: float, interval: tuple[float, float]) -> str:
    return f"{value:.1f} ({interval[0]:.1f}–{interval[1]:.1f})"
