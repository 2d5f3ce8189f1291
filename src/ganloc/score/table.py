"""Scores of several methods on one data set: as rows, as JSON, as a table on the terminal."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ganloc.box.iou import best_iou
from ganloc.errors import UserError
from ganloc.score.bootstrap import bootstrap_interval
from ganloc.score.localization import gt_known_loc, has_truth, mean_iou
from ganloc.shapes import Float

LABELS, ORACLE = "*", "†"


@dataclass(frozen=True)
class Row:
    """One method's scores, in percent (0–100).

    Attributes:
        name: the method.
        uses_labels: a box or class label was seen in fitting.
        oracle: something was chosen by looking at the truth that is scored here.
        gt_known_loc: share of pictures with IoU > 0.5.
        interval: its 95 % bootstrap interval over pictures.
        gt_known_loc_70: share of pictures with IoU > 0.7.
        mean_iou: mean IoU over pictures.
        interval_70: the interval of `gt_known_loc_70`.
        interval_iou: the interval of `mean_iou`.
    """

    name: str
    uses_labels: bool
    oracle: bool
    gt_known_loc: float
    interval: tuple[float, float]
    gt_known_loc_70: float
    mean_iou: float
    interval_70: tuple[float, float]
    interval_iou: tuple[float, float]


def score_boxes(
    name: str,
    boxes: Float[np.ndarray, "n 4"],
    truth: tuple[Float[np.ndarray, "_ 4"], ...],
    uses_labels: bool = False,
    oracle: bool = False,
) -> Row:
    """Score one box a picture; pictures without a true box are left out.

    Raises:
        UserError: no picture has a true box.
    """
    ious = best_iou(boxes, truth)[has_truth(truth)]
    if len(ious) == 0:
        raise UserError("No picture has a true box, so nothing can be scored: give a truth file.")
    return Row(
        name=name,
        uses_labels=uses_labels,
        oracle=oracle,
        gt_known_loc=gt_known_loc(ious),
        interval=bootstrap_interval(100.0 * (ious > 0.5)),
        gt_known_loc_70=gt_known_loc(ious, threshold=0.7),
        interval_70=bootstrap_interval(100.0 * (ious > 0.7)),
        mean_iou=mean_iou(ious),
        interval_iou=bootstrap_interval(100.0 * ious),
    )


def as_json(
    data: str, images: int, rows: Sequence[Row], corloc: Sequence[Row] = ()
) -> dict[str, Any]:
    """One object: the data set's name, how many pictures were scored, the rows, and CorLoc.

    Percentages are rounded to two decimals. `corloc` are rows scored on the fitted pictures.
    """
    found = {"data": data, "images": images, "rows": [_rounded(row) for row in rows]}
    fitted = [
        {"name": row["name"], "corloc": row["gt_known_loc"], "interval": row["interval"]}
        for row in map(_rounded, corloc)
    ]
    return {**found, "corloc": fitted} if fitted else found


def print_table(
    rows: Sequence[Row], title: str, corloc: Sequence[Row] = (), console: Console | None = None
) -> None:
    """Print the rows, each score with its 95 % interval, and a mark where labels were used.

    Below them stands CorLoc, where there are rows of the fitted pictures. It fits 80 columns.
    """
    table = Table(box=None, title=Text(title), title_justify="left", pad_edge=False)
    table.add_column("", no_wrap=True)
    for heading in ("GT-known Loc", "at IoU > 0.7", "mean IoU"):
        table.add_column(heading, justify="right", no_wrap=True)
    for row in rows:
        table.add_row(
            row.name + LABELS * row.uses_labels + ORACLE * row.oracle,
            _with_interval(row.gt_known_loc, row.interval),
            _with_interval(row.gt_known_loc_70, row.interval_70),
            _with_interval(row.mean_iou, row.interval_iou),
        )
    console = console or Console()
    console.print(table)
    if any(row.uses_labels for row in rows):
        console.print(f"{LABELS} uses labels", highlight=False)
    if any(row.oracle for row in rows):
        console.print(f"{ORACLE} oracle: chosen with the boxes that are scored", highlight=False)
    if corloc:
        scores = [f"{row.name} {_with_interval(row.gt_known_loc, row.interval)}" for row in corloc]
        console.print(f"CorLoc, on the fitted pictures: {', '.join(scores)}", highlight=False)


def _with_interval(value: float, interval: tuple[float, float]) -> str:
    return f"{value:.1f} ({interval[0]:.1f}–{interval[1]:.1f})"


def _rounded(row: Row) -> dict[str, Any]:
    values = asdict(row)
    for key, value in values.items():
        if key.startswith("interval"):
            values[key] = [round(end, 2) for end in value]
        elif isinstance(value, float):
            values[key] = round(value, 2)
    return values
