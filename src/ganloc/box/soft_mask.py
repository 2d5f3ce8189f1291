"""The mask of one object, made at the resolution of its file when it is asked for."""

from dataclasses import dataclass

import numpy as np

from ganloc.shapes import Bool, Float, Int

WHOLE = (0.0, 0.0, 1.0, 1.0)


@dataclass(frozen=True)
class SoftMask:
    """Soft values on a grid, of which the cells above a level that are the object's are its mask.

    Between the centres of cells, values are interpolated bilinearly. Where two objects touch, the
    other's count with their sign changed (level − value for value − level), so that no pixel
    belongs to both or to none.

    Attributes:
        values: large where the object is.
        level: the object is where values are above it.
        labels: the object that each cell belongs to, 1, 2, …; 0 for none. None if all cells above
            the level are this object's.
        number: the object's, in `labels`.
        region: the part of the image that the grid covers, xyxy, in fractions of the image. Nothing
            beyond it is the object's.

    >>> mask = SoftMask(np.array([[0.0, 1.0]]), level=0.5)
    >>> mask.at(4, 2).astype(int)
    array([[0, 0, 1, 1],
           [0, 0, 1, 1]])
    """

    values: Float[np.ndarray, "h w"]
    level: float
    labels: Int[np.ndarray, "h w"] | None = None
    number: int = 1
    region: tuple[float, float, float, float] = WHOLE

    def at(self, width: int, height: int) -> Bool[np.ndarray, "{height} {width}"]:
        """The mask of an image of so many pixels. A pixel belongs to it if its centre does."""
        mask = np.zeros((height, width), dtype=bool)
        top, left, own = self.window(width, height)
        mask[top : top + own.shape[0], left : left + own.shape[1]] = own
        return mask

    def window(self, width: int, height: int) -> tuple[int, int, Bool[np.ndarray, "rows columns"]]:
        """A part of the mask that holds all of it: its first row and column, and its pixels."""
        top, left, depth = self.depth(width, height)
        return top, left, depth > 0.0

    def depth(self, width: int, height: int) -> tuple[int, int, Float[np.ndarray, "rows columns"]]:
        """How far pixels are inside (above 0) or outside (below 0), on the scale of `values`.

        Returns:
            First row and column, and the pixels, of a part that reaches a cell beyond the object.
        """
        inside = self.values > self.level
        if self.labels is not None:
            inside &= self.labels == self.number
        y, x = np.nonzero(inside)
        rows = _pixels(y, inside.shape[0], self.region[1::2], height)
        columns = _pixels(x, inside.shape[1], self.region[::2], width)
        return rows.start, columns.start, self._depth(rows, columns, width, height)

    def _depth(
        self, rows: range, columns: range, width: int, height: int
    ) -> Float[np.ndarray, "rows columns"]:
        x0, y0, x1, y1 = self.region
        down, below = _weights(rows, height, (y0, y1), self.values.shape[0])
        across, beside = _weights(columns, width, (x0, x1), self.values.shape[1])
        above = self.values.astype(np.float32) - np.float32(self.level)
        if self.labels is not None:
            # What is deep inside another object is far outside this one.
            above = np.where((self.labels == self.number) | (self.labels == 0), above, -above)
        depth = down @ above @ across.T
        depth[below] = -1.0
        depth[:, beside] = -1.0
        return depth


def _pixels(own: Int[np.ndarray, " k"], cells: int, ends: tuple[float, ...], length: int) -> range:
    """The pixels, of `length`, that lie no further than a cell from an object's `own` cells."""
    if not len(own):
        return range(0)
    low, high = ends
    cell = length * (high - low) / cells
    first, last = (length * low + cell * at for at in (own.min() - 1, own.max() + 2))
    return range(max(0, int(np.floor(first))), max(0, min(length, int(np.ceil(last)))))


def _weights(
    pixels: range, length: int, ends: tuple[float, float], cells: int
) -> tuple[Float[np.ndarray, "pixels cells"], Bool[np.ndarray, " pixels"]]:
    """Weights of the cells for linear interpolation at the centres of pixels; who lies outside.

    Args:
        pixels: of `length`.
        length: of the image, in pixels.
        ends: of the grid, in fractions of the image.
        cells: of the grid.
    """
    low, high = ends
    where = (np.arange(pixels.start, pixels.stop) + 0.5) / length
    at = ((where - low) / (high - low) * cells - 0.5).clip(0.0, cells - 1.0)
    weights = np.maximum(0.0, 1.0 - abs(at[:, None] - np.arange(cells)))
    return weights.astype(np.float32), (where < low) | (where > high)
