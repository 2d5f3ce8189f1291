"""Label-free signals of the boxes that a model delivers, on which its verdict rests."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

import numpy as np

from ganloc.box.detections import Detections
from ganloc.box.iou import area, iou
from ganloc.heatmap.colour_contrast import colour_contrast
from ganloc.images.image_set import ImageSet
from ganloc.metrics.baselines import centre
from ganloc.model import Model
from ganloc.shapes import Bool, Float
from ganloc.student.evidence import contrast, evidence
from ganloc.student.paint_over import paint_over
from ganloc.student.score import chances

JUDGED = 100  # images on which boxes are judged, at most


@dataclass(frozen=True)
class Delivered:
    """Signals of the boxes that a model delivers on its training images.

    Attributes:
        score: mean score of the boxes; for a discriminator's reading their mean colour contrast
            (student/evidence.py).
        centred: the same for a centred box of 0.8 of width and height.
        coverage: median area of the boxes, in fractions of the image.
        fall: mean fall of a student's score once its boxes are painted over (student/paint_over.py)
            and others are found, without refinement. It is near 0 if the others look as good: there
            are several objects in an image, or none. None for a discriminator's reading, and if
            every box covers its image.
    """

    score: float
    centred: float
    coverage: float
    fall: float | None

    def to_dict(self) -> dict[str, float | None]:
        """The signals by name, for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Delivered":
        """The inverse of `to_dict`. Other keys are ignored. Raises KeyError if one is missing."""
        return cls(*(values[field.name] for field in fields(cls)))


def measure_delivered(model: Model, images: ImageSet, found: Detections) -> Delivered:
    """Measure the signals of a model's boxes.

    Args:
        model: whose default reading found them.
        images: training images, at least one.
        found: the boxes that are delivered.
    """
    centred = centre(np.ones_like(images.sizes))  # in fractions
    student, fall = model.student_of(model.reading), None
    if student is None:
        contrasts = colour_contrast(images.pixels)
        scores, scores_of_centred = (contrast(contrasts, one) for one in (found.boxes, centred))
    else:
        masks = model.heatmaps(images, model.reading)
        scores = found.scores
        scores_of_centred = chances(evidence(student, images.pixels, masks, centred))
        painted, changed = painted_over(images, found.boxes)
        if changed.any():
            masks = model.heatmaps(painted, model.reading)
            others = model.cut(masks, model.reading).boxes
            scores_of_others = chances(evidence(student, painted.pixels, masks, others))
            fall = float((scores - scores_of_others)[changed].mean())
    return Delivered(
        score=float(scores.mean()),
        centred=float(scores_of_centred.mean()),
        coverage=float(np.median(area(found.boxes))),
        fall=fall,
    )


def painted_over(
    images: ImageSet, boxes: Float[np.ndarray, "n 4"]
) -> tuple[ImageSet, Bool[np.ndarray, " n"]]:
    """Images whose boxes are painted over, and whether each has changed."""
    painted = replace(images, pixels=paint_over(images.pixels, boxes), archive=None)
    return painted, (painted.pixels != images.pixels).any(axis=(1, 2, 3))


def learned(boxes: Float[np.ndarray, "n 4"], taught: Float[np.ndarray, "n 4"]) -> float:
    """How much better a student knows the boxes that it was taught than a constant box does.

    It is the mean IoU of its boxes with them, minus that of their median box, −1 to 1. A student
    that is not above 0 did not learn.

    >>> taught = np.array([[0.0, 0.0, 0.5, 1.0], [0.0, 0.0, 0.5, 1.0], [0.0, 0.0, 1.0, 1.0]])
    >>> round(learned(taught, taught), 3)  # the median box agrees by 1, 1 and 0.5
    0.167
    """
    constant = np.broadcast_to(np.median(taught, axis=0), taught.shape)
    return float(iou(boxes, taught).mean() - iou(constant, taught).mean())
