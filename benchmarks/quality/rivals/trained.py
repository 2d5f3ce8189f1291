"""ganloc itself: a discriminator trained on the pictures alone, by the arms of arms.py."""

from dataclasses import replace

import numpy as np
from arms import ARMS, trained_run
from rivals.setting import Setting
from scores import Scored, chosen

from ganloc.images.pictures import Pictures
from ganloc.model import Model
from ganloc.training import train_in_memory


def boxes(train: Pictures, test: Pictures, setting: Setting, arm: str, reading: str) -> np.ndarray:
    """By the checkpoint that the label-free rule keeps, as ganloc's own training does."""
    return _trained(train, setting, arm).to(setting.device).localize(test, reading).boxes


def _trained(train: Pictures, setting: Setting, arm: str) -> Model:
    if setting.runs is None:
        recipe = replace(ARMS[arm].recipe(setting.seed), select=True)
        return train_in_memory(train, recipe, setting.device)
    run = trained_run(setting.runs, arm, setting.set_name, setting.seed, train)
    scored = Scored(run, arm, setting.set_name, setting.seed, ARMS[arm].checkpoints, train)
    return scored.model(chosen(scored))
