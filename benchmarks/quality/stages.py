"""Every rival by name, and how one is run on a set."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from typing import Any

import numpy as np
from arms import ARMS, SIZE
from rivals import (
    chain,
    constant,
    contrast,
    ddt,
    fitted,
    grabcut,
    squeezenet,
    supervised,
    trained,
    untrained,
)
from rivals.setting import Setting
from scores import picture_ious

from ganloc.heatmap.read import DEFAULT, READINGS
from ganloc.images.pictures import Pictures
from ganloc.score.hits import packed
from ganloc.score.table import as_json, score_boxes

FOLDS = 5
LARGE = squeezenet.SIZE  # pixels a side, for rivals that need many


def _none(setting: Setting) -> float:
    return 0.0


@dataclass(frozen=True)
class Stage:
    """One rival.

    Attributes:
        boxes: training pictures, pictures and setting → one box a picture.
        uses_labels: it sees the training pictures' truth.
        pretrained: it needs SqueezeNet's ImageNet weights.
        size: side of the pictures that it sees, in pixels.
        seeds: it is run with each of them; one where little or nothing depends on chance.
        minutes_before: what was spent earlier on what a call finds.
        package: without this package it is skipped; "" for none.
        originals: it reads the files again, of folders alone.
    """

    boxes: Callable[[Pictures, Pictures, Setting], np.ndarray]
    uses_labels: bool = False
    pretrained: bool = False
    size: int = SIZE
    seeds: tuple[int, ...] = (0,)
    minutes_before: Callable[[Setting], float] = _none
    package: str = ""
    originals: bool = False


# The network of the default preset by every reading, the paper's by some.
UNTRAINED = {
    "dcgan": tuple(READINGS),
    "sn-dcgan": ("plain-cam", "cam", "border", DEFAULT),
}

# Source of the seeds and rounds of the student: the default chain step by step, then with other
# seeds.
CHAIN = {
    "seeds": ("both", 0),
    "student-1": ("both", 1),
    "student": ("both", 2),
    "student-of-discriminator": ("discriminator", 2),
    "student-of-colour": ("colour", 2),
}


def _of_chain(
    boxes: Callable[..., np.ndarray], name: str, size: int = SIZE, originals: bool = False
) -> Stage:
    """A row of `CHAIN`, by the boxes of rivals/chain.py."""
    first_boxes, rounds = CHAIN[name]
    known = {"first_boxes": first_boxes, "rounds": rounds}
    return Stage(
        partial(boxes, **known),
        size=size,
        seeds=ARMS[chain.ARM].seeds,
        minutes_before=partial(chain.minutes_before, **known, size=size),
        originals=originals,
    )


STAGES: dict[str, Stage] = {
    "whole-image": Stage(partial(constant.boxes, fraction=1.0)),
    "centre": Stage(partial(constant.boxes, fraction=0.8)),
    "fitted-box": Stage(fitted.boxes, uses_labels=True),
    "colour-contrast": Stage(partial(contrast.boxes, centre_prior=False)),
    "colour-contrast-centre": Stage(partial(contrast.boxes, centre_prior=True)),
    "grabcut": Stage(grabcut.boxes, size=LARGE, package="cv2"),
    **{
        f"untrained-{variant}-{reading}": Stage(
            partial(untrained.boxes, variant=variant, reading=reading), seeds=(0, 1, 2)
        )
        for variant, readings in UNTRAINED.items()
        for reading in readings
    },
    **{
        f"trained-border-{reading}": Stage(
            partial(trained.boxes, arm="border", reading=reading),
            seeds=ARMS["border"].seeds,
            minutes_before=partial(trained.minutes_before, arm="border", size=SIZE),
        )
        for reading in ("plain-cam", DEFAULT)
    },
    **{name: _of_chain(chain.boxes, name) for name in CHAIN},
    "student-again": _of_chain(chain.boxes_looked_at_again, "student", originals=True),
    "student-again-128": _of_chain(chain.boxes_looked_at_again, "student", 128, originals=True),
    **{
        f"ddt-squeezenet-{layer}": Stage(
            partial(ddt.boxes, layer=layer), pretrained=True, size=LARGE
        )
        for layer in ("fire8", "fire9")
    },
    "supervised-cnn": Stage(supervised.boxes, uses_labels=True),
}


def why_skipped(stage: Stage, setting: Setting) -> str:
    """What is missing to run it, "" where nothing is."""
    if stage.package and find_spec(stage.package) is None:
        return f"the package {stage.package} is not installed"
    if stage.originals and setting.originals is None:
        return "only folders hold larger pictures"
    return "no --squeezenet" if stage.pretrained and setting.squeezenet is None else ""


def run_stage(
    stage: Stage, train: Pictures | None, test: Pictures, setting: Setting
) -> dict[str, Any]:
    """A row of scores on `test`, percentages 0–100, with 95 % intervals, hits and minutes.

    Where there is no `train`, what uses labels is cross-fitted on `test` in five folds, and the
    rest fitted on all of it. Truth goes to what uses labels alone, and never that of a picture that
    gets a box.
    """
    assert test.truth is not None
    minutes_before = stage.minutes_before(setting)
    began = time.perf_counter()
    if train is None and stage.uses_labels:
        boxes = _cross_fitted(stage, test, setting)
    else:
        known = test if train is None else train
        seen = known if stage.uses_labels else known.unlabelled()
        boxes = stage.boxes(seen, test.unlabelled(), setting)
    minutes = minutes_before + (time.perf_counter() - began) / 60.0
    row = score_boxes("", boxes, test.truth, stage.uses_labels)
    ious = picture_ious(boxes, test)
    (scores,) = as_json("", len(test), [row])["rows"]
    del scores["name"]
    return {
        **scores,
        "pretrained": stage.pretrained,
        "pictures": len(test),
        "scored": len(ious),
        "minutes": round(minutes, 3),
        "hits": packed(ious),
    }


def _cross_fitted(stage: Stage, pictures: Pictures, setting: Setting) -> np.ndarray:
    """Each fold's boxes from the labels of the others; the folds are `cross_fitted_box`'s."""
    boxes = np.empty((len(pictures), 4))
    fold = np.random.default_rng(0).permutation(len(pictures)) % FOLDS
    for number in np.unique(fold):
        mine, others = np.flatnonzero(fold == number), np.flatnonzero(fold != number)
        shown = pictures.subset(mine).unlabelled()
        boxes[mine] = stage.boxes(pictures.subset(others), shown, setting)
    return boxes
