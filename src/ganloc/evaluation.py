"""The table of one run on one data set: its readings beside what they have to beat."""

from collections.abc import Sequence

import torch

from ganloc.box.from_heatmap import boxes_from_heatmaps
from ganloc.discriminator.train_state import new_train_state
from ganloc.heatmap.colour_contrast import (
    CENTRE_PRIOR_THRESHOLD,
    THRESHOLD,
    colour_contrast,
    with_centre_prior,
)
from ganloc.heatmap.readings import DEFAULT
from ganloc.images.image_set import ImageSet
from ganloc.method import localize
from ganloc.metrics.baselines import centre, cross_fitted_box, fitted_box, whole_image
from ganloc.metrics.rows import Row, evaluate_boxes, evaluate_heatmaps
from ganloc.model import Model

CORLOC = ("default", "plain-cam", "whole-image", "centre")


def evaluate(model: Model, test: ImageSet, train: ImageSet | None = None) -> list[Row]:
    """Evaluate the run, its untrained network and the baselines on `test`.

    Args:
        model: the trained model.
        test: images with truth, of the model's size.
        train: the training images with truth, where the data has a split: the fitted box is
            fitted on them. Without, it is cross-fitted on `test` in five folds.

    Returns:
        Rows `default`, `discriminator` (the same without the student, where there is one),
        `plain-cam`, `cam`, `untrained` (the discriminator), `untrained-plain-cam`, then the
        baselines. Rows that are cut from heatmaps also hold what these reach at an oracle
        threshold. Heatmaps are of the whole image, boxes are refined.

    Raises:
        UserError: no image of `test` has a true box.
    """
    assert test.truth is not None
    untrained = untrained_model(model, train or test)
    readings = {
        "default": (model, model.reading),
        **({"discriminator": (model, DEFAULT)} if model.student else {}),
        "plain-cam": (model, "plain-cam"),
        "cam": (model, "cam"),
        "untrained": (untrained, DEFAULT),
        "untrained-plain-cam": (untrained, "plain-cam"),
    }
    rows = []
    for name, (reader, reading) in readings.items():
        found = localize(reader, test, reading)
        boxes = test.in_pixels(found.boxes)
        rows.append(evaluate_heatmaps(name, found.heatmaps, boxes, test.truth, test.sizes))
    return [*rows, *baselines(test, train)]


def baselines(test: ImageSet, train: ImageSet | None = None) -> list[Row]:
    """What needs no network (arguments and errors as for `evaluate`).

    Returns:
        Rows `colour-contrast`, `colour-contrast-centre`, `whole-image`, `centre`, `fitted-box`.
    """
    assert test.truth is not None
    sizes, truth = test.sizes, test.truth
    contrast = colour_contrast(test.pixels)
    contrasts = {
        "colour-contrast": (contrast, THRESHOLD),
        "colour-contrast-centre": (with_centre_prior(contrast), CENTRE_PRIOR_THRESHOLD),
    }
    rows = []
    for name, (heatmaps, threshold) in contrasts.items():
        boxes = test.in_pixels(boxes_from_heatmaps(heatmaps, test.size, threshold))
        rows.append(evaluate_heatmaps(name, heatmaps, boxes, truth, sizes))
    if train is None or train.truth is None:
        fitted = cross_fitted_box(truth, sizes)
    else:
        fitted = fitted_box(sizes, train.truth, train.sizes)
    return [
        *rows,
        evaluate_boxes("whole-image", whole_image(sizes), truth),
        evaluate_boxes("centre", centre(sizes), truth),
        evaluate_boxes("fitted-box", fitted, truth, uses_labels=True),
    ]


def corloc_rows(model: Model, images: ImageSet, evaluated: Sequence[Row] = ()) -> list[Row]:
    """CorLoc: the default and the paper's reading beside constant boxes, on the training images.

    Empty where `images` are not the training images, or have no truth.

    Args:
        model: the trained model.
        images: what it may have been trained on.
        evaluated: rows that `evaluate` gave for these very images, not to be worked out again.
    """
    if images.truth is None or model.info.get("checksum") != images.checksum:
        return []
    if evaluated:
        return [row for row in evaluated if row.name in CORLOC]
    boxes = {
        "default": images.in_pixels(localize(model, images).boxes),
        "plain-cam": images.in_pixels(localize(model, images, "plain-cam").boxes),
        "whole-image": whole_image(images.sizes),
        "centre": centre(images.sizes),
    }
    return [evaluate_boxes(name, box, images.truth) for name, box in boxes.items()]


def untrained_model(model: Model, images: ImageSet) -> Model:
    """The model as it was before its first iteration, calibrated on `images`."""
    state = new_train_state(model.recipe, torch.device("cpu"))
    discriminator = state.discriminator.to(model.device)
    return Model.freeze(discriminator, images, model.recipe, iteration=0)
