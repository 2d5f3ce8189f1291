"""Metrics of several objects an image: COCO's average precision and recall, and counts."""

import contextlib
import io
import warnings
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from typing import Any

import numpy as np

from ganloc.errors import UserError
from ganloc.metrics.localization import evaluable
from ganloc.shapes import Float, Int

MOST = 100  # objects of an image that COCO's metrics look at, those with the highest scores


@dataclass(frozen=True)
class ObjectsRow:
    """Metrics of one method that finds any number of objects in an image.

    Attributes:
        name: the method.
        ap_50: average precision at IoU ≥ 0.5, 0–100.
        ap: the mean of average precisions at IoU ≥ 0.5, 0.55, … 0.95, 0–100.
        average_recall: the mean recall at the same IoUs, 0–100.
        count_error: mean absolute difference of the found and the true number of objects.
        right_count: percentage of images with the right number.
    """

    name: str
    ap_50: float
    ap: float
    average_recall: float
    count_error: float
    right_count: float


def evaluate_objects(
    name: str,
    image: Int[np.ndarray, " k"],
    boxes: Float[np.ndarray, "k 4"],
    scores: Float[np.ndarray, " k"],
    truth: tuple[Float[np.ndarray, "_ 4"], ...],
) -> ObjectsRow:
    """The row of a method. Images without a true box count: nothing should be found there.

    Average precision and recall are pycocotools' (at most `MOST` objects an image, all sizes).

    Args:
        name: the method.
        image: index of each object's image.
        boxes: of the objects, xyxy, half-open, in pixels of the originals.
        scores: of the objects.
        truth: true boxes of each image, as `boxes`.

    Raises:
        UserError: no image has a true box, or pycocotools is not installed.
    """
    evaluable(truth)
    check_pycocotools()
    counts = np.bincount(image, minlength=len(truth))
    differences = counts - np.array([len(own) for own in truth])
    precision, recall = _precision_and_recall(image, boxes, scores, truth)
    return ObjectsRow(
        name=name,
        ap_50=100.0 * float(precision[0].mean()),
        ap=100.0 * float(precision.mean()),
        average_recall=100.0 * float(recall.mean()),
        count_error=float(abs(differences).mean()),
        right_count=100.0 * float((differences == 0).mean()),
    )


def has_pycocotools() -> bool:
    """Whether `evaluate_objects` can run."""
    return find_spec("pycocotools") is not None


def check_pycocotools() -> None:
    """Raise a UserError if pycocotools is not installed."""
    if not has_pycocotools():
        raise UserError(
            "Average precision needs pycocotools, which is not installed: "
            "pip install 'ganloc[coco]'."
        )


def objects_as_json(rows: Sequence[ObjectsRow]) -> list[dict[str, Any]]:
    """The rows, rounded to two decimals.

    >>> objects_as_json([ObjectsRow("all", 50.0, 33.333, 40.0, 0.5, 75.0)])[0]["ap"]
    33.33
    """
    return [
        {key: value if isinstance(value, str) else round(value, 2) for key, value in own.items()}
        for own in map(asdict, rows)
    ]


def _precision_and_recall(
    image: Int[np.ndarray, " k"],
    boxes: Float[np.ndarray, "k 4"],
    scores: Float[np.ndarray, " k"],
    truth: tuple[Float[np.ndarray, "_ 4"], ...],
) -> tuple[Float[np.ndarray, "ious recalls"], Float[np.ndarray, " ious"]]:
    """Precision at each IoU and recall of pycocotools, and the highest recall at each IoU, 0–1."""
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    owner = np.repeat(np.arange(len(truth)), [len(own) for own in truth])
    true_set = {
        "images": [{"id": index + 1} for index in range(len(truth))],
        "categories": [{"id": 1}],
        "annotations": [
            {**one, "id": number, "iscrowd": 0}
            for number, one in enumerate(_annotations(owner, np.concatenate(truth)), start=1)
        ],
    }
    found = [
        {**one, "score": score}
        for one, score in zip(_annotations(image, boxes), scores.tolist(), strict=True)
    ]
    with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # their own
        data: Any = COCO()
        data.dataset = true_set
        data.createIndex()
        # `loadRes` fails on a list without objects.
        measured = COCOeval(data, data.loadRes(found) if found else COCO(), "bbox")
        measured.params.maxDets = [MOST]
        measured.params.areaRng, measured.params.areaRngLbl = [[0, 1e10]], ["all"]
        measured.evaluate()
        measured.accumulate()
    return measured.eval["precision"][:, :, 0, 0, 0], measured.eval["recall"][:, 0, 0, 0]


def _annotations(
    image: Int[np.ndarray, " k"], boxes: Float[np.ndarray, "k 4"]
) -> list[dict[str, Any]]:
    sides = boxes[:, 2:] - boxes[:, :2]
    rows = zip(image.tolist(), boxes[:, :2].tolist(), sides.tolist(), strict=True)
    return [
        {"image_id": index + 1, "category_id": 1, "bbox": [*corner, *own], "area": own[0] * own[1]}
        for index, corner, own in rows
    ]
