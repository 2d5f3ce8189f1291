"""Evaluation of a model on a data set: its readings, its untrained network, and baselines."""

import warnings
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch

from ganloc.box.from_heatmap import boxes_from_heatmaps
from ganloc.discriminator.train_state import new_train_state
from ganloc.errors import Notice, UserError
from ganloc.heatmap.colour_contrast import (
    CENTRE_PRIOR_THRESHOLD,
    THRESHOLD,
    colour_contrast,
    with_centre_prior,
)
from ganloc.heatmap.readings import DISCRIMINATOR_READING
from ganloc.images.image_set import ImageSet
from ganloc.method import localize
from ganloc.metrics.baselines import centre, cross_fitted_box, fitted_box, whole_image
from ganloc.metrics.objects import ObjectsRow, evaluate_objects
from ganloc.metrics.rows import Row, evaluate_boxes, evaluate_heatmaps
from ganloc.model import HINTED, Model
from ganloc.several.detections import CANDIDATE, detections
from ganloc.several.finder import Finder
from ganloc.student.learn_hints import checksums

CORLOC = ("default", "plain-cam", "whole-image", "centre")


def evaluate(model: Model, test: ImageSet, train: ImageSet | None = None) -> list[Row]:
    """Evaluate a model, its untrained network and the baselines.

    Args:
        model: the trained model.
        test: images with truth, of the model's size.
        train: training images with truth, on which the fitted box is fitted. By default it is
            cross-fitted on `test` in five folds.

    Images with hints are left out, with a Notice: the model has seen their boxes.

    Returns:
        Rows `default`, `label-free` (if the default learned from hints: what it was without),
        `discriminator` (if the model has a student), `plain-cam`, `cam`,
        `untrained` (the discriminator's default reading), `untrained-plain-cam`, and those of
        `baselines`. Boxes are refined, heatmaps are those of the whole image.

    Raises:
        UserError: no image of `test` has a true box.

    >>> from pathlib import Path
    >>> from ganloc import load
    >>> from ganloc.images.source import load_images
    >>> test = load_images("photos/", size=64, truth=Path("truth.json"))  # doctest: +SKIP
    >>> for row in evaluate(load("runs/photos").model, test):  # doctest: +SKIP
    ...     print(row.name, row.gt_known_loc, row.interval)
    """
    test = without_hints(model, test)
    assert test.truth is not None
    untrained = untrained_model(model, train or test)
    label_free = replace(model, hinted=None)
    readings = {
        "default": (model, model.reading),
        **({"label-free": (label_free, label_free.reading)} if model.hinted else {}),
        **({"discriminator": (model, DISCRIMINATOR_READING)} if model.student else {}),
        "plain-cam": (model, "plain-cam"),
        "cam": (model, "cam"),
        "untrained": (untrained, DISCRIMINATOR_READING),
        "untrained-plain-cam": (untrained, "plain-cam"),
    }
    rows = []
    for name, (reader, reading) in readings.items():
        found = localize(reader, test, reading)
        boxes = test.in_pixels(found.best_boxes)
        row = evaluate_heatmaps(name, found.heatmaps, boxes, test.truth, test.sizes, test.names)
        pretrained = reader.is_pretrained(reading)
        rows.append(replace(row, uses_labels=reading == HINTED, pretrained=pretrained))
    return [*rows, *baselines(test, train)]


def without_hints(model: Model, images: ImageSet) -> ImageSet:
    """The images on which a model may be scored: those without hints. A Notice counts the others.

    Raises:
        UserError: all have hints.
    """
    known = set(model.hinted.checksums) if model.hinted else set()
    found = [crc not in known for crc in checksums(images.pixels)] if known else []
    if all(found):
        return images
    if not any(found):
        raise UserError("Every image has a hint, so nothing can be scored: give other images.")
    count = len(found) - sum(found)
    warnings.warn(f"{count} images with hints are not scored.", Notice, stacklevel=3)
    return images.subset(np.flatnonzero(found))


def baselines(test: ImageSet, train: ImageSet | None = None) -> list[Row]:
    """Evaluate the baselines without a network (arguments and errors as for `evaluate`).

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
        rows.append(evaluate_heatmaps(name, heatmaps, boxes, truth, sizes, test.names))
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
    """CorLoc of the default, the paper's reading and constant boxes, on the training images.

    Args:
        model: the trained model.
        images: candidates for the training images.
        evaluated: rows of `evaluate` for the same images, to be used again.

    Returns:
        The rows; none if `images` are not the training images or have no truth.
    """
    if images.truth is None or model.info.get("checksum") != images.checksum or model.hinted:
        return []
    if evaluated:
        return [row for row in evaluated if row.name in CORLOC]
    boxes = {
        "default": images.in_pixels(localize(model, images).best_boxes),
        "plain-cam": images.in_pixels(localize(model, images, "plain-cam").boxes),
        "whole-image": whole_image(images.sizes),
        "centre": centre(images.sizes),
    }
    rows = [evaluate_boxes(name, box, images.truth) for name, box in boxes.items()]
    return [replace(rows[0], pretrained=model.is_pretrained(model.reading)), *rows[1:]]


def objects_rows(
    model: Model, test: ImageSet, max_objects: int | str | None, min_score: float = 0.0
) -> list[ObjectsRow]:
    """Evaluate a model on all objects of each image (arguments as for `localize`).

    Args:
        model: the trained model.
        test: images with truth.
        max_objects: of an image, as for `localize`.
        min_score: of an object.

    Returns:
        Rows `default`, `candidates` (of a finder: also what it does not count as an object, as is
        usual for average precision), `one-box` (the default with one object an image),
        `whole-image`, `centre`.

    Raises:
        UserError: no image has a true box, or pycocotools is not installed.
    """
    test = without_hints(model, test)
    assert test.truth is not None
    found = {"default": localize(model, test, None, True, max_objects, min_score)}
    student = model.student_of(model.reading)
    if isinstance(student, Finder):
        heatmaps = model.heatmaps(test, model.reading)
        found["candidates"] = detections(student, test.pixels, heatmaps, CANDIDATE)
    if (found["default"].counts != 1).any():
        found["one-box"] = localize(model, test, max_objects=1)
    rows = [
        evaluate_objects(name, own.image, own.in_pixels(test), own.scores, test.truth)
        for name, own in found.items()
    ]
    each, ones = np.arange(len(test)), np.ones(len(test))
    for name, boxes in (("whole-image", whole_image(test.sizes)), ("centre", centre(test.sizes))):
        rows.append(evaluate_objects(name, each, boxes, ones, test.truth))
    return rows


def untrained_model(model: Model, images: ImageSet) -> Model:
    """The model before its first iteration, with batch norm calibrated on `images`."""
    state = new_train_state(model.recipe, torch.device("cpu"))
    discriminator = state.discriminator.to(model.device)
    return Model.freeze(discriminator, images, model.recipe, iteration=0)
