"""Every variant learns for 300 iterations without breaking down."""

import math

import numpy as np
import pytest
import torch

from ganloc.adversary.game import new_game
from ganloc.adversary.play import play
from ganloc.images.source import load_images
from ganloc.recipes import VARIANTS, make_recipe


@pytest.mark.parametrize("augment", [False, True])
@pytest.mark.parametrize("variant", VARIANTS)
def test_300_iterations_on_the_embedded_set(variant, augment):
    pictures = load_images("embedded", 32)
    settings = {"size": 32, "generator_width": 8, "discriminator_width": 8, "iterations": 300}
    recipe = make_recipe("laptop", variant=variant, augment=augment, **settings)
    game = new_game(recipe, torch.device("cpu"))
    before = {name: value.clone() for name, value in game.discriminator.state_dict().items()}
    for losses in play(game, pictures.pixels, recipe):
        assert math.isfinite(losses.discriminator.item())
        assert math.isfinite(losses.generator.item())
        assert math.isfinite(losses.penalty.item())
    assert game.iteration == 300
    for network in (game.generator, game.discriminator):
        assert all(torch.isfinite(value).all() for value in network.state_dict().values())
    moved = [
        np.abs(value.numpy() - before[name].numpy()).max()
        for name, value in game.discriminator.state_dict().items()
    ]
    assert max(moved) > 1e-3
