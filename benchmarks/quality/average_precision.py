"""Average precision of resampled images, for its bootstrap interval.

pycocotools takes seconds for each sample. Here detections are matched once, image by image, and
only the accumulation is repeated. On all images it gives what pycocotools gives (the tests).
"""

from dataclasses import dataclass

import numpy as np

from ganloc.box.iou import iou
from ganloc.metrics.objects import MOST
from ganloc.shapes import Bool, Float, Int

RECALLS = np.linspace(0.0, 1.0, 101)  # at which COCO reads the precision


@dataclass(frozen=True)
class Matches:
    """Detections of a set of images, the highest score first.

    Attributes:
        image: index of each detection's image.
        right: whether it has a true box of its own.
        truths: number of true boxes of each image.
    """

    image: Int[np.ndarray, " k"]
    right: Bool[np.ndarray, " k"]
    truths: Int[np.ndarray, " n"]

    @classmethod
    def of(
        cls,
        image: Int[np.ndarray, " k"],
        boxes: Float[np.ndarray, "k 4"],
        scores: Float[np.ndarray, " k"],
        truth: tuple[Float[np.ndarray, "_ 4"], ...],
        least: float = 0.5,
    ) -> "Matches":
        """Each detection takes the free true box that it overlaps most, the best score first.

        Args:
            image: index of each detection's image.
            boxes, truth: xyxy in the same unit.
            scores: of the detections.
            least: IoU that a match needs.
        """
        right, counted = np.zeros(len(boxes), bool), np.zeros(len(boxes), bool)
        for index, own in enumerate(truth):
            mine = np.flatnonzero(image == index)
            mine = mine[np.argsort(-scores[mine], kind="stable")][:MOST]
            counted[mine] = True
            free = np.ones(len(own), bool)
            for row in mine:
                overlaps = iou(np.tile(boxes[row], (len(own), 1)), own) * free
                if len(own) and overlaps.max() >= least:
                    free[overlaps.argmax()] = False
                    right[row] = True
        order = np.argsort(-scores, kind="stable")
        order = order[counted[order]]
        return cls(image[order], right[order], np.array([len(own) for own in truth]))

    def average_precision(self, times: Int[np.ndarray, " n"] | None = None) -> float:
        """COCO's average precision, 0–1; NaN if there is no true box.

        Args:
            times: how often each image counts; by default once.

        Two images with a true box each. The better detection is right, the other one is not, so
        half of the boxes are found, at a precision of 1:

        >>> found = Matches(np.array([0, 1]), np.array([True, False]), np.array([1, 1]))
        >>> round(found.average_precision(), 3)  # 51 of 101 recalls, from 0 to 0.5
        0.505
        >>> found.average_precision(np.array([2, 0]))
        1.0
        """
        times = np.ones(len(self.truths), int) if times is None else times
        total, weights = (times * self.truths).sum(), times[self.image]
        if not total:
            return float("nan")
        found = np.cumsum(weights * self.right)
        precision = found / np.cumsum(weights).clip(1)
        highest = np.maximum.accumulate(precision[::-1])[::-1]  # at this recall or a higher one
        at = np.searchsorted(found / total, RECALLS, side="left")
        return float(np.append(highest, 0.0)[at].mean())

    def interval(
        self, samples: int = 1000, seed: int = 0, level: float = 0.95
    ) -> tuple[float, float]:
        """The percentile bootstrap interval of the average precision over images, 0–1."""
        random, count = np.random.default_rng(seed), len(self.truths)
        values = [
            self.average_precision(np.bincount(random.integers(count, size=count), minlength=count))
            for _ in range(samples)
        ]
        tail = (1.0 - level) / 2.0
        low, high = np.nanquantile(values, [tail, 1.0 - tail])
        return float(low), float(high)
