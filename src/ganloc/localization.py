"""What `Localizer.localize` gives: the objects of each image."""

from dataclasses import dataclass

import numpy as np

from ganloc.box.detections import Detections
from ganloc.box.soft_mask import SoftMask
from ganloc.images.image_set import ImageSet
from ganloc.shapes import Bool, Float

Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class LocalizedObject:
    """One object of an image.

    Attributes:
        box: x0, y0, x1, y1 in pixels of the original image, half-open.
        score: of a student's box, the chance that it is right (IoU > 0.5), 0–1 (student/score.py);
            of another reading's, how much its heatmap is higher in the box than around it.
        soft_mask: of the whole image, from which `mask` is made.
        size: width and height of the original image.
    """

    box: Box
    score: float
    soft_mask: SoftMask
    size: tuple[int, int]

    @property
    def mask(self) -> Bool[np.ndarray, "height width"]:
        """The pixels of the original image that belong to the object. Made anew each time."""
        return self.soft_mask.at(*self.size)


@dataclass(frozen=True)
class Localization:
    """The objects of one image, by default one.

    Attributes:
        path: of the image, relative to its folder or archive.
        box: of the object with the highest score, as in `LocalizedObject`; None if there is no
            object.
        score: of this object; None if there is none.
        heatmap: 0–1, large where the objects are, at the network's size.
        outlier: outlier score, 0 and above. An image that scores 1 or more stands out from the
            training images, and may not belong to the folder. None if there were fewer than 20
            training images, or if the training was stopped.
        objects: all objects, the highest score first. There is one unless `max_objects` or
            `min_score` was given.
    """

    path: str
    box: Box | None
    score: float | None
    heatmap: Float[np.ndarray, "size size"]
    outlier: float | None = None
    objects: tuple[LocalizedObject, ...] = ()


def localizations(images: ImageSet, found: Detections) -> list[Localization]:
    """Detections as one `Localization` an image, with boxes in pixels of the originals."""
    boxes, sizes = found.in_pixels(images).tolist(), images.sizes.tolist()
    outliers = found.outlier_scores
    listed = []
    for index, (name, heatmap) in enumerate(zip(images.names, found.heatmaps, strict=True)):
        objects = tuple(
            LocalizedObject(
                tuple(boxes[k]), float(found.scores[k]), found.masks[k], tuple(sizes[index])
            )
            for k in found.of(index)
        )
        box, score = (objects[0].box, objects[0].score) if objects else (None, None)
        outlier = None if outliers is None else float(outliers[index])
        listed.append(Localization(name, box, score, heatmap, outlier, objects))
    return listed
