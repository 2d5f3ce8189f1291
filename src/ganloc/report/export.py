"""Export of detections: heatmap files, drawings and contact sheets."""

import os
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from ganloc.box.detections import Detections
from ganloc.errors import Notice
from ganloc.heatmap.heatmap_files import SavedHeatmaps, save_heatmaps
from ganloc.images.gather import read_original
from ganloc.images.image_set import ImageSet
from ganloc.model import MODEL_READINGS
from ganloc.report.contact_sheet import PER_PAGE, TILE, Tile, contact_sheet, tile_height
from ganloc.report.drawing import COLOURS, Shape, annotated, captioned
from ganloc.report.drawing_names import drawing_names, renamed, same_name
from ganloc.report.grid import save_png

LONGEST = 800  # the longer side of a drawing is at most so many pixels
SHORTEST = 256  # the shorter side is at least so many, unless the longer side would exceed LONGEST


def write_heatmaps(path: Path, reading: str, images: ImageSet, found: Detections) -> None:
    """Write the heatmaps with the threshold of their reading, for `load_heatmaps`."""
    rule = MODEL_READINGS[reading]
    own = (images.names, images.sizes, found.heatmaps)
    save_heatmaps(path, SavedHeatmaps(*own, reading, rule.threshold, rule.otsu))


def files_of_drawings(folder: Path, names: Sequence[str]) -> tuple[list[str], list[str]]:
    """The files in `folder` that `draw_results` writes: each image's drawing, and the pages."""
    pages = max(1, -(-len(names) // PER_PAGE))
    sheets = ["contact-sheet.png", *(f"contact-sheet-{page}.png" for page in range(2, pages + 1))]
    return list(drawing_names(names, folder, sheets)), sheets


def draw_results(folder: Path, images: ImageSet, found: Detections) -> None:
    """Draw each image, and all of them on contact sheets.

    `folder`/NAME.png is an image with the box of each object, the contour of its mask, file name
    and scores. Subfolders are kept. `folder`/contact-sheet.png and, for more than 96 images,
    contact-sheet-2.png and so on, show the images with the lowest best score first. Images are read
    from their files if there are any. Changed names (`drawing_names`), and PNGs of an earlier
    drawing in the folder, are told of by a Notice.

    Args:
        folder: where to draw.
        images: the images.
        found: their detections.

    Raises:
        UserError: the folder can't be written to.
    """
    drawings, sheets = files_of_drawings(folder, images.names)
    several = bool((found.counts > 1).any())
    order = np.argsort(found.best_scores, kind="stable").tolist()
    height = tile_height(images.sizes) if len(images) else TILE
    for page, sheet in enumerate(sheets):
        part = order[page * PER_PAGE : (page + 1) * PER_PAGE]
        tiles = []
        for index in part:
            name, heatmap = images.names[index], found.heatmaps[index]
            scores = [float(found.scores[k]) for k in found.of(index)]
            original = read_original(images, index, at_least=LONGEST)
            shown = original.resize(_drawn_size(images, index), Image.Resampling.BICUBIC)
            drawn = annotated(shown, heatmap, _shapes(found, index, several, labels=True))
            save_png(folder / drawings[index], captioned(drawn, name, scores))
            small = original.resize(_inside(images, index, height), Image.Resampling.LANCZOS)
            drawn = annotated(small, heatmap, _shapes(found, index, several, labels=False))
            tiles.append(Tile(drawn, name, float(found.best_scores[index]), len(scores)))
        places = f"{page * PER_PAGE + 1} to {page * PER_PAGE + len(part)} of {len(images)}"
        title = f"{len(images)} images, least sure first" + f": {places}" * (len(sheets) > 1)
        note = "Green: box. Yellow: contour of the mask. Number: score of the box."
        if several:
            note = "A colour for each object: its box, and the contour of its mask. Best score."
        save_png(folder / sheet, contact_sheet(tiles, height, title, note))
    _tell(renamed(images.names, drawings))
    _tell(_others(folder, [*drawings, *sheets]))


def _shapes(found: Detections, index: int, several: bool, labels: bool) -> list[Shape]:
    """The objects of an image, each in a colour and with its score if images have several."""
    rows = found.of(index)
    if not several:
        return [Shape(found.boxes[k], found.masks[k]) for k in rows]
    shapes = []
    for place, k in enumerate(rows):
        ink, label = COLOURS[place % len(COLOURS)], f"{found.scores[k]:.2f}" if labels else ""
        shapes.append(Shape(found.boxes[k], found.masks[k], ink, ink, label))
    return shapes


def _drawn_size(images: ImageSet, index: int) -> tuple[int, int]:
    width, height = (int(side) for side in images.sizes[index])
    scale = min(LONGEST / max(width, height), max(1.0, SHORTEST / min(width, height)))
    return max(1, round(width * scale)), max(1, round(height * scale))


def _inside(images: ImageSet, index: int, height: int) -> tuple[int, int]:
    """The size of an image that fills a tile of this height."""
    own = images.sizes[index]
    scale = min(TILE / own[0], height / own[1])
    return max(1, round(own[0] * scale)), max(1, round(own[1] * scale))


def _others(folder: Path, written: Sequence[str]) -> str:
    """A message about PNGs in `folder` that are not among those written; "" if there are none."""
    own = set(map(same_name, written))
    others = [path for path in _pngs(folder) if same_name(path) not in own]
    if not others:
        return ""
    return (
        f"{folder} holds {len(others)} other PNG, such as {min(others)!r}, perhaps of an earlier "
        "drawing: they were left as they are."
    )


def _pngs(folder: Path) -> Iterator[str]:
    for inside, _, files in os.walk(folder):
        here = Path(inside).relative_to(folder)
        yield from ((here / file).as_posix() for file in files if file.endswith(".png"))


def _tell(message: str) -> None:
    if message:
        warnings.warn(message, Notice, stacklevel=3)
