"""What `Localizer.localize` gives: the box of each image."""

from dataclasses import dataclass

import numpy as np

from ganloc.box.detections import Detections
from ganloc.images.image_set import ImageSet
from ganloc.shapes import Float


@dataclass(frozen=True)
class Localization:
    """The box of one image.

    Attributes:
        path: of the image, relative to its folder or archive.
        box: x0, y0, x1, y1 in pixels of the original image, half-open.
        score: of a student's box, the chance that it is right (IoU > 0.5), 0–1 (student/score.py);
            of another reading's, how much its heatmap is higher in the box than around it.
        heatmap: 0–1, large where the object is, at the network's size.
        outlier: outlier score, 0 and above. An image that scores 1 or more stands out from the
            training images, and may not belong to the folder. None if there were fewer than 20
            training images, or if the training was stopped.
    """

    path: str
    box: tuple[float, float, float, float]
    score: float
    heatmap: Float[np.ndarray, "size size"]
    outlier: float | None = None


def localizations(images: ImageSet, found: Detections) -> list[Localization]:
    """Detections as one `Localization` an image, with boxes in pixels of the originals."""
    outliers = found.outlier_scores
    return [
        Localization(
            name,
            tuple(box),
            float(score),
            heatmap,
            None if outliers is None else float(outliers[index]),
        )
        for index, (name, box, score, heatmap) in enumerate(
            zip(
                images.names,
                images.in_pixels(found.boxes).tolist(),
                found.scores,
                found.heatmaps,
                strict=True,
            )
        )
    ]
