"""The discriminator before its first iteration: what architecture and reading alone can find."""

import numpy as np
import torch
from rivals.setting import Setting

from ganloc.discriminator.train_state import new_train_state
from ganloc.images.image_set import ImageSet, checksum
from ganloc.model import Model
from ganloc.recipes import make_recipe


def boxes(
    train: ImageSet, test: ImageSet, setting: Setting, variant: str, reading: str
) -> np.ndarray:
    """A thin network, read as a trained one is: calibrated and fitted on `train`."""
    model = _untrained(variant, setting.set_name, setting.seed, train)
    return model.to(setting.device).localize(test, reading).boxes


_known: dict[tuple[str, str, int, int], Model] = {}  # fitting takes longer than reading


def _untrained(variant: str, set_name: str, seed: int, train: ImageSet) -> Model:
    key = (variant, set_name, seed, checksum(train))
    if key not in _known:
        recipe = make_recipe("laptop", variant=variant, size=train.size, seed=seed)
        state = new_train_state(recipe, torch.device("cpu"))
        _known[key] = Model.from_training(state.discriminator, recipe, train, iteration=0)
    return _known[key]
