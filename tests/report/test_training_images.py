"""What a training shows of itself, tile by tile."""

import numpy as np
import pytest
import torch
from PIL import Image

from ganloc.box.from_heatmap import normalise, resize
from ganloc.discriminator.train_state import new_discriminator
from ganloc.images.synthetic import draw_images
from ganloc.model import Model
from ganloc.recipes import Recipe
from ganloc.report.grid import FOUND_BOX, TRUE_BOX, colour
from ganloc.report.training_images import heatmap_grid, save_heatmaps, save_reals

SIDE, GAP = 128, 2
GAN = Recipe(variant="dcgan", size=32, discriminator_width=2)
PRETEXT = Recipe(size=32, discriminator_width=2, adversarial_weight=0.0, border_weight=1.0)


@pytest.fixture(scope="module")
def images():
    return draw_images(70, 32, seed=0)


def model_of(recipe, images):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return Model.freeze(new_discriminator(recipe), images, recipe, iteration=3)


def tiles_of(sheet, side=SIDE):
    """The tiles of a sheet, row by row."""
    step = side + GAP
    rows, columns = (-(-length // step) for length in sheet.shape[:2])
    return [
        sheet[row * step :, column * step :][:side, :side]
        for row in range(rows)
        for column in range(columns)
    ]


@pytest.mark.parametrize(
    ("recipe", "reading"), [(GAN, "plain-cam"), (PRETEXT, "lda-no-prior")], ids=["gan", "pretext"]
)
def test_an_image_with_boxes_and_beside_it_two_heatmaps(recipe, reading, images):
    """A CAM of a discriminator that was trained without a GAN would read random weights."""
    model, some = model_of(recipe, images), images.evenly(5)
    sheet = heatmap_grid(model, some, truth=True)
    assert sheet.shape == (2 * SIDE + GAP, 12 * SIDE + 11 * GAP, 3)  # four images a row
    tiles = tiles_of(sheet)
    found = model.detect(some, model.reading)
    plain = normalise(resize(model.heatmaps(some, reading), 32))
    for index in range(5):
        drawn, first, second = (tiles[3 * index + place][::4, ::4] for place in range(3))
        outlined = (drawn == FOUND_BOX).all(axis=2) | (drawn == TRUE_BOX).all(axis=2)
        np.testing.assert_array_equal(drawn[~outlined], some.pixels[index][~outlined])
        np.testing.assert_array_equal(first, colour(plain[index]))
        np.testing.assert_array_equal(second, colour(found.heatmaps[index]))
        x0, y0, x1, y1 = (found.boxes[index] * SIDE).round().astype(int)
        edge = tiles[3 * index][y0, x0:x1]
        assert (edge == FOUND_BOX).all()
        assert tiles[3 * index][y1 - 1, x1 - 1].tolist() == list(FOUND_BOX)
    assert all((tile == 255).all() for tile in tiles[15:])
    untold = heatmap_grid(model, some)
    assert (sheet == TRUE_BOX).all(axis=2).any()
    assert not (untold == TRUE_BOX).all(axis=2).any()


def test_files_show_images_from_all_over_the_set(images, tmp_path):
    save_reals(tmp_path, images)
    with Image.open(tmp_path / "reals.png") as drawn:
        reals = tiles_of(np.asarray(drawn), side=32)
    np.testing.assert_array_equal(reals, images.evenly(64).pixels)
    model = model_of(GAN, images)
    save_heatmaps(tmp_path, model, images, iteration=250)
    with Image.open(tmp_path / "heatmaps-000250.png") as drawn:
        np.testing.assert_array_equal(np.asarray(drawn), heatmap_grid(model, images.evenly(16)))
