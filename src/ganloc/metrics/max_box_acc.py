"""MaxBoxAcc and MaxBoxAccV2: the accuracy of heatmaps at an oracle threshold.

J. Choe, S. J. Oh, S. Lee, S. Chun, Z. Akata, H. Shim, "Evaluating Weakly Supervised Object
Localization Methods Right" (CVPR 2020, arXiv 2001.07437), and V2 of its extension (arXiv
2007.04178). One threshold for all images is chosen on the true boxes of the evaluated images. The
metrics compare heatmaps independently of their thresholds. They are upper bounds: a method in use
must choose a threshold without true boxes.
"""

from dataclasses import dataclass, field

import numpy as np

from ganloc.box.from_heatmap import component_boxes, largest, normalise
from ganloc.box.iou import best_iou
from ganloc.images.batches import CUT, batched
from ganloc.metrics.localization import evaluable, gt_known_loc
from ganloc.shapes import Bool, Float, Int

THRESHOLDS = np.arange(100) / 100
DELTAS = (0.3, 0.5, 0.7)


@dataclass(frozen=True)
class MaxBoxAcc:
    """Oracle metrics of a set of heatmaps, in percent (0–100).

    Attributes:
        max_box_acc: percentage of images whose largest box has IoU > 0.5, at the best threshold.
        threshold: the best threshold, the lowest of equals.
        max_box_acc_v2: percentage of images in which the box of any component has IoU > δ, at the
            best threshold for each δ, averaged over `DELTAS`.
        thresholds_v2: the best threshold for each δ.
        thresholds: all thresholds of the sweep.
        largest_box: percentage of hits of the largest box, for every δ and threshold.
        any_box: percentage of hits of the best of all boxes, for every δ and threshold.
    """

    max_box_acc: float
    threshold: float
    max_box_acc_v2: float
    thresholds_v2: tuple[float, ...]
    thresholds: Float[np.ndarray, " t"] = field(repr=False, compare=False)
    largest_box: Float[np.ndarray, "d t"] = field(repr=False, compare=False)
    any_box: Float[np.ndarray, "d t"] = field(repr=False, compare=False)


def max_box_acc(
    heatmaps: Float[np.ndarray, "n h w"],
    truth: tuple[Float[np.ndarray, "_ 4"], ...],
    sizes: Int[np.ndarray, "n 2"],
    thresholds: Float[np.ndarray, " t"] = THRESHOLDS,
) -> MaxBoxAcc:
    """Evaluate heatmaps at every threshold of a sweep.

    Heatmaps are min-max normalised, a pixel M belongs to the object if M > τ, components are
    8-connected, the largest box is that of the largest area, and a hit is IoU > δ. The authors'
    code differs: it rounds M to 256 steps, takes the contour of the largest area and counts
    IoU ≥ δ. A heatmap that is constant or not finite says nothing: it is a miss at every threshold.
    Images without a true box are left out.

    Args:
        heatmaps: one an image, on any scale, large where the object is. They are cut at their own
            resolution.
        truth: true boxes of each image, xyxy, half-open, in pixels of the original.
        sizes: width and height of each original, in pixels.
        thresholds: ratios of the maximum, each in [0, 1): by default 0, 0.01, …, 0.99.

    Raises:
        UserError: no image has a true box.
        ValueError: there is no threshold, or one is not in [0, 1).

    >>> heatmaps = np.array([[[0.0, 0.3, 1.0, 1.0]]])  # 1 × 4 pixels; the object is the right half
    >>> truth = (np.array([[2.0, 0.0, 4.0, 1.0]]),)
    >>> oracle = max_box_acc(heatmaps, truth, sizes=np.array([[4, 1]]))
    >>> oracle.max_box_acc_v2, oracle.thresholds_v2  # below 0.3 the IoU is 2/3
    (100.0, (0.0, 0.0, 0.3))
    """
    if not len(thresholds) or not ((thresholds >= 0) & (thresholds < 1)).all():
        raise ValueError(f"The thresholds are {thresholds}: each must be in [0, 1).")
    keep = np.flatnonzero(evaluable(truth))
    parts = [
        _ious(heatmaps[part], tuple(truth[i] for i in part), sizes[part], thresholds)
        for part in np.array_split(keep, -(-len(keep) // CUT))
    ]
    largest_box, any_box = (
        np.array([[gt_known_loc(ious, delta) for ious in sweep] for delta in DELTAS])
        for sweep in np.concatenate(parts, axis=2)
    )
    curve = largest_box[DELTAS.index(0.5)]
    return MaxBoxAcc(
        max_box_acc=float(curve.max()),
        threshold=float(thresholds[curve.argmax()]),
        max_box_acc_v2=float(any_box.max(axis=1).mean()),
        thresholds_v2=tuple(thresholds[any_box.argmax(axis=1)].tolist()),
        thresholds=thresholds,
        largest_box=largest_box,
        any_box=any_box,
    )


def says_nothing(heatmaps: Float[np.ndarray, "n h w"]) -> Bool[np.ndarray, " n"]:
    """Heatmaps that are constant or not finite, from which no box can be cut.

    >>> says_nothing(np.array([[[0.0, 1.0]], [[0.5, 0.5]], [[0.0, np.nan]]]))
    array([False,  True,  True])
    """
    parts = [heatmaps[part] for part in batched(len(heatmaps), CUT)]
    found = [normalise(part).min(axis=(1, 2)) > 0 for part in parts]  # all ones, else from 0 to 1
    return np.concatenate([np.zeros(0, bool), *found])


def _ious(
    heatmaps: Float[np.ndarray, "n h w"],
    truth: tuple[Float[np.ndarray, "_ 4"], ...],
    sizes: Int[np.ndarray, "n 2"],
    thresholds: Float[np.ndarray, " t"],
) -> Float[np.ndarray, "2 t n"]:
    """`best_iou` of the largest box and of the best of all boxes, for every threshold."""
    nothing = says_nothing(heatmaps)
    heatmaps = normalise(heatmaps)
    height, width = heatmaps.shape[1:]
    scale = np.tile(sizes, 2)
    ious = np.zeros((2, len(thresholds), len(heatmaps)))
    for row, threshold in enumerate(thresholds.tolist()):
        image, boxes = component_boxes(heatmaps > threshold)
        boxes_in_pixels = boxes * scale[image] / (width, height, width, height)
        each = best_iou(boxes_in_pixels, tuple(truth[i] for i in image))
        ious[0, row] = each[largest(image, boxes)]
        np.maximum.at(ious[1, row], image, each)
    ious[:, :, nothing] = 0.0
    return ious
