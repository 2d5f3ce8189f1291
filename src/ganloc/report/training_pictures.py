"""What training shows of itself: real pictures, samples, and heatmaps with their boxes."""

from pathlib import Path

import numpy as np

from ganloc.adversary.networks import Generator
from ganloc.adversary.sample import sample
from ganloc.box.from_heatmap import normalise, resize
from ganloc.images.pictures import Pictures
from ganloc.model import Model
from ganloc.recipes import Recipe
from ganloc.report.grid import FOUND_BOX, TRUE_BOX, colour, enlarge, save_png, tile, with_boxes
from ganloc.shapes import UInt8

COLUMNS = 8
ROWS = 8
SIDE = 128  # pixels of a tile beside which boxes are drawn


def save_reals(folder: Path, pictures: Pictures) -> None:
    """`reals.png`: some of the pictures as the networks see them."""
    save_png(folder / "reals.png", tile(spread(pictures, ROWS * COLUMNS).pixels, COLUMNS))


def save_fakes(folder: Path, generator: Generator, recipe: Recipe, iteration: int) -> None:
    """`fakes-ITERATION.png`: samples from a fixed z, so that the files can be compared."""
    pixels = sample(generator, recipe, ROWS * COLUMNS)
    save_png(folder / f"fakes-{iteration:06d}.png", tile(pixels, COLUMNS))


def save_heatmaps(folder: Path, model: Model, pictures: Pictures, iteration: int) -> None:
    """`heatmaps-ITERATION.png`: picture, paper's heatmap, default heatmap; green, the boxes."""
    some = spread(pictures, ROWS * COLUMNS // 4)
    save_png(folder / f"heatmaps-{iteration:06d}.png", heatmap_grid(model, some))


def heatmap_grid(
    model: Model, pictures: Pictures, truth: bool = False
) -> UInt8[np.ndarray, "height width 3"]:
    """Three tiles a picture: with boxes drawn in, plain CAM, default reading.

    The green box is the default reading's; with `truth` the true box is blue.
    """
    size = pictures.size
    found = model.localize(pictures)
    cams = normalise(resize(model.heatmaps(pictures, "plain-cam"), size))
    tiles = []
    for index in range(len(pictures)):
        scale = SIDE / np.tile(pictures.sizes[index], 2)
        boxes = [(FOUND_BOX, found.boxes[index] * scale)]
        if truth and pictures.truth is not None:
            boxes = [(TRUE_BOX, box * scale) for box in pictures.truth[index]] + boxes
        tiles.append(with_boxes(enlarge(pictures.pixels[index], SIDE), boxes))
        tiles += [enlarge(colour(heatmaps[index]), SIDE) for heatmaps in (cams, found.heatmaps)]
    return tile(np.stack(tiles), columns=12)


def spread(pictures: Pictures, count: int) -> Pictures:
    """`count` pictures (or all, if fewer) evenly over the set."""
    count = min(count, len(pictures))
    return pictures.subset(np.linspace(0, len(pictures) - 1, count).round().astype(int))
