"""Boxes out: files that tools read, and images that people look at."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from ganloc.box.formats import write_coco, write_csv
from ganloc.heatmap.heatmap_files import SavedHeatmaps, save_heatmaps
from ganloc.images.archive import Unreadable, open_archive
from ganloc.images.decode import open_rgb, quiet_pillow
from ganloc.images.image_set import ImageSet
from ganloc.images.source import has_split
from ganloc.model import RULES, Detections
from ganloc.report.grid import FOUND_BOX, save_png, under_heatmap, with_boxes
from ganloc.shapes import Float

WRITERS: dict[str, Callable[..., None]] = {"coco": write_coco, "csv": write_csv}
LONGEST = 640  # pixels of a drawing's longer side
SHORTEST = 256


def write_results(
    path: Path,
    format: str,
    images: ImageSet,
    found: Detections,
    outliers: Float[np.ndarray, " n"] | None = None,
) -> None:
    """Write names, boxes, scores and, where known, how unusual images are: "coco" or "csv"."""
    WRITERS[format](path, images.names, images.sizes, found.boxes, found.scores, outliers)


def write_heatmaps(path: Path, reading: str, images: ImageSet, found: Detections) -> None:
    """Write the heatmaps with their reading's rule for boxes (`load_heatmaps` reads them)."""
    rule = RULES[reading]
    save_heatmaps(
        path,
        SavedHeatmaps(
            images.names, images.sizes, found.heatmaps, reading, rule.threshold, rule.otsu
        ),
    )


def draw_results(folder: Path, photos: str, images: ImageSet, found: Detections) -> None:
    """One PNG an image, `folder`/NAME.png: with its box, and beside it under its heatmap.

    Folders within `photos` are kept. A named data set is drawn as the network sees it, everything
    else from its files.

    Raises:
        UserError: the folder can't be written to, or `photos` has gone since it was read.
    """
    if has_split(photos):
        for index, name in enumerate(images.names):
            _draw(
                folder / f"{name}.png",
                Image.fromarray(images.pixels[index]),
                found,
                index,
                images,
            )
        return
    with open_archive(Path(photos).expanduser()) as archive, quiet_pillow():
        for index, name in enumerate(images.names):
            try:
                image, _ = open_rgb(archive.read(name), at_least=LONGEST)
            except Unreadable:  # it has gone since it was localized
                image = Image.fromarray(images.pixels[index])
            _draw(folder / f"{name}.png", image, found, index, images)


def _draw(path: Path, image: Image.Image, found: Detections, index: int, images: ImageSet) -> None:
    width, height = (int(side) for side in images.sizes[index])
    scale = min(LONGEST / max(width, height), max(1.0, SHORTEST / min(width, height)))
    shown = max(1, round(width * scale)), max(1, round(height * scale))
    pixels = np.asarray(image.resize(shown, Image.Resampling.BICUBIC))
    box = found.boxes[index] * np.tile(np.array(shown) / (width, height), 2)
    halves = [pixels, under_heatmap(pixels, found.heatmaps[index])]
    save_png(path, np.concatenate([with_boxes(half, [(FOUND_BOX, box)]) for half in halves], 1))
