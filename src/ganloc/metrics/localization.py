"""How many objects were found: GT-known Loc and the mean IoU, in percent.

Both take the IoU of an image's one box with the closest of its true boxes. An image without a true
box has no right answer and is left out: `has_truth` says which to keep. By custom GT-known Loc
scores held-out images; on the very images that were fitted, where no label was seen, it is called
CorLoc (Deselaers, Alexe, Ferrari, IJCV 2012).
"""

import numpy as np

from ganloc.errors import UserError
from ganloc.shapes import Bool, Float


def has_truth(truth: tuple[Float[np.ndarray, "_ 4"], ...]) -> Bool[np.ndarray, " n"]:
    """Which images have at least one true box, and so can be scored."""
    return np.array([len(own) > 0 for own in truth], dtype=bool)


def scorable(truth: tuple[Float[np.ndarray, "_ 4"], ...]) -> Bool[np.ndarray, " n"]:
    """`has_truth`, where that leaves something to score.

    Raises:
        UserError: no image has a true box.
    """
    scored = has_truth(truth)
    if not scored.any():
        raise UserError("No image has a true box, so nothing can be scored: give a truth file.")
    return scored


def gt_known_loc(ious: Float[np.ndarray, " n"], threshold: float = 0.5) -> float:
    """Localization accuracy where the class is known, 0–100: the share of IoUs above `threshold`.

    Strictly above: "greater than 50 %" in the paper's section on evaluation. NaN for no images.
    """
    return 100 * float(np.mean(ious > threshold)) if len(ious) else float("nan")


def mean_iou(ious: Float[np.ndarray, " n"]) -> float:
    """The mean of the IoUs, 0–100. NaN for no images."""
    return 100 * float(np.mean(ious)) if len(ious) else float("nan")
