"""Boxes out: files that tools read, and pictures that people look at."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from ganloc.box.formats import write_coco, write_csv
from ganloc.heatmap.files import SavedHeatmaps, save_heatmaps
from ganloc.images.archive import Unreadable, open_archive
from ganloc.images.decode import open_rgb, quiet_pillow
from ganloc.images.pictures import Pictures
from ganloc.images.source import has_split
from ganloc.model import RULES, Found
from ganloc.report.grid import FOUND_BOX, save_png, under_heatmap, with_boxes
from ganloc.shapes import Float

WRITERS: dict[str, Callable[..., None]] = {"coco": write_coco, "csv": write_csv}
LONGEST = 640  # pixels of a drawing's longer side
SHORTEST = 256


def write_results(
    path: Path,
    format: str,
    pictures: Pictures,
    found: Found,
    unusual: Float[np.ndarray, " n"] | None = None,
) -> None:
    """Write names, boxes, scores and, where known, how unusual pictures are: "coco" or "csv"."""
    WRITERS[format](path, pictures.names, pictures.sizes, found.boxes, found.scores, unusual)


def write_heatmaps(path: Path, reading: str, pictures: Pictures, found: Found) -> None:
    """Write the heatmaps with their reading's rule for boxes (`load_heatmaps` reads them)."""
    rule = RULES[reading]
    save_heatmaps(
        path,
        SavedHeatmaps(
            pictures.names, pictures.sizes, found.heatmaps, reading, rule.threshold, rule.otsu
        ),
    )


def draw_results(folder: Path, photos: str, pictures: Pictures, found: Found) -> None:
    """One PNG a picture, `folder`/NAME.png: with its box, and beside it under its heatmap.

    Folders within `photos` are kept. A named data set is drawn as the network sees it, everything
    else from its files.

    Raises:
        UserError: the folder can't be written to, or `photos` has gone since it was read.
    """
    if has_split(photos):
        for index, name in enumerate(pictures.names):
            _draw(
                folder / f"{name}.png",
                Image.fromarray(pictures.pixels[index]),
                found,
                index,
                pictures,
            )
        return
    with open_archive(Path(photos).expanduser()) as archive, quiet_pillow():
        for index, name in enumerate(pictures.names):
            try:
                picture, _ = open_rgb(archive.read(name), at_least=LONGEST)
            except Unreadable:  # it has gone since it was localized
                picture = Image.fromarray(pictures.pixels[index])
            _draw(folder / f"{name}.png", picture, found, index, pictures)


def _draw(path: Path, picture: Image.Image, found: Found, index: int, pictures: Pictures) -> None:
    width, height = (int(side) for side in pictures.sizes[index])
    scale = min(LONGEST / max(width, height), max(1.0, SHORTEST / min(width, height)))
    shown = max(1, round(width * scale)), max(1, round(height * scale))
    pixels = np.asarray(picture.resize(shown, Image.Resampling.BICUBIC))
    box = found.boxes[index] * np.tile(np.array(shown) / (width, height), 2)
    halves = [pixels, under_heatmap(pixels, found.heatmaps[index])]
    save_png(path, np.concatenate([with_boxes(half, [(FOUND_BOX, box)]) for half in halves], 1))
