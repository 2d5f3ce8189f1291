"""Constant boxes: what a method must beat before its score means anything."""

import numpy as np

from ganloc.metrics.localization import has_truth
from ganloc.shapes import Float, Int

_GRID = 0.05  # Fractions of a side.
_COARSE_IMAGES = 500  # Enough to rank the 44,100 boxes of the grid; all images decide later.
_STARTS = 16
_STEPS = (0.02, 0.01, 0.005)
_TINY = 1e-12  # Keeps 0 / 0, a span shrunk to nothing against an empty true box, at 0.


def whole_image(sizes: Int[np.ndarray, "n 2"]) -> Float[np.ndarray, "n 4"]:
    """The image itself as a box; `sizes` are widths and heights in pixels."""
    return _in_pixels(np.array([0.0, 0.0, 1.0, 1.0]), sizes)


def centre(sizes: Int[np.ndarray, "n 2"], fraction: float = 0.8) -> Float[np.ndarray, "n 4"]:
    """A centred box of `fraction` of the width and of the height."""
    margin = (1 - fraction) / 2
    return _in_pixels(np.array([margin, margin, 1 - margin, 1 - margin]), sizes)


def fitted_box(
    sizes: Int[np.ndarray, "n 2"],
    fit_truth: tuple[Float[np.ndarray, "_ 4"], ...],
    fit_sizes: Int[np.ndarray, "k 2"],
) -> Float[np.ndarray, "n 4"]:
    """The one box, in fractions of an image, that scores best on *labelled* training images.

    Args:
        sizes: width and height of each image that gets a box.
        fit_truth: true boxes of the training images, in their pixels.
        fit_sizes: width and height of each training image.

    It maximises GT-known Loc at IoU > 0.5, and the mean IoU among equals. With no true box to fit
    on, it is the whole image.
    """
    return _in_pixels(_fit(fit_truth, fit_sizes), sizes)


def cross_fitted_box(
    truth: tuple[Float[np.ndarray, "_ 4"], ...],
    sizes: Int[np.ndarray, "n 2"],
    folds: int = 5,
    seed: int = 0,
) -> Float[np.ndarray, "n 4"]:
    """`fitted_box` for data without a split: each fold gets the box fitted on the other folds.

    So no image's own label shapes its box. A single image gets the whole image.
    """
    boxes = np.empty((len(sizes), 4))
    fold = np.random.default_rng(seed).permutation(len(sizes)) % folds
    for number in np.unique(fold):
        others = np.flatnonzero(fold != number)
        mine = fold == number
        boxes[mine] = fitted_box(sizes[mine], tuple(truth[i] for i in others), sizes[others])
    return boxes


def _in_pixels(
    fractions: Float[np.ndarray, "4"], sizes: Int[np.ndarray, "n 2"]
) -> Float[np.ndarray, "n 4"]:
    return fractions * np.tile(sizes, 2)


def _fit(
    truth: tuple[Float[np.ndarray, "_ 4"], ...], sizes: Int[np.ndarray, "k 2"]
) -> Float[np.ndarray, "4"]:
    """Rank a grid of boxes on some images, then climb from the best of them on all images."""
    # IoU does not change when an axis is scaled, so fractions can stand for pixels.
    labelled = [truth[i] / np.tile(sizes[i], 2) for i in np.flatnonzero(has_truth(truth))]
    if not labelled:
        return np.array([0.0, 0.0, 1.0, 1.0])
    edges = np.linspace(0, 1, round(1 / _GRID) + 1)
    spans = np.stack([edges[end] for end in np.triu_indices(len(edges), k=1)], axis=1)
    some = labelled[:: -(-len(labelled) // _COARSE_IMAGES)]
    ranked = np.argsort(-_scores(spans, spans, some), axis=None, kind="stable")
    starts = zip(*np.unravel_index(ranked[:_STARTS], (len(spans), len(spans))), strict=True)
    climbed = [_climb(spans[x], spans[y], labelled, _STEPS[0]) for x, y in starts]
    _, x, y = max(climbed, key=lambda found: found[0])
    for step in _STEPS[1:]:
        _, x, y = _climb(x, y, labelled, step)
    return np.array([x[0], y[0], x[1], y[1]])


def _climb(
    x: Float[np.ndarray, "2"], y: Float[np.ndarray, "2"], labelled: list[np.ndarray], step: float
) -> tuple[float, Float[np.ndarray, "2"], Float[np.ndarray, "2"]]:
    """Move every edge by −step, 0 or +step, to the best of the 81 boxes, until none is better."""
    moves = step * np.array(list(np.ndindex(3, 3))) - step
    reached = -1.0
    while True:
        # Sorted, since the ends of a short span may have passed one another.
        xs, ys = (np.sort(np.clip(span + moves, 0, 1), axis=1) for span in (x, y))
        scores = _scores(xs, ys, labelled)
        i, j = np.unravel_index(np.argmax(scores), scores.shape)
        if scores[i, j] <= reached:
            return reached, x, y
        reached, x, y = float(scores[i, j]), xs[i], ys[j]


def _scores(
    xs: Float[np.ndarray, "a 2"], ys: Float[np.ndarray, "b 2"], labelled: list[np.ndarray]
) -> Float[np.ndarray, "a b"]:
    """Score the box of every span of x with every span of y: hits, plus the mean IoU.

    The mean IoU is below one hit, so it only decides between equals.
    """
    boxes = np.concatenate(labelled)
    first = np.cumsum([0, *map(len, labelled[:-1])])
    areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    heights = _overlaps(ys, boxes[:, 1::2])
    scores = np.empty((len(xs), len(ys)))
    # An overlap is a width times a height: both are worked out once, not once a box.
    for row, (x, widths) in enumerate(zip(xs, _overlaps(xs, boxes[:, 0::2]), strict=True)):
        shared = widths * heights
        iou = shared / ((x[1] - x[0]) * (ys[:, 1:] - ys[:, :1]) + areas - shared + _TINY)
        best = np.maximum.reduceat(iou, first, axis=1)
        scores[row] = (best > 0.5).sum(axis=1) + best.mean(axis=1)
    return scores


def _overlaps(
    spans: Float[np.ndarray, "a 2"], others: Float[np.ndarray, "t 2"]
) -> Float[np.ndarray, "a t"]:
    """Length that each span shares with each other one."""
    low = np.maximum(spans[:, :1], others[:, 0])
    high = np.minimum(spans[:, 1:], others[:, 1])
    return np.maximum(high - low, 0)
