"""Training of the supervised CAM reference in a run folder."""

import json
from dataclasses import asdict
from pathlib import Path

import torch

from ganloc.checkpoints.hooks import Cadence
from ganloc.checkpoints.run import Run, check_new
from ganloc.checkpoints.stop_signal import stop_signal
from ganloc.checkpoints.training_log import Log, ProgressCallback
from ganloc.errors import Stopped, UserError
from ganloc.files import write_json
from ganloc.images.image_set import ImageSet
from ganloc.paper.cam_learner import (
    Learner,
    Progress,
    learn,
    load_learner,
    new_learner,
    save_learner,
)
from ganloc.paper.cam_model import ReferenceModel, known_labels
from ganloc.paper.cam_recipe import ReferenceRecipe

CADENCE = Cadence(log=25)


def train_reference(
    run_folder: Path,
    images: ImageSet,
    recipe: ReferenceRecipe,
    device: torch.device,
    resume: bool = False,
    progress: ProgressCallback | None = None,
    cadence: Cadence = CADENCE,
) -> ReferenceModel:
    """Train in a run folder until the recipe's last iteration.

    The folder then holds `recipe.json`, `log.jsonl`, `checkpoint/latest.safetensors` and
    `model.safetensors`.

    Args:
        run_folder: a new or empty folder, unless `resume` is set.
        images: with labels, of the recipe's size.
        recipe: how to train.
        device: where to train.
        resume: go on from the folder's checkpoint, if there is one.
        progress: called with each line of the log and its iteration.
        cadence: how often lines and checkpoints are written.

    Raises:
        Stopped: by SIGINT (Ctrl-C) or SIGTERM, after checkpoint and model are written.
        UserError: the images have no classes, the folder can't be used or holds a training of
            another recipe or of other images, or the loss is not finite.
    """
    run, classes = Run(run_folder), len(images.classes)
    known_labels(images)
    if images.size != recipe.size:
        raise UserError(
            f"The images are {images.size} pixels wide and the reference's recipe asks for "
            f"{recipe.size}: load them at that size."
        )
    _begin(run, images, recipe, resume)
    if run.checkpoint.exists():
        learner = load_learner(run.checkpoint, recipe, classes, device)
    else:
        learner = new_learner(recipe, classes, device)
    seconds = run.keep_log_until(learner.iteration)
    log = Log(run, progress, recipe.batch, learner.iteration, seconds)
    with stop_signal() as stopped:
        for step in learn(learner, images, recipe):
            last = learner.iteration == recipe.iterations
            if learner.iteration % cadence.log == 0 or last:
                _write(log, learner.iteration, step)
            if learner.iteration % cadence.checkpoint == 0 or last or stopped():
                save_learner(learner, run.checkpoint)
            if stopped() and not last:
                _finish(run, learner, recipe, images)
                raise Stopped(learner.iteration, number=stopped())
    return _finish(run, learner, recipe, images)


def _begin(run: Run, images: ImageSet, recipe: ReferenceRecipe, resume: bool) -> None:
    """Write `recipe.json`, or check that the existing one is equal."""
    wanted = {
        "images": len(images),
        "checksum": images.checksum,
        "classes": list(images.classes),
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
            f"{run.folder} holds a reference of another recipe or of other images: "
            "go on with the same ones, or choose another folder."
        )


def _write(log: Log, iteration: int, step: Progress) -> None:
    log.write(
        iteration,
        {"loss": float(step.loss)},
        {"accuracy": round(float(step.accuracy), 2), "rate": step.rate},
        f"The reference's training broke down at iteration {iteration} (the loss is not "
        "finite): train it into a new folder with a lower rate.",
    )


def _finish(
    run: Run, learner: Learner, recipe: ReferenceRecipe, images: ImageSet
) -> ReferenceModel:
    model = ReferenceModel.from_training(learner.network, recipe, images, learner.iteration)
    model.save(run.model)
    return model
