"""Scores of several methods on one data set: as rows, as JSON, as a table on the terminal."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from ganloc.box.iou import best_iou
from ganloc.errors import UserError
from ganloc.score.bootstrap import bootstrap_interval
from ganloc.score.localization import gt_known_loc, has_truth, mean_iou
from ganloc.shapes import Float


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
    """

    name: str
    uses_labels: bool
    oracle: bool
    gt_known_loc: float
    interval: tuple[float, float]
    gt_known_loc_70: float
    mean_iou: float


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
    low, high = bootstrap_interval(100.0 * (ious > 0.5))
    return Row(
        name=name,
        uses_labels=uses_labels,
        oracle=oracle,
        gt_known_loc=gt_known_loc(ious),
        interval=(low, high),
        gt_known_loc_70=gt_known_loc(ious, threshold=0.7),
        mean_iou=mean_iou(ious),
    )


def as_json(
    data: str, images: int, rows: Sequence[Row], corloc: Mapping[str, float] | None = None
) -> dict[str, Any]:
    """One object: the data set's name, how many pictures were scored, the rows, and CorLoc.

    Percentages are rounded to two decimals. `corloc` is that of some rows on the fitted pictures.
    """
    found = {"data": data, "images": images, "rows": [_rounded(row) for row in rows]}
    return {**found, "corloc": dict(corloc)} if corloc else found


def print_table(rows: Sequence[Row], title: str, console: Console | None = None) -> None:
    """Print the rows, with a mark where labels or the scored truth were used."""
    table = Table(title=title)
    table.add_column("name", no_wrap=True)
    for heading in ("GT-known Loc", "95 % interval", "at IoU > 0.7", "mean IoU"):
        table.add_column(heading, justify="right")
    for heading in ("uses labels", "oracle"):
        table.add_column(heading, justify="center")
    for row in rows:
        low, high = row.interval
        table.add_row(
            row.name,
            f"{row.gt_known_loc:.1f}",
            f"{low:.1f}–{high:.1f}",
            f"{row.gt_known_loc_70:.1f}",
            f"{row.mean_iou:.1f}",
            "yes" if row.uses_labels else "",
            "yes" if row.oracle else "",
        )
    (console or Console()).print(table)


def _rounded(row: Row) -> dict[str, Any]:
    values = asdict(row)
    for key in ("gt_known_loc", "gt_known_loc_70", "mean_iou"):
        values[key] = round(values[key], 2)
    values["interval"] = [round(end, 2) for end in row.interval]
    return values
