"""The main job on the embedded data set: train, score held-out images, draw what was found."""

import shutil
from pathlib import Path

import torch
from rich.console import Console

from ganloc.checkpoints.run import Run
from ganloc.errors import UserError
from ganloc.evaluation import evaluate
from ganloc.images.image_set import ImageSet
from ganloc.images.source import load_images
from ganloc.metrics.rows import Row
from ganloc.recipes import make_recipe
from ganloc.report.grid import save_png
from ganloc.report.progress_bar import training_progress
from ganloc.report.training_images import heatmap_grid, spread
from ganloc.training import train_run

DATA = "embedded"
CHANGES = {"size": 32}  # drawn images have no finer detail that matters
SHOWN = 20


def run_demo(out: Path, seed: int, console: Console) -> tuple[ImageSet, list[Row]]:
    """Train the default preset on 2,000 drawn images and score 500 others.

    Writes a run folder, and in it `boxes.png`: held-out images with heatmaps and boxes.

    Returns:
        The held-out images and the rows of their table.

    Raises:
        UserError: `out` holds something other than an earlier demo, or can't be written to.
    """
    recipe = make_recipe("default", **CHANGES, seed=seed)
    _clear(out)
    train, test = (load_images(DATA, recipe.size, split) for split in ("train", "test"))
    run = Run.create(out, recipe, DATA, train)
    console.print(f"Training on {len(train)} drawn images; the boxes of {len(test)} others count.")
    with training_progress(recipe.steps, console) as progress:
        model = train_run(run, train.unlabelled(), recipe, torch.device("cpu"), progress=progress)
    save_png(out / "boxes.png", heatmap_grid(model, spread(test, SHOWN), truth=True))
    return test, evaluate(model, test, train)


def _clear(out: Path) -> None:
    if (out / "recipe.json").is_file():
        if Run.open(out).read()["data"] != DATA:
            raise UserError(f"{out} holds a run on your images: choose another --out.")
        shutil.rmtree(out)
