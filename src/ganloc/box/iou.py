"""Intersection over union (IoU) of boxes.

Boxes are xyxy, half-open, so that an 8 × 8 box has the area 64 and, against itself, the IoU 1.
"""

import numpy as np

from ganloc.shapes import Float


def area(boxes: Float[np.ndarray, "*n 4"]) -> Float[np.ndarray, "*n"]:
    """Area of each box; 0 where it ends before it starts."""
    return np.maximum(boxes[..., 2:] - boxes[..., :2], 0).prod(axis=-1)


def iou(a: Float[np.ndarray, "*n 4"], b: Float[np.ndarray, "*n 4"]) -> Float[np.ndarray, "*n"]:
    """IoU of the boxes in `a` with the boxes beside them in `b`, 0–1; 0 where both are empty."""
    top_left = np.maximum(a[..., :2], b[..., :2])
    bottom_right = np.minimum(a[..., 2:], b[..., 2:])
    shared = area(np.concatenate([top_left, bottom_right], axis=-1))
    union = area(a) + area(b) - shared
    return np.divide(shared, union, out=np.zeros_like(union), where=union > 0)


def best_iou(
    boxes: Float[np.ndarray, "n 4"], truth: tuple[Float[np.ndarray, "_ 4"], ...]
) -> Float[np.ndarray, " n"]:
    """IoU of each image's box with the closest of that image's true boxes, 0 where it has none.

    Raises:
        ValueError: `boxes` and `truth` are not equally long.
    """
    if len(boxes) != len(truth):
        raise ValueError(f"{len(boxes)} boxes, but the true boxes of {len(truth)} images.")
    best = np.zeros(len(boxes))
    if len(boxes):
        owner = np.repeat(np.arange(len(truth)), [len(own) for own in truth])
        np.maximum.at(best, owner, iou(boxes[owner], np.concatenate(truth)))
    return best
