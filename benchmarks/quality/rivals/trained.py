"""ganloc itself: a discriminator trained on the images alone, by the arms of arms.py."""

import json
from dataclasses import replace

import numpy as np
from arms import ARMS, folder_of, is_finished
from compared_readings import reading_boxes
from evaluated_run import EvaluatedRun
from rivals.setting import Setting

from ganloc.checkpoints.hooks import Hooks
from ganloc.checkpoints.run import Run
from ganloc.images.image_set import ImageSet
from ganloc.method import fit
from ganloc.model import Model


def boxes(train: ImageSet, test: ImageSet, setting: Setting, arm: str, reading: str) -> np.ndarray:
    """By the checkpoint that the label-free rule keeps, as ganloc's own training does."""
    return reading_boxes(model(train, setting, arm).to(setting.device), train, test, reading)


def minutes_before(setting: Setting, arm: str, size: int) -> float:
    """What the training took, where it is found finished and not made again."""
    if setting.runs is None:
        return 0.0
    run = Run(folder_of(setting.runs, arm, setting.set_name, setting.seed, size))
    if not is_finished(run, ARMS[arm]):
        return 0.0
    return json.loads(run.log.read_text(encoding="utf-8").splitlines()[-1])["seconds"] / 60.0


def model(train: ImageSet, setting: Setting, arm: str) -> Model:
    """The checkpoint that the label-free rule keeps."""
    if setting.runs is None:
        recipe = replace(ARMS[arm].recipe(setting.seed, train.size), select=True)
        return fit(train, recipe, setting.device, Hooks(cadence=ARMS[arm].cadence))
    run = EvaluatedRun.of_arm(setting.runs, arm, setting.set_name, setting.seed, train)
    return run.model(run.chosen)
