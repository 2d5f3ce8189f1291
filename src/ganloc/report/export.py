"""Export of detections: heatmap files and drawings."""

from pathlib import Path

import numpy as np
from PIL import Image

from ganloc.box.detections import Detections
from ganloc.heatmap.heatmap_files import SavedHeatmaps, save_heatmaps
from ganloc.images.gather import read_original
from ganloc.images.image_set import ImageSet
from ganloc.model import MODEL_READINGS
from ganloc.report.grid import FOUND_BOX, save_png, under_heatmap, with_boxes

LONGEST = 640  # the longer side of a drawing is at most so many pixels
SHORTEST = 256  # the shorter side is at least so many, unless the longer side would exceed LONGEST


def write_heatmaps(path: Path, reading: str, images: ImageSet, found: Detections) -> None:
    """Write the heatmaps with the threshold of their reading, for `load_heatmaps`."""
    rule = MODEL_READINGS[reading]
    own = (images.names, images.sizes, found.heatmaps)
    save_heatmaps(path, SavedHeatmaps(*own, reading, rule.threshold, rule.otsu))


def draw_results(folder: Path, images: ImageSet, found: Detections) -> None:
    """Draw each image with its box, and beside it with its heatmap, as `folder`/NAME.png.

    Subfolders are kept. Images are read from their files if there are any.

    Raises:
        UserError: the folder can't be written to.
    """
    for index, name in enumerate(images.names):
        width, height = (int(side) for side in images.sizes[index])
        scale = min(LONGEST / max(width, height), max(1.0, SHORTEST / min(width, height)))
        shown = max(1, round(width * scale)), max(1, round(height * scale))
        original = read_original(images, index, at_least=LONGEST)
        pixels = np.asarray(original.resize(shown, Image.Resampling.BICUBIC))
        box = found.boxes[index] * np.tile(shown, 2)
        halves = [pixels, under_heatmap(pixels, found.heatmaps[index])]
        drawn = [with_boxes(half, [(FOUND_BOX, box)]) for half in halves]
        save_png(folder / f"{name}.png", np.concatenate(drawn, axis=1))
