"""Contact sheets: many small drawings on one page."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

from ganloc.report.drawing import FAINT, INK, PAPER, write_caption
from ganloc.report.text import fitted
from ganloc.shapes import Int

COLUMNS, ROWS = 8, 12
PER_PAGE = COLUMNS * ROWS
TILE = 200  # width of a tile, in pixels

_MARGIN, _GAP = 24, 14
_TITLE, _NOTE, _LETTERS = 22, 14, 12  # sizes of letters
_LINE = 20  # height of a tile's caption
_NARROWEST = 3  # tiles a row, at least, so that the title has room


@dataclass(frozen=True)
class Tile:
    """A small drawing, the file name of its image, its best score, and its number of objects."""

    drawing: Image.Image
    name: str
    score: float
    count: int = 1

    @property
    def said(self) -> str:
        """Number of objects, unless it is one, and best score."""
        if self.count == 0:
            return "nothing"
        return f"{self.count} objects, {self.score:.2f}" if self.count > 1 else f"{self.score:.2f}"


def tile_height(sizes: Int[np.ndarray, "n 2"]) -> int:
    """The height of tiles for images of these widths and heights, by their median shape.

    >>> tile_height(np.array([[400, 300], [800, 600], [100, 900]]))
    150
    """
    shape = float(np.median(sizes[:, 1] / sizes[:, 0]))
    return round(TILE * min(1.5, max(0.5, shape)))


def contact_sheet(tiles: Sequence[Tile], height: int, title: str, note: str) -> Image.Image:
    """A page of tiles, row by row, each in the middle of its place.

    Args:
        tiles: at most `TILE` wide and `height` high each.
        height: of a tile, in pixels.
        title: first line of the page.
        note: second line.
    """
    columns = min(COLUMNS, max(_NARROWEST, len(tiles)))
    rows = -(-len(tiles) // columns)
    step = height + _LINE + _GAP
    top = _MARGIN + 2 * _TITLE + _NOTE
    width = 2 * _MARGIN + columns * (TILE + _GAP) - _GAP
    page = Image.new("RGB", (width, top + rows * step - _GAP + _MARGIN), PAPER)
    draw = ImageDraw.Draw(page)
    for text, size, at, ink in (
        (title, _TITLE, _MARGIN, INK),
        (note, _NOTE, _MARGIN + round(1.4 * _TITLE), FAINT),
    ):
        shown, font = fitted(text, size, width - 2 * _MARGIN)
        draw.text((_MARGIN, at), shown, ink, font, anchor="lt")
    for index, tile in enumerate(tiles):
        x, y = _MARGIN + index % columns * (TILE + _GAP), top + index // columns * step
        inside = (TILE - tile.drawing.width) // 2, height - tile.drawing.height
        page.paste(tile.drawing, (x + inside[0], y + inside[1]))
        where = (x, y + height, x + TILE, y + height + _LINE)
        write_caption(page, where, tile.name, tile.said, _LETTERS)
    return page
