"""ganloc itself: a discriminator trained on the pictures alone, by the arms of arms.py."""

import numpy as np
from arms import ARMS, trained_run
from rivals.setting import Setting

from ganloc.images.pictures import Pictures
from ganloc.model import Model
from ganloc.training import train_in_memory


def boxes(train: Pictures, test: Pictures, setting: Setting, arm: str, reading: str) -> np.ndarray:
    """Boxes by the checkpoint that the label-free rule keeps."""
    return _trained(train, setting, arm).to(setting.device).localize(test, reading).boxes


def _trained(train: Pictures, setting: Setting, arm: str) -> Model:
    if setting.runs is None:
        return train_in_memory(train, ARMS[arm].recipe(setting.seed), setting.device)
    return Model.load(trained_run(setting.runs, arm, setting.set_name, setting.seed, train).model)
