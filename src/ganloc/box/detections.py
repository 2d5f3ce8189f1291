"""Detections: the box, score and heatmap of every image of a set."""

from dataclasses import dataclass

import numpy as np

from ganloc.box.from_heatmap import boxes_from_heatmaps, normalise, resize
from ganloc.images.batches import CUT, batched
from ganloc.shapes import Float

ROUNDING = 1e-6  # tolerance in cells, so that an edge between two cells touches only one


@dataclass(frozen=True)
class Detections:
    """One detection an image.

    Attributes:
        boxes: xyxy, half-open, in fractions of each image. `ImageSet.in_pixels` converts them to
            pixels of the originals.
        heatmaps: 0–1, at the network's size.
        scores: of each box, 0–1: its heatmap's contrast (`box_scores`) or, for a student's, the
            chance that it is right (student/score.py).
        outlier_scores: outlier score of each image, 0 and above; None if the model has no outlier
            model.
    """

    boxes: Float[np.ndarray, "n 4"]
    heatmaps: Float[np.ndarray, "n size size"]
    scores: Float[np.ndarray, " n"]
    outlier_scores: Float[np.ndarray, " n"] | None = None

    @classmethod
    def from_heatmaps(
        cls,
        heatmaps: Float[np.ndarray, "n h w"],
        size: int,
        threshold: float,
        otsu: bool = False,
    ) -> "Detections":
        """Cut a box from each heatmap. Arguments and errors are those of `boxes_from_heatmaps`."""
        boxes = boxes_from_heatmaps(heatmaps, size, threshold, otsu)
        full = normalise(resize(heatmaps, size)).astype(np.float32)
        return cls(boxes, full, box_scores(full, boxes))


def box_scores(
    heatmaps: Float[np.ndarray, "n size size"], boxes: Float[np.ndarray, "n 4"]
) -> Float[np.ndarray, " n"]:
    """Contrast of each box: the mean of the heatmap inside minus the mean outside, at least 0.

    Every pixel that the box touches is inside. A box that covers the whole image scores 0.

    Args:
        heatmaps: 0–1.
        boxes: xyxy, half-open, in fractions of the image.

    >>> heatmap = np.zeros((1, 4, 4))
    >>> heatmap[0, :2, :2] = 1.0
    >>> box_scores(heatmap, np.array([[0.0, 0.0, 0.5, 1.0]]))  # half of the box is on the object
    array([0.5])
    """
    scores = np.empty(len(boxes))
    for part in batched(len(boxes), CUT):
        scores[part] = _contrast(heatmaps[part], boxes[part])
    return scores


def _contrast(
    heatmaps: Float[np.ndarray, "n size size"], boxes: Float[np.ndarray, "n 4"]
) -> Float[np.ndarray, " n"]:
    size = heatmaps.shape[1]
    cells = boxes * size
    low, high = np.floor(cells[:, :2] + ROUNDING), np.ceil(cells[:, 2:] - ROUNDING)
    x0, y0, x1, y1 = np.concatenate([low, high], axis=1).T[:, :, None]
    at = np.arange(size)
    columns, rows = (at >= x0) & (at < x1), (at >= y0) & (at < y1)
    inside = rows[:, :, None] & columns[:, None, :]
    count = inside.sum(axis=(1, 2))
    within = np.where(inside, heatmaps, 0.0).sum(axis=(1, 2), dtype=float)
    beyond = np.where(inside, 0.0, heatmaps).sum(axis=(1, 2), dtype=float)
    contrast = within / count.clip(1) - beyond / (size**2 - count).clip(1)
    return np.where(count < size**2, contrast, 0.0).clip(0.0, 1.0)
