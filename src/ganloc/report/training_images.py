"""Drawings in a run folder: training images, samples of the generator, and heatmaps with boxes."""

from pathlib import Path

import numpy as np

from ganloc.box.from_heatmap import normalise, resize
from ganloc.discriminator.networks import Generator
from ganloc.discriminator.sample import sample
from ganloc.images.image_set import ImageSet
from ganloc.model import Model, reads_random_weights
from ganloc.recipes import Recipe
from ganloc.report.grid import FOUND_BOX, TRUE_BOX, colour, enlarge, save_png, tile, with_boxes
from ganloc.shapes import UInt8

COLUMNS = 8
ROWS = 8
PLAIN_CAM, PLAIN_LDA = "plain-cam", "lda-no-prior"  # rows of READINGS
SIDE = 128  # side of a tile, in pixels


def save_reals(folder: Path, images: ImageSet) -> None:
    """Draw `reals.png`: some of the images at the network's size."""
    save_png(folder / "reals.png", tile(images.evenly(ROWS * COLUMNS).pixels, COLUMNS))


def save_fakes(folder: Path, generator: Generator, recipe: Recipe, iteration: int) -> None:
    """Draw `fakes-ITERATION.png`: samples of the generator. z is the same in every file."""
    pixels = sample(generator, recipe, ROWS * COLUMNS)
    save_png(folder / f"fakes-{iteration:06d}.png", tile(pixels, COLUMNS))


def save_heatmaps(folder: Path, model: Model, images: ImageSet, iteration: int) -> None:
    """Draw `heatmaps-ITERATION.png`: the `heatmap_grid` of some images."""
    some = images.evenly(ROWS * COLUMNS // 4)
    save_png(folder / f"heatmaps-{iteration:06d}.png", heatmap_grid(model, some))


def heatmap_grid(
    model: Model, images: ImageSet, truth: bool = False
) -> UInt8[np.ndarray, "height width 3"]:
    """Three tiles an image: image with boxes, heatmap of the discriminator, default heatmap.

    The heatmap of the discriminator is the paper's CAM if a GAN was trained, else the LDA heatmap
    without centre prior. The box of the default reading is green. True boxes are blue, drawn if
    `truth` is set.
    """
    size = images.size
    found = model.detect(images, model.reading)
    plain = PLAIN_LDA if reads_random_weights(model, PLAIN_CAM) else PLAIN_CAM
    of_discriminator = normalise(resize(model.heatmaps(images, plain), size))
    tiles = []
    for index in range(len(images)):
        boxes = [(FOUND_BOX, found.boxes[index] * SIDE)]
        if truth and images.truth is not None:
            scale = SIDE / np.tile(images.sizes[index], 2)
            boxes = [(TRUE_BOX, box * scale) for box in images.truth[index]] + boxes
        tiles.append(with_boxes(enlarge(images.pixels[index], SIDE), boxes))
        tiles += [
            enlarge(colour(heatmaps[index]), SIDE)
            for heatmaps in (of_discriminator, found.heatmaps)
        ]
    return tile(np.stack(tiles), columns=12)
