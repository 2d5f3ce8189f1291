"""A whole training of the supervised upper reference (the paper's CAM) in a run folder."""

import json
from dataclasses import asdict
from pathlib import Path

import torch

from ganloc.errors import UserError
from ganloc.files import write_json
from ganloc.images.pictures import Pictures, checksum
from ganloc.log import Log, Watch
from ganloc.reference.learning import (
    Learner,
    Progress,
    learn,
    load_learner,
    new_learner,
    save_learner,
)
from ganloc.reference.model import ReferenceModel, known_labels
from ganloc.reference.recipe import ReferenceRecipe
from ganloc.run import Run, check_new
from ganloc.training import Stopped, stop_flag

LOG_EVERY = 25
CHECKPOINT_EVERY = 250


def train_reference(
    run_folder: Path,
    pictures: Pictures,
    recipe: ReferenceRecipe,
    device: torch.device,
    resume: bool = False,
    watch: Watch | None = None,
) -> ReferenceModel:
    """Train in a run folder until the recipe's last iteration, and leave `model.safetensors`.

    The folder holds `recipe.json`, `log.jsonl`, `checkpoint/latest.safetensors` and
    `model.safetensors`.

    Args:
        run_folder: where to; new or empty unless `resume`.
        pictures: with labels, of the recipe's size.
        recipe: how to train.
        device: where to train.
        resume: go on from the folder's checkpoint; where there is none, start.
        watch: called every `LOG_EVERY` iterations with the iteration and the line of the log.

    Raises:
        Stopped: by SIGINT (Ctrl-C) or SIGTERM; checkpoint and model are written.
        UserError: pictures without classes, a folder that can't be used or holds the training of
            another recipe or on other pictures, or a loss that is no longer finite.
    """
    run, classes = Run(run_folder), len(pictures.classes)
    known_labels(pictures)
    if pictures.size != recipe.size:
        raise UserError(
            f"The pictures are {pictures.size} pixels wide and the reference's recipe asks for "
            f"{recipe.size}: load them at that size."
        )
    _begin(run, pictures, recipe, resume)
    if run.checkpoint.exists():
        learner = load_learner(run.checkpoint, recipe, classes, device)
    else:
        learner = new_learner(recipe, classes, device)
    seconds = run.keep_log_until(learner.iteration)
    log = Log(run, watch, recipe.batch, learner.iteration, seconds)
    with stop_flag() as stopped:
        for progress in learn(learner, pictures, recipe):
            last = learner.iteration == recipe.iterations
            if learner.iteration % LOG_EVERY == 0 or last:
                _write(log, learner.iteration, progress)
            if learner.iteration % CHECKPOINT_EVERY == 0 or last or stopped():
                save_learner(learner, run.checkpoint)
            if stopped() and not last:
                _finish(run, learner, recipe, pictures)
                raise Stopped(learner.iteration)
    return _finish(run, learner, recipe, pictures)


def _begin(run: Run, pictures: Pictures, recipe: ReferenceRecipe, resume: bool) -> None:
    """Write `recipe.json`, or make sure that the one to go on from says the same."""
    wanted = {
        "pictures": len(pictures),
        "checksum": checksum(pictures),
        "classes": list(pictures.classes),
        "recipe": asdict(recipe),
    }
    if not (resume and run.recipe_file.exists()):
        check_new(run.folder)
        write_json(run.recipe_file, wanted)
        return
    try:
        found = json.loads(run.recipe_file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UserError(f"{run.recipe_file} is broken: train again.") from error
    if found != wanted:
        raise UserError(
            f"{run.folder} holds a reference of another recipe or of other pictures: "
            "go on with the same ones, or choose another folder."
        )


def _write(log: Log, iteration: int, progress: Progress) -> None:
    log.write(
        iteration,
        {"loss": float(progress.loss)},
        {"accuracy": round(float(progress.accuracy), 2), "rate": progress.rate},
        f"The reference's training broke down at iteration {iteration} (the loss is not "
        "finite): train it into a new folder with a lower rate.",
    )


def _finish(
    run: Run, learner: Learner, recipe: ReferenceRecipe, pictures: Pictures
) -> ReferenceModel:
    model = ReferenceModel.from_training(learner.network, recipe, pictures, learner.iteration)
    model.save(run.model)
    return model
