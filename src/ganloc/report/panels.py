"""How the paper's figures are drawn: panels of tiles side by side, with their words.

Needs matplotlib (the extra `figures`); importing this module without it is a UserError.
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

SIDE = 128  # pixels of a tile on which boxes are drawn
SAMPLE_SIDE = 64  # pixels of a tile that is only looked at

# Of the page, in pixels.
MARGIN, GAP, TILE_GAP = 20, 36, 2
TITLE, NOTE, HEADING, LINE = 30, 20, 22, 19
PIXELS_PER_INCH = 100
LIMIT = 400_000  # bytes of a file that many will load

_FONT = "DejaVu Sans"  # comes with matplotlib, so the same everywhere
_BLACK, _GREY = "#111111", "#555555"
_LETTER = 6.9  # pixels of a caption's letter, on average


@dataclass(frozen=True)
class Panel:
    """One of the images that a figure puts side by side.

    Attributes:
        title: of the panel, in plain words.
        note: a line below the title.
        tiles: RGB, row by row.
        columns: tiles a row.
        headings: over the columns, each over as many as the next.
    """

    title: str
    note: str
    tiles: UInt8[np.ndarray, "n side side 3"]
    columns: int
    headings: tuple[str, ...] = ()


def sample_tiles(
    pixels: UInt8[np.ndarray, "n size size 3"],
) -> UInt8[np.ndarray, "n side side 3"]:
    """Images to look at; smaller ones have every pixel as a square of pixels."""
    return enlarge(pixels, SAMPLE_SIDE)


def boxed_tiles(
    images: ImageSet, boxes: Float[np.ndarray, "n 4"], truth: bool = False
) -> UInt8[np.ndarray, "n side side 3"]:
    """Images with `boxes` (xyxy, in fractions of the image) in green; the true ones in blue."""
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
    """Tiles of which each column shows the same images, row by row."""
    return np.stack(columns, axis=1).reshape(-1, *columns[0].shape[1:])


def draw_panels(panels: Sequence[Panel], per_row: int, caption: str) -> Figure:
    """Panels in rows of `per_row` over a caption; every pixel of a tile is one of the figure.

    Args:
        panels: at least one; all with as many tiles of the same side and headings or none.
        per_row: panels side by side.
        caption: small print below; broken to the width of the figure.

    Raises:
        ValueError: panels of different sizes.
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
    """The figure's pixels."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()


def save_figure(path: Path, figure: Figure) -> None:
    """Write a PNG, whole or not at all; the same figure gives the same bytes.

    Above `LIMIT` bytes it is saved with 32 levels a channel, and if that does not do with 256
    colours in all.
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
    """A white figure whose places are counted in pixels from its upper left corner."""

    def __init__(self, width: int, height: int):
        self.width, self.height = width, height
        inches = width / PIXELS_PER_INCH, height / PIXELS_PER_INCH
        self.figure = Figure(figsize=inches, dpi=PIXELS_PER_INCH, facecolor="white")

    def put(self, left: int, top: int, pixels: UInt8[np.ndarray, "h w 3"]) -> None:
        """Pixels as they are."""
        above = self.height - top - len(pixels)
        self.figure.figimage(pixels, left, above, origin="upper")

    def write(
        self, left: int, top: int, text: str, points: float, ink: str, weight: str = "normal"
    ) -> None:
        """One line, `top` over its letters."""
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
