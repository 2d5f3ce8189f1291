"""Drawing of the paper's figures: panels of tiles side by side, with titles and a caption.

The module needs matplotlib (the extra `figures`). Its import raises a UserError otherwise.
"""

import io
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from ganloc.box.from_heatmap import normalise, resize
from ganloc.errors import UserError
from ganloc.files import write_bytes
from ganloc.images.image_set import ImageSet
from ganloc.report.grid import FOUND_BOX, TRUE_BOX, colour, enlarge, tile, under_heatmap, with_boxes
from ganloc.shapes import Float, UInt8

try:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
except ImportError as error:
    raise UserError("Drawing figures needs matplotlib: pip install 'ganloc[figures]'.") from error

SIDE = 128  # side of a tile with boxes, in pixels
SAMPLE_SIDE = 64  # side of a tile without boxes, in pixels

# Distances and heights of lines, in pixels.
MARGIN, GAP, TILE_GAP = 20, 36, 2
TITLE, NOTE, HEADING, LINE = 30, 20, 22, 19
PIXELS_PER_INCH = 100
LIMIT = 400_000  # bytes of a PNG above which its colours are reduced

_FONT = "DejaVu Sans"  # part of matplotlib, so it is available everywhere
_BLACK, _GREY = "#111111", "#555555"
_LETTER = 6.9  # mean width of a letter of the caption, in pixels


@dataclass(frozen=True)
class Panel:
    """A grid of tiles with a title. A figure has several.

    Attributes:
        title: first line above the tiles.
        note: second line.
        tiles: RGB, row by row.
        columns: tiles a row.
        headings: above the columns. Each spans the same number of columns.
    """

    title: str
    note: str
    tiles: UInt8[np.ndarray, "n side side 3"]
    columns: int
    headings: tuple[str, ...] = ()


def sample_tiles(
    pixels: UInt8[np.ndarray, "n size size 3"],
) -> UInt8[np.ndarray, "n side side 3"]:
    """Images as tiles without boxes."""
    return enlarge(pixels, SAMPLE_SIDE)


def boxed_tiles(
    images: ImageSet, boxes: Float[np.ndarray, "n 4"], truth: bool = False
) -> UInt8[np.ndarray, "n side side 3"]:
    """Images with `boxes` (xyxy, in fractions of the image) in green and true boxes in blue."""
    tiles = enlarge(images.pixels, SIDE)
    for index, pixels in enumerate(tiles):
        scale = len(pixels) / np.tile(images.sizes[index], 2)
        true = images.truth[index] if truth and images.truth is not None else ()
        drawn = [(TRUE_BOX, box * scale) for box in true]
        tiles[index] = with_boxes(pixels, [*drawn, (FOUND_BOX, boxes[index] * len(pixels))])
    return tiles


def heatmap_tiles(heatmaps: Float[np.ndarray, "n h w"]) -> UInt8[np.ndarray, "n side side 3"]:
    """Each heatmap in colour, from its own minimum (dark) to its own maximum (bright)."""
    return np.stack([colour(heatmap) for heatmap in normalise(resize(heatmaps, SIDE))])


def overlay_tiles(
    images: ImageSet, heatmaps: Float[np.ndarray, "n h w"]
) -> UInt8[np.ndarray, "n side side 3"]:
    """Images in grey, tinted by their heatmaps."""
    pixels, heatmaps = enlarge(images.pixels, SIDE), normalise(resize(heatmaps, SIDE))
    return np.stack([under_heatmap(*both) for both in zip(pixels, heatmaps, strict=True)])


def beside(*columns: UInt8[np.ndarray, "n side side 3"]) -> UInt8[np.ndarray, "_ side side 3"]:
    """Interleave columns of tiles, so that each row of a panel shows one image."""
    return np.stack(columns, axis=1).reshape(-1, *columns[0].shape[1:])


def draw_panels(panels: Sequence[Panel], per_row: int, caption: str) -> Figure:
    """Arrange panels in rows over a caption. One pixel of a tile is one pixel of the figure.

    Args:
        panels: at least one, all of the same size.
        per_row: panels side by side.
        caption: small print below, wrapped to the width of the figure.

    Raises:
        ValueError: panels have different sizes.
    """
    sheets = [tile(panel.tiles, panel.columns, TILE_GAP) for panel in panels]
    if len({sheet.shape for sheet in sheets}) > 1:
        raise ValueError("The panels of a figure must be of one size.")
    high, wide, _ = sheets[0].shape
    head = TITLE + NOTE + (HEADING if any(panel.headings for panel in panels) else 0)
    width = 2 * MARGIN + per_row * (wide + GAP) - GAP
    lines = textwrap.wrap(caption, int((width - 2 * MARGIN) / _LETTER))
    rows = -(-len(panels) // per_row)
    foot = MARGIN + rows * (head + high + GAP)
    page = _Page(width, foot + LINE * len(lines))
    for index, (panel, sheet) in enumerate(zip(panels, sheets, strict=True)):
        left = MARGIN + index % per_row * (wide + GAP)
        top = MARGIN + index // per_row * (head + high + GAP)
        page.write(left, top, panel.title, 11.0, _BLACK, weight="bold")
        page.write(left, top + TITLE - 6, panel.note, 8.5, _GREY)
        for place, heading in enumerate(panel.headings):
            at = left + round(place * (wide + TILE_GAP) / len(panel.headings))
            page.write(at, top + TITLE + NOTE, heading, 8.5, _BLACK)
        page.put(left, top + head, sheet)
    for number, line in enumerate(lines):
        page.write(MARGIN, foot - GAP // 2 + LINE * number, line, 8.5, _GREY)
    return page.figure


def render(figure: Figure) -> UInt8[np.ndarray, "height width 3"]:
    """The pixels of a figure."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()


def save_figure(path: Path, figure: Figure) -> None:
    """Write a PNG, atomically. Equal figures give equal bytes.

    A file of more than `LIMIT` bytes is reduced to 32 levels a channel. If it is still too large,
    it is reduced to 256 colours.
    """
    image = Image.fromarray(render(figure))
    data = _png(image)
    if len(data) > LIMIT:
        data = _png(image.point([round(round(v * 31 / 255) * 255 / 31) for v in range(256)] * 3))
    if len(data) > LIMIT:
        data = _png(image.quantize(256))
    write_bytes(path, data)


def _png(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "png", optimize=True)
    return buffer.getvalue()


class _Page:
    """A white figure with coordinates in pixels from its upper left corner."""

    def __init__(self, width: int, height: int):
        self.width, self.height = width, height
        inches = width / PIXELS_PER_INCH, height / PIXELS_PER_INCH
        self.figure = Figure(figsize=inches, dpi=PIXELS_PER_INCH, facecolor="white")

    def put(self, left: int, top: int, pixels: UInt8[np.ndarray, "h w 3"]) -> None:
        """Place pixels without scaling."""
        above = self.height - top - len(pixels)
        self.figure.figimage(pixels, left, above, origin="upper")

    def write(
        self, left: int, top: int, text: str, points: float, ink: str, weight: str = "normal"
    ) -> None:
        """Write one line of text, with the top of its letters at `top`."""
        self.figure.text(
            left / self.width,
            1 - top / self.height,
            text,
            size=points,
            color=ink,
            weight=weight,
            family=_FONT,
            va="top",
            parse_math=False,
        )
