"""Masks as run-length encodings (RLE) of COCO, which pycocotools reads."""

from typing import TypedDict

import numpy as np

from ganloc.shapes import Bool


class Encoded(TypedDict):
    """A mask: `size` is height and width, `counts` the runs as text."""

    size: list[int]
    counts: str


def encode(
    window: Bool[np.ndarray, "rows columns"], top: int, left: int, width: int, height: int
) -> Encoded:
    """The RLE of a mask, in the compressed form that `loadRes` and most annotation tools read.

    Runs go down the columns, from left to right, and begin with background. Each is written as its
    difference from the one before last, in letters of five bits each, the lowest first
    (`rleToString` of https://github.com/cocodataset/cocoapi, common/maskApi.c).

    Args:
        window: the part of the mask that holds all of it.
        top, left: its first row and column.
        width, height: of the whole mask.

    The runs of the two rows "01", "11" are 1, 3.

    >>> encode(np.array([[False, True], [True, True]]), top=0, left=0, width=2, height=2)
    {'size': [2, 2], 'counts': '13'}
    """
    return {"size": [height, width], "counts": _as_text(_runs(window, top, left, width, height))}


def _runs(
    window: Bool[np.ndarray, "rows columns"], top: int, left: int, width: int, height: int
) -> list[int]:
    """The lengths of runs of background, mask, background, …"""
    edges = np.diff(np.pad(window, ((1, 1), (0, 0))).astype(np.int8), axis=0).T
    column, row = np.nonzero(edges)  # a mask's first pixel, and the first after it, by turns
    at = (left + column) * height + top + row
    # A run that goes on in the next column ends where it starts again.
    start, stop = at[::2], at[1::2]
    apart = start[1:] > stop[:-1]
    if len(start):
        start, stop = start[np.r_[True, apart]], stop[np.r_[apart, True]]
    ends = np.concatenate([[0], np.stack([start, stop], axis=1).ravel(), [width * height]])
    runs = np.diff(ends).tolist()
    return runs[:-1] if runs[-1] == 0 and len(runs) > 1 else runs


def _as_text(runs: list[int]) -> str:
    letters = []
    for index, run in enumerate(runs):
        rest = run - runs[index - 2] if index > 2 else run
        more = True
        while more:
            five, rest = rest & 31, rest >> 5
            more = rest != (-1 if five & 16 else 0)
            letters.append(chr(48 + five + 32 * more))
    return "".join(letters)
