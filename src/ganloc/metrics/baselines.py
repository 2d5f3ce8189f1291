"""Constant-box baselines, which any method must beat."""

from collections.abc import Callable

import numpy as np

from ganloc.metrics.localization import has_truth
from ganloc.shapes import Float, Int

_GRID = 0.05  # spacing of the grid of boxes, in sides of the image
_COARSE_IMAGES = 500  # images that rank the 44,100 boxes of the grid; the search uses all images
_STARTS = 16  # boxes of the grid from which the search starts
_STEPS = (0.02, 0.01, 0.005)  # step sizes of the search, in sides of the image
_TINY = 1e-12  # makes the IoU of two empty boxes 0, not 0 / 0


def whole_image(sizes: Int[np.ndarray, "n 2"]) -> Float[np.ndarray, "n 4"]:
    """The whole image as a box (xyxy, pixels), for images of these widths and heights.

    >>> whole_image(np.array([[640, 480]]))
    array([[  0.,   0., 640., 480.]])
    """
    return _in_pixels(np.array([0.0, 0.0, 1.0, 1.0]), sizes)


def centre(sizes: Int[np.ndarray, "n 2"], fraction: float = 0.8) -> Float[np.ndarray, "n 4"]:
    """A centred box (xyxy, pixels) of `fraction` of the width and of the height.

    >>> centre(np.array([[640, 480]]), fraction=0.5)
    array([[160., 120., 480., 360.]])
    """
    margin = (1 - fraction) / 2
    return _in_pixels(np.array([margin, margin, 1 - margin, 1 - margin]), sizes)


def fitted_box(
    sizes: Int[np.ndarray, "n 2"],
    fit_truth: tuple[Float[np.ndarray, "_ 4"], ...],
    fit_sizes: Int[np.ndarray, "k 2"],
) -> Float[np.ndarray, "n 4"]:
    """The constant box that is best on the *labels* of training images.

    The box is constant in fractions of the image. It maximises GT-known Loc at IoU > 0.5, and the
    mean IoU among equals. It is the whole image if there is no true box.

    Args:
        sizes: width and height of each image that gets a box, in pixels.
        fit_truth: true boxes of the training images, xyxy, half-open, in pixels.
        fit_sizes: width and height of each training image, in pixels.

    Returns:
        The box of each image, xyxy, in pixels.
    """
    return _in_pixels(_fit(fit_truth, fit_sizes), sizes)


def cross_fitted_box(
    truth: tuple[Float[np.ndarray, "_ 4"], ...],
    sizes: Int[np.ndarray, "n 2"],
    folds: int = 5,
    seed: int = 0,
) -> Float[np.ndarray, "n 4"]:
    """`fitted_box` for data without a split, by cross-validation.

    Each fold gets the box that was fitted on the other folds, so the box of an image never depends
    on its own label. A single image gets the whole image.

    Args:
        truth: true boxes of each image, xyxy, half-open, in pixels.
        sizes: width and height of each image, in pixels.
        folds: at least 2.
        seed: of the folds.

    Returns:
        The box of each image, xyxy, in pixels.
    """

    def boxes_of(mine: np.ndarray, others: np.ndarray) -> np.ndarray:
        return fitted_box(sizes[mine], tuple(truth[i] for i in others), sizes[others])

    return cross_fitted(len(sizes), boxes_of, folds, seed)


def cross_fitted(
    count: int,
    boxes_of: Callable[[Int[np.ndarray, " mine"], Int[np.ndarray, " others"]], np.ndarray],
    folds: int = 5,
    seed: int = 0,
) -> Float[np.ndarray, "{count} 4"]:
    """Boxes by cross-validation. The boxes of each fold are fitted on the other folds.

    Args:
        count: number of images.
        boxes_of: (indices that get a box, indices to fit on) → boxes of the former.
        folds: at least 2.
        seed: random seed of the folds.
    """
    boxes = np.empty((count, 4))
    fold = np.random.default_rng(seed).permutation(count) % folds
    for number in np.unique(fold):
        mine = np.flatnonzero(fold == number)
        boxes[mine] = boxes_of(mine, np.flatnonzero(fold != number))
    return boxes


def _in_pixels(
    fractions: Float[np.ndarray, "4"], sizes: Int[np.ndarray, "n 2"]
) -> Float[np.ndarray, "n 4"]:
    return fractions * np.tile(sizes, 2)


def _fit(
    truth: tuple[Float[np.ndarray, "_ 4"], ...], sizes: Int[np.ndarray, "k 2"]
) -> Float[np.ndarray, "4"]:
    """Rank a grid of boxes on some images, then search from the best of them on all images."""
    # IoU does not depend on the scale of an axis, so fractions can replace pixels.
    labelled = [truth[i] / np.tile(sizes[i], 2) for i in np.flatnonzero(has_truth(truth))]
    if not labelled:
        return np.array([0.0, 0.0, 1.0, 1.0])
    edges = np.linspace(0, 1, round(1 / _GRID) + 1)
    spans = np.stack([edges[end] for end in np.triu_indices(len(edges), k=1)], axis=1)
    some = labelled[:: -(-len(labelled) // _COARSE_IMAGES)]
    ranked = np.argsort(-_values(spans, spans, some), axis=None, kind="stable")
    starts = zip(*np.unravel_index(ranked[:_STARTS], (len(spans), len(spans))), strict=True)
    climbed = [_climb(spans[x], spans[y], labelled, _STEPS[0]) for x, y in starts]
    _, x, y = max(climbed, key=lambda found: found[0])
    for step in _STEPS[1:]:
        _, x, y = _climb(x, y, labelled, step)
    return np.array([x[0], y[0], x[1], y[1]])


def _climb(
    x: Float[np.ndarray, "2"], y: Float[np.ndarray, "2"], labelled: list[np.ndarray], step: float
) -> tuple[float, Float[np.ndarray, "2"], Float[np.ndarray, "2"]]:
    """Local search: move every edge by −step, 0 or +step as long as the box improves.

    Returns:
        The value of the box, and its spans in x and y.
    """
    moves = step * np.array(list(np.ndindex(3, 3))) - step
    reached = -1.0
    while True:
        # Sorted, because the ends of a short span may cross.
        xs, ys = (np.sort(np.clip(span + moves, 0, 1), axis=1) for span in (x, y))
        values = _values(xs, ys, labelled)
        i, j = np.unravel_index(np.argmax(values), values.shape)
        if values[i, j] <= reached:
            return reached, x, y
        reached, x, y = float(values[i, j]), xs[i], ys[j]


def _values(
    xs: Float[np.ndarray, "a 2"], ys: Float[np.ndarray, "b 2"], labelled: list[np.ndarray]
) -> Float[np.ndarray, "a b"]:
    """Hits plus mean IoU of the box of every span in x with every span in y.

    The mean IoU is less than one hit, so it only breaks ties.
    """
    boxes = np.concatenate(labelled)
    first = np.cumsum([0, *map(len, labelled[:-1])])
    areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    heights = _overlaps(ys, boxes[:, 1::2])
    values = np.empty((len(xs), len(ys)))
    # An intersection is a width times a height. Each is computed once, not once a box.
    for row, (x, widths) in enumerate(zip(xs, _overlaps(xs, boxes[:, 0::2]), strict=True)):
        shared = widths * heights
        iou = shared / ((x[1] - x[0]) * (ys[:, 1:] - ys[:, :1]) + areas - shared + _TINY)
        best = np.maximum.reduceat(iou, first, axis=1)
        values[row] = (best > 0.5).sum(axis=1) + best.mean(axis=1)
    return values


def _overlaps(
    spans: Float[np.ndarray, "a 2"], others: Float[np.ndarray, "t 2"]
) -> Float[np.ndarray, "a t"]:
    """Length of the intersection of each span of `spans` with each of `others`."""
    low = np.maximum(spans[:, :1], others[:, 0])
    high = np.minimum(spans[:, 1:], others[:, 1])
    return np.maximum(high - low, 0)
