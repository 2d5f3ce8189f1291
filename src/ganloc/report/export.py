"""Export of detections: heatmap files, drawings and contact sheets."""

import os
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from ganloc.box.detections import Detections
from ganloc.box.otsu import otsu_thresholds
from ganloc.errors import Notice
from ganloc.heatmap.heatmap_files import SavedHeatmaps, save_heatmaps
from ganloc.images.gather import read_original
from ganloc.images.image_set import ImageSet
from ganloc.model import MODEL_READINGS, STUDENT
from ganloc.report.contact_sheet import PER_PAGE, TILE, Tile, contact_sheet, tile_height
from ganloc.report.drawing import annotated, captioned
from ganloc.report.drawing_names import drawing_names, renamed, same_name
from ganloc.report.grid import save_png
from ganloc.shapes import Float

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


def draw_results(folder: Path, images: ImageSet, found: Detections, reading: str = STUDENT) -> None:
    """Draw each image, and all of them on contact sheets.

    `folder`/NAME.png is an image with its box, the contour of its heatmap where it is cut, file
    name and score. Subfolders are kept. `folder`/contact-sheet.png and, for more than 96 images,
    contact-sheet-2.png and so on, show the least sure boxes first. Images are read from their files
    if there are any. Changed names (`drawing_names`), and PNGs of an earlier drawing in the folder,
    are told of by a Notice.

    Args:
        folder: where to draw.
        images: the images.
        found: their detections.
        reading: that of the heatmaps, a row of `MODEL_READINGS`.

    Raises:
        UserError: the folder can't be written to.
    """
    drawings, sheets = files_of_drawings(folder, images.names)
    levels = contour_levels(found.heatmaps, reading)
    order = np.argsort(found.scores, kind="stable").tolist()
    height = tile_height(images.sizes) if len(images) else TILE
    for page, sheet in enumerate(sheets):
        part = order[page * PER_PAGE : (page + 1) * PER_PAGE]
        tiles = []
        for index in part:
            name, score = images.names[index], float(found.scores[index])
            original = read_original(images, index, at_least=LONGEST)
            own = found.heatmaps[index], float(levels[index]), found.boxes[index]
            shown = original.resize(_drawn_size(images, index), Image.Resampling.BICUBIC)
            save_png(folder / drawings[index], captioned(annotated(shown, *own), name, score))
            small = original.resize(_inside(images, index, height), Image.Resampling.LANCZOS)
            tiles.append(Tile(annotated(small, *own), name, score))
        places = f"{page * PER_PAGE + 1} to {page * PER_PAGE + len(part)} of {len(images)}"
        title = f"{len(images)} images, least sure first" + f": {places}" * (len(sheets) > 1)
        note = "Green: box. Yellow: contour of the heatmap. Number: score of the box."
        save_png(folder / sheet, contact_sheet(tiles, height, title, note))
    _tell(renamed(images.names, drawings))
    _tell(_others(folder, [*drawings, *sheets]))


def contour_levels(
    heatmaps: Float[np.ndarray, "n size size"], reading: str
) -> Float[np.ndarray, " n"]:
    """Where a reading cuts each heatmap of 0–1.

    >>> contour_levels(np.eye(4)[None], "plain-cam")  # the paper's: 0.2 of the maximum
    array([0.2])
    """
    rule = MODEL_READINGS[reading]
    if rule.otsu:
        return rule.threshold * otsu_thresholds(heatmaps)
    return np.full(len(heatmaps), rule.threshold)


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
