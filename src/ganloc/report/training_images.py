"""What training shows of itself: real images, samples, and heatmaps with their boxes."""

from pathlib import Path

import numpy as np

from ganloc.box.from_heatmap import normalise, resize
from ganloc.discriminator.networks import Generator
from ganloc.discriminator.sample import sample
from ganloc.images.image_set import ImageSet
from ganloc.model import Model
from ganloc.recipes import Recipe
from ganloc.report.grid import FOUND_BOX, TRUE_BOX, colour, enlarge, save_png, tile, with_boxes
from ganloc.shapes import UInt8

COLUMNS = 8
ROWS = 8
SIDE = 128  # pixels of a tile beside which boxes are drawn


def save_reals(folder: Path, images: ImageSet) -> None:
    """`reals.png`: some of the images as the networks see them."""
    save_png(folder / "reals.png", tile(images.evenly(ROWS * COLUMNS).pixels, COLUMNS))


def save_fakes(folder: Path, generator: Generator, recipe: Recipe, iteration: int) -> None:
    """`fakes-ITERATION.png`: samples from a fixed z, so that the files can be compared."""
    pixels = sample(generator, recipe, ROWS * COLUMNS)
    save_png(folder / f"fakes-{iteration:06d}.png", tile(pixels, COLUMNS))


def save_heatmaps(folder: Path, model: Model, images: ImageSet, iteration: int) -> None:
    """`heatmaps-ITERATION.png`: image, paper's heatmap, default heatmap; green, the boxes."""
    some = images.evenly(ROWS * COLUMNS // 4)
    save_png(folder / f"heatmaps-{iteration:06d}.png", heatmap_grid(model, some))


def heatmap_grid(
    model: Model, images: ImageSet, truth: bool = False
) -> UInt8[np.ndarray, "height width 3"]:
    """Three tiles an image: with boxes drawn in, plain CAM, default reading.

    The green box is the default reading's; with `truth` the true box is blue.
    """
    size = images.size
    found = model.detect(images, model.reading)
    cams = normalise(resize(model.heatmaps(images, "plain-cam"), size))
    tiles = []
    for index in range(len(images)):
        boxes = [(FOUND_BOX, found.boxes[index] * SIDE)]
        if truth and images.truth is not None:
            scale = SIDE / np.tile(images.sizes[index], 2)
            boxes = [(TRUE_BOX, box * scale) for box in images.truth[index]] + boxes
        tiles.append(with_boxes(enlarge(images.pixels[index], SIDE), boxes))
        tiles += [enlarge(colour(heatmaps[index]), SIDE) for heatmaps in (cams, found.heatmaps)]
    return tile(np.stack(tiles), columns=12)
