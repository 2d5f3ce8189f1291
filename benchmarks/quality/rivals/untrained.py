"""The discriminator before its first iteration: what architecture and reading alone can find."""

import numpy as np
import torch
from compared_readings import reading_boxes
from rivals.setting import Setting

from ganloc.discriminator.train_state import new_train_state
from ganloc.images.image_set import ImageSet
from ganloc.model import Model
from ganloc.recipes import make_recipe


def boxes(
    train: ImageSet, test: ImageSet, setting: Setting, variant: str, reading: str
) -> np.ndarray:
    """A thin network, read as a trained one is: calibrated and fitted on `train`."""
    model = _untrained(variant, setting, train).to(setting.device)
    return reading_boxes(model, train, test, reading)


def _untrained(variant: str, setting: Setting, train: ImageSet) -> Model:
    key = ("untrained", variant, setting.seed, train.checksum)
    if key not in setting.shared:
        recipe = make_recipe("laptop", variant=variant, size=train.size, seed=setting.seed)
        state = new_train_state(recipe, torch.device("cpu"))
        setting.shared[key] = Model.freeze(state.discriminator, train, recipe, iteration=0)
    return setting.shared[key]
