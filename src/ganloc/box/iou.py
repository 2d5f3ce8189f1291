"""Intersection over union (IoU) of boxes.

Boxes are xyxy and half-open: [0, 0, 8, 8] has the area 64.
"""

import numpy as np

from ganloc.shapes import Float, Int


def area(boxes: Float[np.ndarray, "*n 4"]) -> Float[np.ndarray, "*n"]:
    """Area of each box; 0 if x1 < x0 or y1 < y0.

    >>> area(np.array([[0.0, 0.0, 8.0, 8.0], [2.0, 0.0, 1.0, 5.0]]))
    array([64.,  0.])
    """
    return np.maximum(boxes[..., 2:] - boxes[..., :2], 0).prod(axis=-1)


def iou(a: Float[np.ndarray, "*n 4"], b: Float[np.ndarray, "*n 4"]) -> Float[np.ndarray, "*n"]:
    """IoU of each box of `a` with the box of `b` at the same index, 0–1; 0 if both are empty.

    >>> a = np.array([[0.0, 0.0, 2.0, 2.0], [0.0, 0.0, 2.0, 2.0]])
    >>> b = np.array([[0.0, 0.0, 2.0, 4.0], [2.0, 2.0, 3.0, 3.0]])
    >>> iou(a, b)
    array([0.5, 0. ])
    """
    top_left = np.maximum(a[..., :2], b[..., :2])
    bottom_right = np.minimum(a[..., 2:], b[..., 2:])
    shared = area(np.concatenate([top_left, bottom_right], axis=-1))
    union = area(a) + area(b) - shared
    return np.divide(shared, union, out=np.zeros_like(union), where=union > 0)


def best_iou(
    boxes: Float[np.ndarray, "n 4"], truth: tuple[Float[np.ndarray, "_ 4"], ...]
) -> Float[np.ndarray, " n"]:
    """The highest IoU of each image's box with any of its true boxes; 0 if there is no true box.

    Raises:
        ValueError: `boxes` and `truth` have different lengths.

    >>> truth = (np.array([[0.0, 0.0, 1.0, 1.0], [0.0, 0.0, 2.0, 4.0]]), np.zeros((0, 4)))
    >>> best_iou(np.array([[0.0, 0.0, 2.0, 2.0], [0.0, 0.0, 2.0, 2.0]]), truth)
    array([0.5, 0. ])
    """
    if len(boxes) != len(truth):
        raise ValueError(f"{len(boxes)} boxes, but the true boxes of {len(truth)} images.")
    best = np.zeros(len(boxes))
    if len(boxes):
        owner = np.repeat(np.arange(len(truth)), [len(own) for own in truth])
        np.maximum.at(best, owner, iou(boxes[owner], np.concatenate(truth)))
    return best


def non_maximum_suppression(
    boxes: Float[np.ndarray, "k 4"], overlap: float
) -> Int[np.ndarray, " kept"]:
    """The indices of boxes without those that overlap a better one that is kept.

    Args:
        boxes: xyxy, the best first.
        overlap: IoU up to which two boxes are both kept.

    >>> boxes = np.array([[0.0, 0.0, 4.0, 4.0], [1.0, 0.0, 4.0, 4.0], [3.0, 3.0, 6.0, 6.0]])
    >>> non_maximum_suppression(boxes, overlap=0.5)
    array([0, 2])
    """
    kept: list[int] = []
    for index in range(len(boxes)):
        better = boxes[kept]
        if not (iou(np.broadcast_to(boxes[index], better.shape), better) > overlap).any():
            kept.append(index)
    return np.array(kept, dtype=int)
