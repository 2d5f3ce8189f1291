"""Metrics of a trained cell, and the baselines that the paper left out."""

import json
import time
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import torch

from ganloc.box.iou import best_iou
from ganloc.checkpoints.run import Run
from ganloc.discriminator.sample import sample
from ganloc.discriminator.train_state import load_generator
from ganloc.evaluation import baselines, untrained_model
from ganloc.images.image_set import ImageSet
from ganloc.metrics.bootstrap import bootstrap_interval, paired_bootstrap
from ganloc.metrics.diversity import diversity
from ganloc.metrics.max_box_acc import max_box_acc
from ganloc.metrics.uniformity import uniformity
from ganloc.model import Detections, Model
from ganloc.paper.budgets import Budget
from ganloc.paper.cell import Cell
from ganloc.paper.published import published
from ganloc.paper.results import ResultRow
from ganloc.shapes import Float

PAPER = "plain-cam"
OURS = "border-distance"
READINGS = {"paper": PAPER, "ours": OURS}
SAMPLES = 1000  # generated images for MS-SSIM


def evaluate_cell(
    cell: Cell, run: Run, train: ImageSet, test: ImageSet, device: torch.device
) -> ResultRow:
    """The row of a trained cell. Percentages are 0–100.

    Args:
        cell: that was trained.
        run: of the cell.
        train: the training images.
        test: images with truth.
        device: on which the cell was trained.

    Returns:
        `paper` and `ours`: `evaluate_reading` of the paper's reading and of the border distance;
        `curve`: iteration and GT-known Loc of both readings at every milestone; `published`: the
        cell of Table 3; `ms_ssim` of generated images and its `ms_ssim_deviation` over samplings;
        `uniformity` of the paper's heatmaps, and `uniformity_untrained`; `milliseconds_alone`; the
        `cost`; `recipe`.
    """
    recipe = cell.recipe()
    kept = cell.budget.kept(recipe.iterations)
    models = [Model.load(run.milestone(iteration)).to(device) for iteration in kept]
    untrained = untrained_model(models[-1], train)
    readings: dict[str, Any] = {}
    curve: list[list[float]] = [[iteration] for iteration in kept]
    for name, reading in READINGS.items():
        found = [model.detect(test, reading) for model in models]
        readings[name] = evaluate_reading(found, untrained.detect(test, reading), test)
        for line, each in zip(curve, found, strict=True):
            line.append(_percent(hits(each, test)))
    generator = load_generator(run.checkpoint, recipe).to(device)
    return {
        **readings,
        "curve": curve,
        "published": published(cell.set_name, cell.method),
        **alikeness(sample(generator, recipe, SAMPLES), cell.budget),
        "uniformity": round(uniformity(models[-1].heatmaps(test, PAPER)), 4),
        "uniformity_untrained": round(uniformity(untrained.heatmaps(test, PAPER)), 4),
        "milliseconds_alone": milliseconds_alone(models[-1], test),
        **cost(run),
        "recipe": asdict(recipe),
    }


def milliseconds_alone(model: Model, images: ImageSet, count: int = 20) -> float:
    """Median time from pixels to the paper's box, in ms, over `count` images one at a time."""
    times = []
    for index in range(min(count, len(images))):
        began = time.perf_counter()
        model.detect(images.subset([index]), PAPER)
        times.append(time.perf_counter() - began)
    return round(1000.0 * float(np.median(times)), 3)


def evaluate_reading(
    found: Sequence[Detections], before: Detections, test: ImageSet
) -> dict[str, Any]:
    """Metrics of one reading of one training. Percentages are 0–100.

    Args:
        found: detections at each milestone, the last checkpoint last.
        before: detections of the untrained network.
        test: images with truth.

    Returns:
        `loc` and its `interval`: GT-known Loc at the last checkpoint; `untrained`: that of the
        untrained network; `gain`: the paired interval of the difference; `peak`: that of the best
        milestone (an oracle); `max_box_acc` and `max_box_acc_v2` (oracle thresholds).
    """
    assert test.truth is not None
    last, untrained = hits(found[-1], test), hits(before, test)
    swept = max_box_acc(found[-1].heatmaps, test.truth, test.sizes)
    return {
        **loc_with_interval(last),
        "peak": max(_percent(hits(each, test)) for each in found),
        "untrained": _percent(untrained),
        "gain": _rounded(paired_bootstrap(100.0 * last, 100.0 * untrained)),
        "max_box_acc": round(swept.max_box_acc, 2),
        "max_box_acc_v2": round(swept.max_box_acc_v2, 2),
    }


def baseline_rows(train: ImageSet, test: ImageSet, budget: Budget) -> dict[str, ResultRow]:
    """Rows of the baselines of a set by name, and `real`, the MS-SSIM of its real images."""
    rows: dict[str, ResultRow] = {}
    for row in baselines(test, train):
        rows[row.name] = {
            "uses_labels": row.uses_labels,
            "loc": round(row.gt_known_loc, 2),
            "interval": _rounded(row.interval),
            "images": len(test),
        }
    return rows | {"real": alikeness(train.pixels, budget)}


def loc_with_interval(hit: Float[np.ndarray, " n"]) -> dict[str, Any]:
    """GT-known Loc, its 95 % bootstrap interval, and the number of images."""
    interval = bootstrap_interval(100.0 * hit)
    return {"loc": _percent(hit), "interval": _rounded(interval), "images": len(hit)}


def hits(found: Detections, test: ImageSet) -> Float[np.ndarray, " n"]:
    """1 for each image whose box has IoU > 0.5 with a true box, else 0."""
    assert test.truth is not None
    return (best_iou(test.in_pixels(found.boxes), test.truth) > 0.5).astype(float)


def alikeness(pixels: np.ndarray, budget: Budget) -> dict[str, float]:
    """MS-SSIM between images of a set, and its standard deviation over samplings."""
    found = diversity(pixels, budget.pairs, samplings=budget.samplings)
    return {"ms_ssim": round(found.mean, 4), "ms_ssim_deviation": round(found.deviation, 4)}


def cost(run: Run) -> dict[str, Any]:
    """Minutes and speed of a training, from its log."""
    lines = [json.loads(line) for line in run.log.read_text(encoding="utf-8").splitlines()]
    speeds = [line["images_per_second"] for line in lines]
    return {
        "minutes": round(lines[-1]["seconds"] / 60.0, 2),
        "images_per_second": round(float(np.median(speeds)), 1),
    }


def _percent(hit: Float[np.ndarray, " n"]) -> float:
    return round(100.0 * float(hit.mean()), 2)


def _rounded(interval: tuple[float, float]) -> list[float]:
    return [round(end, 2) for end in interval]
