"""What a trained cell is worth, beside what the paper left out."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ganloc.adversary.game import load_game
from ganloc.adversary.sample import sample
from ganloc.box.iou import best_iou
from ganloc.evaluation import baseline_boxes, untrained_model
from ganloc.heatmap.read import DEFAULT
from ganloc.images.pictures import Pictures
from ganloc.model import Found, Model
from ganloc.reproduce.cell import Cell
from ganloc.reproduce.published import published
from ganloc.reproduce.results import ResultRow
from ganloc.run import Run
from ganloc.score.bootstrap import bootstrap_interval, paired_bootstrap
from ganloc.score.diversity import diversity
from ganloc.score.max_box_acc import max_box_acc
from ganloc.score.uniformity import uniformity

PAPER = "plain-cam"  # the paper's reading
READINGS = {"paper": PAPER, "ours": DEFAULT}
SAMPLES = 1000  # generated pictures that MS-SSIM draws its pairs from


def score_cell(cell: Cell, run: Run, train: Pictures, test: Pictures) -> ResultRow:
    """The row of a trained cell.

    Its keys, percentages being 0–100: `paper` and `ours`, the scores of the paper's reading and of
    the default one (`score_reading`); `curve`, GT-known Loc of both at every milestone; `published`,
    Table 3's cell; `ms_ssim` of generated pictures with its `ms_ssim_deviation` over samplings;
    `uniformity` of the paper's heatmaps and `uniformity_untrained`; and what it cost.
    """
    recipe = cell.recipe()
    models = [Model.load(run.milestone(i)) for i in cell.budget.kept(recipe.iterations)]
    untrained = untrained_model(models[-1], train)
    scores, curve = {}, [[model.info["iteration"]] for model in models]
    for name, reading in READINGS.items():
        found = [model.localize(test, reading) for model in models]
        before = untrained.localize(test, reading)
        scores[name] = score_reading(found, before, test)
        for line, each in zip(curve, found, strict=True):
            line.append(round(100.0 * hits(each, test).mean(), 2))
    game = load_game(run.checkpoint, recipe, torch.device("cpu"))
    generated = sample(game.generator, recipe, SAMPLES)
    return {
        **describe(cell, len(test)),
        "size": recipe.size,
        "iterations": recipe.iterations,
        **scores,
        "curve": curve,
        "published": published(cell.set_name, cell.method),
        **alikeness(generated, cell),
        "uniformity": round(uniformity(models[-1].heatmaps(test, PAPER)), 4),
        "uniformity_untrained": round(uniformity(untrained.heatmaps(test, PAPER)), 4),
        **cost(run.log),
    }
