"""Every variant learns for 300 iterations without breaking down."""

import math

import numpy as np
import pytest
import torch

from ganloc.discriminator.train_discriminator import train_discriminator
from ganloc.discriminator.train_state import new_train_state
from ganloc.images.source import load_images
from ganloc.recipes import VARIANTS, make_recipe


@pytest.mark.parametrize("augment", [False, True])
@pytest.mark.parametrize("variant", VARIANTS)
def test_300_iterations_on_the_embedded_set(variant, augment):
    images = load_images("embedded", 32)
    settings = {"size": 32, "generator_width": 8, "discriminator_width": 8, "iterations": 300}
    recipe = make_recipe("laptop", variant=variant, augment=augment, **settings)
    state = new_train_state(recipe, torch.device("cpu"))
    before = {name: value.clone() for name, value in state.discriminator.state_dict().items()}
    for losses in train_discriminator(state, images.pixels, recipe):
        assert math.isfinite(losses.discriminator.item())
        assert math.isfinite(losses.generator.item())
        assert math.isfinite(losses.penalty.item())
    assert state.iteration == 300
    for network in (state.generator, state.discriminator):
        assert all(torch.isfinite(value).all() for value in network.state_dict().values())
    moved = [
        np.abs(value.numpy() - before[name].numpy()).max()
        for name, value in state.discriminator.state_dict().items()
    ]
    assert max(moved) > 1e-3
