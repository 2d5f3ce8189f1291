"""Every rival by name, and how one is run on a set."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from typing import Any

import numpy as np
from arms import ARMS, SIZE
from compared_readings import COMPARED
from evaluated_run import image_ious
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

from ganloc.heatmap.readings import DISCRIMINATOR_READING
from ganloc.images.image_set import ImageSet
from ganloc.metrics.baselines import cross_fitted
from ganloc.metrics.hits import packed
from ganloc.metrics.rows import as_json, evaluate_boxes

LARGE = squeezenet.SIZE  # pixels a side, for rivals that need many


def _none(setting: Setting) -> float:
    return 0.0


@dataclass(frozen=True)
class Stage:
    """One rival.

    Attributes:
        boxes: training images, images and setting → one box an image.
        uses_labels: it sees the training images' truth.
        pretrained: it needs SqueezeNet's ImageNet weights.
        size: side of the images that it sees, in pixels.
        seeds: it is run with each of them; one where little or nothing is random.
        minutes_before: the minutes that what it shares has taken before it is run.
        package: without this package it is skipped; "" for none.
        refines: it reads crops from larger files, so it is run on folders alone.
    """

    boxes: Callable[[ImageSet, ImageSet, Setting], np.ndarray]
    uses_labels: bool = False
    pretrained: bool = False
    size: int = SIZE
    seeds: tuple[int, ...] = (0,)
    minutes_before: Callable[[Setting], float] = _none
    package: str = ""
    refines: bool = False


# The network of the default preset by every reading, the paper's by some.
UNTRAINED = {
    "dcgan": COMPARED,
    "sn-dcgan": ("plain-cam", "cam", "border-distance", DISCRIMINATOR_READING),
}

# Source of the pseudo-boxes and rounds of the student: the default step by step, then with other
# sources.
CHAIN = {
    "pseudo-boxes": ("both", 0),
    "student-1": ("both", 1),
    "student": ("both", 2),
    "student-of-discriminator": ("discriminator", 2),
    "student-of-colour": ("colour", 2),
    "student-of-features": (chain.FEATURES, 2),
}


def _of_chain(
    boxes: Callable[..., np.ndarray], name: str, size: int = SIZE, refines: bool = False
) -> Stage:
    """A row of `CHAIN`, by the boxes of rivals/chain.py."""
    pseudo_boxes, rounds = CHAIN[name]
    settings = {"pseudo_boxes": pseudo_boxes, "rounds": rounds}
    return Stage(
        partial(boxes, **settings),
        size=size,
        seeds=ARMS[chain.ARM].seeds,
        pretrained=pseudo_boxes == chain.FEATURES,
        minutes_before=partial(chain.minutes_before, **settings, size=size),
        refines=refines,
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
        f"trained-pretext-{reading}": Stage(
            partial(trained.boxes, arm="pretext", reading=reading),
            seeds=ARMS["pretext"].seeds,
            minutes_before=partial(trained.minutes_before, arm="pretext", size=SIZE),
        )
        for reading in ("plain-cam", DISCRIMINATOR_READING)
    },
    **{name: _of_chain(chain.boxes, name) for name in CHAIN},
    "student-refined": _of_chain(chain.refined_boxes, "student", refines=True),
    "student-of-features-refined": _of_chain(
        chain.refined_boxes, "student-of-features", refines=True
    ),
    "student-refined-128": _of_chain(chain.refined_boxes, "student", 128, refines=True),
    **{
        f"ddt-squeezenet-{layer}": Stage(
            partial(ddt.boxes, layer=layer), pretrained=True, size=LARGE
        )
        for layer in ("fire8", "fire9")
    },
    "supervised-cnn": Stage(supervised.boxes, uses_labels=True),
}


def why_skipped(stage: Stage, setting: Setting, is_folder: bool) -> str:
    """What is missing to run it, "" where nothing is."""
    if stage.package and find_spec(stage.package) is None:
        return f"the package {stage.package} is not installed"
    if stage.refines and not is_folder:
        return "only folders hold larger images"
    return "no --squeezenet" if stage.pretrained and setting.squeezenet is None else ""


def run_stage(
    stage: Stage, train: ImageSet | None, test: ImageSet, setting: Setting
) -> dict[str, Any]:
    """Evaluated on `test`: percentages 0–100 with 95 % intervals, hits and minutes.

    Where there is no `train`, a rival that uses labels is cross-fitted on `test` in five folds, and
    any other is fitted on all of it. A rival that uses no labels is given no truth. One that does
    is never given the truth of an image that gets a box.
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
    evaluated = evaluate_boxes("", boxes, test.truth, stage.uses_labels)
    ious = image_ious(boxes, test)
    (row,) = as_json("", len(test), [evaluated])["rows"]
    del row["name"]
    return {
        **row,
        "pretrained": stage.pretrained,
        "images": len(test),
        "scored": len(ious),
        "minutes": round(minutes, 3),
        "hits": packed(ious),
    }


def _cross_fitted(stage: Stage, images: ImageSet, setting: Setting) -> np.ndarray:
    """Each fold's boxes from the labels of the others."""

    def boxes_of(mine: np.ndarray, others: np.ndarray) -> np.ndarray:
        shown = images.subset(mine).unlabelled()
        return stage.boxes(images.subset(others), shown, setting)

    return cross_fitted(len(images), boxes_of)
