"""Metrics of several methods on one data set, as rows and as JSON."""

import warnings
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from ganloc.box.iou import best_iou
from ganloc.errors import Notice
from ganloc.images.names import first_few
from ganloc.metrics.bootstrap import bootstrap_interval
from ganloc.metrics.localization import evaluable, gt_known_loc, mean_iou
from ganloc.metrics.max_box_acc import MaxBoxAcc, max_box_acc, says_nothing
from ganloc.shapes import Bool, Float, Int


@dataclass(frozen=True)
class Row:
    """Metrics of one method, in percent (0–100), with 95 % bootstrap intervals over images.

    Attributes:
        name: the method.
        uses_labels: the method was fitted on box or class labels.
        oracle: something was chosen on the true boxes of the evaluated images.
        gt_known_loc: percentage of images with IoU > 0.5.
        interval: the interval of `gt_known_loc`.
        gt_known_loc_70: percentage of images with IoU > 0.7.
        mean_iou: mean IoU over images.
        interval_70: the interval of `gt_known_loc_70`.
        interval_iou: the interval of `mean_iou`.
        max_box_acc: oracle metrics of the method's heatmaps; None if it has no heatmaps.
        pretrained: pre-trained features had a part in it.
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
    max_box_acc: MaxBoxAcc | None = None
    pretrained: bool = False


def evaluate_boxes(
    name: str,
    boxes: Float[np.ndarray, "n 4"],
    truth: tuple[Float[np.ndarray, "_ 4"], ...],
    uses_labels: bool = False,
    oracle: bool = False,
    no_credit: Bool[np.ndarray, " n"] | None = None,
) -> Row:
    """The row of a method with one box an image. Images without a true box are left out.

    Args:
        name: the method.
        boxes: xyxy, half-open, in pixels of the originals.
        truth: true boxes of each image, likewise.
        uses_labels: as in `Row`.
        oracle: as in `Row`.
        no_credit: images whose box has an IoU of 0, whatever it is. By default none.

    Raises:
        UserError: no image has a true box.
    """
    ious = best_iou(boxes, truth)
    if no_credit is not None:
        ious[no_credit] = 0.0
    ious = ious[evaluable(truth)]
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


def evaluate_heatmaps(
    name: str,
    heatmaps: Float[np.ndarray, "n h w"],
    boxes: Float[np.ndarray, "n 4"],
    truth: tuple[Float[np.ndarray, "_ 4"], ...],
    sizes: Int[np.ndarray, "n 2"],
    names: Sequence[str] = (),
) -> Row:
    """The row of a method with heatmaps: `evaluate_boxes`, and `max_box_acc` of the heatmaps.

    A heatmap that is constant or not finite says nothing. It gets no credit for its box, which is
    the whole image, and a Notice counts such heatmaps.

    Args:
        name: the method.
        heatmaps: as in `max_box_acc`.
        boxes: xyxy, half-open, in pixels of the originals.
        truth: true boxes of each image, likewise.
        sizes: width and height of each original, in pixels.
        names: of the images, for the Notice.

    Raises:
        UserError: no image has a true box.
    """
    nothing = says_nothing(heatmaps)
    row = evaluate_boxes(name, boxes, truth, no_credit=nothing)
    if nothing.any():
        some = first_few(names[i] for i in np.flatnonzero(nothing).tolist()) if names else ""
        warnings.warn(
            f"{nothing.sum()} of {len(heatmaps)} heatmaps of {name} are constant or not finite"
            f"{f' ({some})' if some else ''}: they get no credit.",
            Notice,
            stacklevel=2,
        )
    return replace(row, max_box_acc=max_box_acc(heatmaps, truth, sizes))


def as_json(
    data: str, images: int, rows: Sequence[Row], corloc: Sequence[Row] = ()
) -> dict[str, Any]:
    """One object: `data`, `images`, `rows`, and `corloc` and `max_box_acc` if any row has them.

    Percentages are rounded to two decimals.

    Args:
        data: name of the data set.
        images: number of evaluated images.
        rows: on the test images.
        corloc: rows on the training images.
    """
    found = {"data": data, "images": images, "rows": [_rounded(row) for row in rows]}
    corlocs = [
        {"name": row["name"], "corloc": row["gt_known_loc"], "interval": row["interval"]}
        for row in map(_rounded, corloc)
    ]
    oracles = [_oracle(row.name, row.max_box_acc) for row in rows if row.max_box_acc]
    extras = {"corloc": corlocs, "max_box_acc": oracles}
    return {**found, **{key: value for key, value in extras.items() if value}}


def _oracle(name: str, best: MaxBoxAcc) -> dict[str, Any]:
    return {
        "name": name,
        "max_box_acc": round(best.max_box_acc, 2),
        "threshold": round(best.threshold, 4),
        "max_box_acc_v2": round(best.max_box_acc_v2, 2),
        "thresholds_v2": [round(threshold, 4) for threshold in best.thresholds_v2],
        "oracle": True,
    }


def _rounded(row: Row) -> dict[str, Any]:
    values = asdict(replace(row, max_box_acc=None))
    del values["max_box_acc"]
    for key, value in values.items():
        if key.startswith("interval"):
            values[key] = [round(end, 2) for end in value]
        elif isinstance(value, float):
            values[key] = round(value, 2)
    return values
