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
from ganloc.shapes import Float
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
        painted: mean score of the boxes that are found once these are painted over
            (student/paint_over.py). It is lower, unless they hold nothing special.
    """

    score: float
    centred: float
    coverage: float
    painted: float

    def to_dict(self) -> dict[str, float]:
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
    painted = replace(images, pixels=paint_over(images.pixels, found.boxes), archive=None)
    of_painted = model.heatmaps(painted, model.reading)
    again = model.cut(of_painted, model.reading).boxes
    student = model.student_of(model.reading)
    if student is None:
        contrasts = colour_contrast(images.pixels)
        scores = contrast(contrasts, found.boxes)
        scores_of_centred = contrast(contrasts, centred)
        scores_of_painted = contrast(colour_contrast(painted.pixels), again)
    else:
        masks = model.heatmaps(images, model.reading)
        scores = found.scores
        scores_of_centred = chances(evidence(student, images.pixels, masks, centred))
        scores_of_painted = chances(evidence(student, painted.pixels, of_painted, again))
    return Delivered(
        score=float(scores.mean()),
        centred=float(scores_of_centred.mean()),
        coverage=float(np.median(area(found.boxes))),
        painted=float(scores_of_painted.mean()),
    )


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
