"""Boxes of a truth file that can be true: the others are refused, dropped or clipped."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ganloc.errors import UserError
from ganloc.images.names import first_few
from ganloc.shapes import Bool, Float, Int

# A box that ends further out, as a share of the image's side, may be corners given as sides.
FAR_OUT = 0.1
ROUNDING = 0.02  # pixels; less is cut off without a word
FEWEST = 10  # boxes that tell that all lie in one quarter of their images


def possible_boxes(
    path: Path,
    names: Sequence[str],
    sizes: Int[np.ndarray, "n 2"],
    bboxes: Float[np.ndarray, "n 4"],
) -> tuple[Bool[np.ndarray, " n"], Float[np.ndarray, "n 4"], list[str]]:
    """Check boxes against the sizes of their images.

    Boxes of zero area and boxes wholly outside are dropped. Boxes that reach out are clipped.

    Args:
        path: the truth file, for messages.
        names: of each box's image.
        sizes: width and height of each box's image, in pixels.
        bboxes: x, y, width, height, as in COCO.

    Returns:
        Which boxes are kept; all boxes as corners (xyxy, half-open, in pixels), clipped; what was
        dropped and clipped, as parts of a sentence.

    Raises:
        UserError: boxes are fractions of the image, or corners instead of sides, or those of an
            image more than twice as large.
    """
    corners = np.concatenate([bboxes[:, :2], bboxes[:, :2] + bboxes[:, 2:]], axis=1)
    flat = (bboxes[:, 2:] == 0).any(axis=1)
    outside = ((corners[:, 2:] <= 0) | (corners[:, :2] >= sizes)).any(axis=1) & ~flat
    kept = ~flat & ~outside
    _refuse(path, names, _fractions(bboxes, sizes) & ~flat, "like fractions of the image", "pixels")
    as_corners = _as_corners(bboxes, sizes)
    _refuse(path, names, as_corners, "like two corners", "x, y, width and height")
    too_large = kept & (corners[:, 2:] > 2 * sizes).any(axis=1)
    _refuse(path, names, too_large, "too large for their images", "pixels of these files")
    clipped = np.clip(corners, 0, np.tile(sizes, 2))
    reach_out = kept & (abs(clipped - corners) > ROUNDING).any(axis=1)
    told = [
        _told(names, flat, "of no area", "left out"),
        _told(names, outside, "outside the image", "left out"),
        _told(names, reach_out, "reaching out of the image", "clipped"),
        _in_one_quarter(clipped[kept], sizes[kept]),
    ]
    return kept, clipped, [part for part in told if part]


def _fractions(
    bboxes: Float[np.ndarray, "n 4"], sizes: Int[np.ndarray, "n 2"]
) -> Bool[np.ndarray, " n"]:
    """Boxes whose numbers are all from 0 to 1, as those of no object in an image are.

    A box of whole pixels at (1, 0) or (0, 1) is no fraction.
    """
    small = ((bboxes >= 0) & (bboxes <= 1.001)).all(axis=1) & (sizes > 2).all(axis=1)
    inside = (bboxes[:, :2] + bboxes[:, 2:] <= 1.001).all(axis=1)
    whole = (bboxes == np.round(bboxes)).all(axis=1)
    return small & (inside | ~whole)


def _as_corners(
    bboxes: Float[np.ndarray, "n 4"], sizes: Int[np.ndarray, "n 2"]
) -> Bool[np.ndarray, " n"]:
    """Boxes that as sides end far outside and as corners do not, where most boxes may be corners.

    In a file of sides, many boxes are wider or higher than their left or upper edge is far away,
    but few are both; so there, a box that ends far outside is only clipped.
    """
    start, end = bboxes[:, :2], bboxes[:, 2:]
    may_be = (end > start).all(axis=1) & (end <= sizes + 1).all(axis=1) & (start >= 0).all(axis=1)
    far_out = (start + end > (1 + FAR_OUT) * sizes).any(axis=1)
    return may_be & far_out & (2 * may_be.sum() >= len(bboxes))


def _refuse(
    path: Path, names: Sequence[str], found: Bool[np.ndarray, " n"], are: str, wanted: str
) -> None:
    if found.any():
        some = first_few(dict.fromkeys(names[i] for i in np.flatnonzero(found).tolist()))
        raise UserError(
            f"{path} has boxes that look {are} ({found.sum()} of {len(found)}, in {some}): "
            f"write them as {wanted}."
        )


def _told(names: Sequence[str], found: Bool[np.ndarray, " n"], are: str, done: str) -> str:
    if not found.any():
        return ""
    some = first_few(dict.fromkeys(names[i] for i in np.flatnonzero(found).tolist()))
    count = int(found.sum())
    return f"{count} {'box' if count == 1 else 'boxes'} {are} {done} ({some})"


def _in_one_quarter(boxes: Float[np.ndarray, "n 4"], sizes: Int[np.ndarray, "n 2"]) -> str:
    """What to say of boxes that all lie in the upper left quarter of their images."""
    if len(boxes) < FEWEST or (boxes[:, 2:] > sizes / 2).any():
        return ""
    return (
        "all boxes lie in the upper left quarter of their images, as if they were percentages, or "
        "of smaller copies"
    )
