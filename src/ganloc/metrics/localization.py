"""GT-known Loc and mean IoU, in percent.

Both take `best_iou` of each image: the IoU of its box with the closest true box. Images without a
true box are left out (`has_truth`). GT-known Loc is measured on held-out images. On the training
images, whose labels were not seen, the same value is called CorLoc (Deselaers, Alexe, Ferrari, IJCV
2012).
"""

import numpy as np

from ganloc.errors import UserError
from ganloc.shapes import Bool, Float


def has_truth(truth: tuple[Float[np.ndarray, "_ 4"], ...]) -> Bool[np.ndarray, " n"]:
    """A mask of the images with at least one true box."""
    return np.array([len(own) > 0 for own in truth], dtype=bool)


def evaluable(truth: tuple[Float[np.ndarray, "_ 4"], ...]) -> Bool[np.ndarray, " n"]:
    """`has_truth` of a set with at least one true box.

    Raises:
        UserError: no image has a true box.
    """
    kept = has_truth(truth)
    if not kept.any():
        raise UserError("No image has a true box, so nothing can be measured: give a truth file.")
    return kept


def gt_known_loc(ious: Float[np.ndarray, " n"], threshold: float = 0.5) -> float:
    """GT-known localization accuracy, 0–100: the percentage of IoUs strictly above `threshold`.

    The paper's section on evaluation says "greater than 50 %". The value is NaN for no images.

    >>> gt_known_loc(np.array([0.9, 0.6, 0.5, 0.1]))
    50.0
    """
    return 100 * float(np.mean(ious > threshold)) if len(ious) else float("nan")


def mean_iou(ious: Float[np.ndarray, " n"]) -> float:
    """The mean of the IoUs, 0–100. The value is NaN for no images."""
    return 100 * float(np.mean(ious)) if len(ious) else float("nan")
