"""The discriminator before its first iteration: what architecture and reading alone can find."""

import numpy as np
import torch
from rivals.setting import Setting

from ganloc.adversary.game import new_game
from ganloc.images.pictures import Pictures
from ganloc.model import Model
from ganloc.recipes import make_recipe


def boxes(
    train: Pictures, test: Pictures, setting: Setting, variant: str, reading: str
) -> np.ndarray:
    """A thin network, read as a trained one is: calibrated, and its sign chosen, on `train`."""
    recipe = make_recipe("thin", variant=variant, size=test.size, seed=setting.seed)
    game = new_game(recipe, torch.device("cpu"))
    model = Model.from_training(game.discriminator, recipe, train, iteration=0)
    return model.to(setting.device).localize(test, reading).boxes
