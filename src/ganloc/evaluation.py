"""The table of one run on one data set: its readings beside what they have to beat."""

from collections.abc import Sequence

import torch

from ganloc.adversary.game import new_game
from ganloc.box.from_heatmap import boxes_from_heatmaps
from ganloc.heatmap.colour_contrast import (
    CENTRE_PRIOR_THRESHOLD,
    THRESHOLD,
    colour_contrast,
    with_centre_prior,
)
from ganloc.heatmap.read import DEFAULT
from ganloc.images.pictures import Pictures, checksum
from ganloc.images.source import Closer
from ganloc.model import Model
from ganloc.score.baselines import centre, cross_fitted_box, fitted_box, whole_image
from ganloc.score.table import Row, score_boxes, score_heatmaps

CORLOC = ("default", "plain-cam", "whole-image", "centre")


def evaluate(
    model: Model,
    test: Pictures,
    train: Pictures | None = None,
    closer: Closer | None = None,
) -> list[Row]:
    """Score the run, its untrained network and the baselines on `test`.

    Args:
        model: the trained model.
        test: pictures with truth, of the model's size.
        train: the training pictures with truth, where the data has a split: the fitted box is
            fitted on them. Without, it is cross-fitted on `test` in five folds.
        closer: parts of `test`'s originals, for a student that looks again (Model.localize).

    Returns:
        Rows `default`, `discriminator` (what it is without its student, where it has one),
        `plain-cam`, `cam`, `untrained` (the discriminator), `untrained-plain-cam`, then the
        baselines. Those that are cut from heatmaps also hold what these score at an oracle
        threshold; heatmaps are of the first look.

    Raises:
        UserError: no picture of `test` has a true box.
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
        found = reader.localize(test, reading, closer)
        rows.append(score_heatmaps(name, found.heatmaps, found.boxes, test.truth, test.sizes))
    return [*rows, *baselines(test, train)]


def baselines(test: Pictures, train: Pictures | None = None) -> list[Row]:
    """What needs no network (arguments and errors as in `evaluate`).

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
        boxes = boxes_from_heatmaps(heatmaps, test.size, sizes, threshold)
        rows.append(score_heatmaps(name, heatmaps, boxes, truth, sizes))
    if train is None or train.truth is None:
        fitted = cross_fitted_box(truth, sizes)
    else:
        fitted = fitted_box(sizes, train.truth, train.sizes)
    return [
        *rows,
        score_boxes("whole-image", whole_image(sizes), truth),
        score_boxes("centre", centre(sizes), truth),
        score_boxes("fitted-box", fitted, truth, uses_labels=True),
    ]


def fitted_corloc(model: Model, pictures: Pictures, scored: Sequence[Row] = ()) -> list[Row]:
    """CorLoc: the default and the paper's reading beside constant boxes, on the fitted pictures.

    Empty where `pictures` are not those that were fitted, or have no truth.

    Args:
        model: the trained model.
        pictures: what it may have been fitted on.
        scored: rows that `evaluate` gave for these very pictures, not to be worked out again.
    """
    if pictures.truth is None or model.info.get("checksum") != checksum(pictures):
        return []
    if scored:
        return [row for row in scored if row.name in CORLOC]
    boxes = {
        "default": model.localize(pictures).boxes,
        "plain-cam": model.localize(pictures, "plain-cam").boxes,
        "whole-image": whole_image(pictures.sizes),
        "centre": centre(pictures.sizes),
    }
    return [score_boxes(name, box, pictures.truth) for name, box in boxes.items()]


def untrained_model(model: Model, pictures: Pictures) -> Model:
    """The model as it was before its first iteration, calibrated on `pictures`."""
    device = next(model.discriminator.parameters()).device
    game = new_game(model.recipe, torch.device("cpu"))
    return Model.from_training(game.discriminator.to(device), model.recipe, pictures, iteration=0)
