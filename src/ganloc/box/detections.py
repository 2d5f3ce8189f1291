"""Detections: the objects of every image of a set, each with box, mask and score."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ganloc.box.from_heatmap import cut, normalise, resize
from ganloc.box.instances import find_instances
from ganloc.box.iou import non_maximum_suppression
from ganloc.box.otsu import otsu_thresholds
from ganloc.box.soft_mask import WHOLE, SoftMask
from ganloc.errors import UserError
from ganloc.images.batches import CUT, batched
from ganloc.images.image_set import ImageSet
from ganloc.shapes import Float, Int
from ganloc.wording import option, shown

ALL = "all"  # no limit of the number of objects
SAME = 0.5  # IoU above which two boxes of an image are one object
ROUNDING = 1e-6  # tolerance in cells, so that an edge between two cells touches only one


@dataclass(frozen=True)
class Detections:
    """The objects of a set of images: their boxes, masks and scores, image by image.

    By default there is one object an image, so that row i of everything is that of image i.

    Attributes:
        image: index of the image of each object, ascending, the best score of each image first.
        boxes: of each object, xyxy, half-open, in fractions of its image. `in_pixels` converts them
            to pixels of the originals.
        scores: of each box, 0–1: its heatmap's contrast (`box_scores`) or, for a student's, the
            chance that it is right (student/score.py).
        masks: of each object.
        heatmaps: of each image, 0–1, at the network's size.
        outlier_scores: outlier score of each image, 0 and above; None if the model has no outlier
            model.
    """

    image: Int[np.ndarray, " k"]
    boxes: Float[np.ndarray, "k 4"]
    scores: Float[np.ndarray, " k"]
    masks: tuple[SoftMask, ...]
    heatmaps: Float[np.ndarray, "n size size"]
    outlier_scores: Float[np.ndarray, " n"] | None = None

    def __len__(self) -> int:
        """The number of objects."""
        return len(self.image)

    @classmethod
    def from_heatmaps(
        cls,
        heatmaps: Float[np.ndarray, "n h w"],
        size: int,
        threshold: float,
        otsu: bool = False,
        several: bool = False,
    ) -> "Detections":
        """Cut objects from each heatmap: the largest or, with `several`, all of them.

        Other arguments and errors are those of `boxes_from_heatmaps`, objects those of
        `find_instances`.
        """
        full = normalise(resize(heatmaps, size)).astype(np.float32)
        levels = threshold * (otsu_thresholds(full) if otsu else np.ones(len(full)))
        found = find_instances(cut(heatmaps, size, threshold, otsu), full, levels, several)
        scores = box_scores(full, found.boxes, found.image)
        return cls(found.image, found.boxes, scores, found.masks, full)

    @classmethod
    def one_each(
        cls,
        boxes: Float[np.ndarray, "n 4"],
        heatmaps: Float[np.ndarray, "n size size"],
        scores: Float[np.ndarray, " n"],
        outlier_scores: Float[np.ndarray, " n"] | None = None,
        level: float = 0.5,
    ) -> "Detections":
        """One object an image, whose mask is the heatmap where it is above a level.

        >>> found = Detections.one_each(np.zeros((2, 4)), np.ones((2, 8, 8)), np.ones(2))
        >>> found.image, found.masks[1].at(2, 1)
        (array([0, 1]), array([[ True,  True]]))
        """
        masks = tuple(SoftMask(heatmap, level) for heatmap in heatmaps)
        return cls(np.arange(len(boxes)), boxes, scores, masks, heatmaps, outlier_scores)

    def of(self, index: int) -> range:
        """The objects of one image, the best first."""
        return range(*np.searchsorted(self.image, [index, index + 1]).tolist())

    @property
    def best_boxes(self) -> Float[np.ndarray, "n 4"]:
        """The box with the highest score of each image; all of an image without an object."""
        boxes = np.tile(np.array(WHOLE), (len(self.heatmaps), 1))
        boxes[self.image[::-1]] = self.boxes[::-1]  # the first, which is the best, comes last
        return boxes

    @property
    def counts(self) -> Int[np.ndarray, " n"]:
        """The number of objects of each image."""
        return np.bincount(self.image, minlength=len(self.heatmaps))

    @property
    def best_scores(self) -> Float[np.ndarray, " n"]:
        """The highest score of each image; 0 where there is no object."""
        best = np.zeros(len(self.heatmaps))
        np.maximum.at(best, self.image, self.scores)
        return best

    def in_pixels(self, images: ImageSet) -> Float[np.ndarray, "k 4"]:
        """The boxes in pixels of the originals."""
        return self.boxes * np.tile(images.sizes[self.image], 2)

    def select(self, max_objects: int | None, min_score: float = 0.0) -> "Detections":
        """The best objects of each image, those with the highest scores.

        Boxes that coincide (IoU above `SAME`) are one object, that with the highest score.

        Args:
            max_objects: of an image; None for any number.
            min_score: that an object needs.
        """
        kept: list[int] = []
        order = np.lexsort((-self.scores, self.image))
        for own in np.split(order, np.flatnonzero(np.diff(self.image)) + 1):
            own = own[~(self.scores[own] < min_score)]  # a score that is not a number stays
            kept += own[non_maximum_suppression(self.boxes[own], SAME)][:max_objects].tolist()
        return replace(
            self,
            image=self.image[kept],
            boxes=self.boxes[kept],
            scores=self.scores[kept],
            masks=tuple(self.masks[index] for index in kept),
        )


def box_scores(
    heatmaps: Float[np.ndarray, "n size size"],
    boxes: Float[np.ndarray, "k 4"],
    image: Int[np.ndarray, " k"] | None = None,
) -> Float[np.ndarray, " k"]:
    """Contrast of each box: the mean of the heatmap inside minus the mean outside, at least 0.

    Every pixel that the box touches is inside. A box that covers the whole image scores 0.

    Args:
        heatmaps: 0–1.
        boxes: xyxy, half-open, in fractions of the image.
        image: index of each box's heatmap. By default there is one box a heatmap.

    >>> heatmap = np.zeros((1, 4, 4))
    >>> heatmap[0, :2, :2] = 1.0
    >>> box_scores(heatmap, np.array([[0.0, 0.0, 0.5, 1.0]]))  # half of the box is on the object
    array([0.5])
    """
    image = np.arange(len(boxes)) if image is None else image
    scores = np.empty(len(boxes))
    for part in batched(len(boxes), CUT):
        scores[part] = _contrast(heatmaps[image[part]], boxes[part])
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


def check_objects(max_objects: Any, min_score: Any) -> None:
    """Check a number of objects, "all" for any, None by default, and the score that each needs.

    Raises:
        TypeError: one is no number.
        UserError: the number is below 1, or the score not in [0, 1].

    >>> check_objects(None, 0.5)
    """
    name, least = option("max_objects"), option("min_score")
    if max_objects is not None and max_objects != ALL:
        if isinstance(max_objects, bool) or not isinstance(max_objects, int | np.integer):
            raise TypeError(f"{name} must be a whole number or all, not {shown(max_objects)}.")
        if max_objects < 1:
            raise UserError(f"{name} is {max_objects}: ask for at least one object an image.")
    if isinstance(min_score, bool) or not isinstance(min_score, int | float | np.number):
        raise TypeError(f"{least} must be a number, not {shown(min_score)}.")
    if not 0.0 <= min_score <= 1.0:
        raise UserError(f"{least} is {min_score}: choose a chance from 0 to 1.")
