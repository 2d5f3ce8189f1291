"""DDT on the discriminator's own features, against the method written out."""

import numpy as np
import pytest
import torch
from compared_readings import COMPARED, DDT, reading_boxes, with_principal_directions
from torch.nn.functional import interpolate

from ganloc.box.from_heatmap import boxes_from_heatmaps
from ganloc.discriminator.reflection_padding import reflection_padded_maps
from ganloc.discriminator.train_state import new_train_state
from ganloc.heatmap.ddt import ddt_heatmaps, principal_direction
from ganloc.heatmap.moments import Moments
from ganloc.heatmap.readings import READINGS, centre_prior
from ganloc.heatmap.shift_averaging import average_over_shifts
from ganloc.images.batches import to_tensor
from ganloc.images.synthetic import draw_images
from ganloc.model import Model
from ganloc.recipes import make_recipe

pytestmark = pytest.mark.usefixtures("one_thread")
CPU = torch.device("cpu")
TRAIN, TEST = draw_images(12, 32, seed=0), draw_images(5, 32, seed=1)


@pytest.fixture(scope="module")
def model():
    recipe = make_recipe("laptop", variant="dcgan", size=32, discriminator_width=4)
    return Model.freeze(new_train_state(recipe, CPU).discriminator, TRAIN, recipe, iteration=0)


def maps_of(model, images):
    return [maps.detach() for maps in reflection_padded_maps(model.discriminator, images)]


def by_hand(model, train, test):
    """Centred projections on each block's principal direction, joined as the LDA heatmaps are."""
    directions = []
    for maps in maps_of(model, to_tensor(train.pixels, CPU)):
        moments = Moments()
        moments.add(maps)
        directions.append(principal_direction(moments))

    def read(images):
        layers = zip(maps_of(model, images), directions, strict=True)
        small = [ddt_heatmaps(maps, direction)[:, None] for maps, direction in layers]
        return torch.cat([interpolate(h, size=(32, 32), mode="bilinear") for h in small], dim=1)

    layers = average_over_shifts(read, to_tensor(test.pixels, CPU), steps=2)
    low, high = layers.amin((2, 3), keepdim=True), layers.amax((2, 3), keepdim=True)
    joined = ((layers - low) / (high - low)).prod(dim=1) ** (1 / 3)
    heatmaps = (joined * centre_prior(joined, deviation=0.6, aspect=1.0)).numpy()
    return 32 * boxes_from_heatmaps(heatmaps, 32, threshold=0.7, otsu=True)


def test_ddt_reads_three_layers_by_their_principal_directions(model):
    found = reading_boxes(model, TRAIN, TEST, DDT)
    np.testing.assert_allclose(found, by_hand(model, TRAIN, TEST))
    assert (found != reading_boxes(model, TRAIN, TEST, "lda-multilayer")).any()


def test_the_directions_are_those_of_the_training_images(model):
    one, other = (with_principal_directions(model, images).statistics for images in (TRAIN, TEST))
    assert any(not torch.allclose(a, b) for a, b in zip(one.lda, other.lda, strict=True))
    assert (one.sign, one.aspect) == (model.statistics.sign, model.statistics.aspect)


def test_other_readings_are_the_models_own(model):
    assert (*READINGS, DDT) == COMPARED
    for reading in ("plain-cam", "lda"):
        expected = model.detect(TEST, reading).boxes * 32
        np.testing.assert_array_equal(reading_boxes(model, TRAIN, TEST, reading), expected)
