"""A whole training: the game and its student, their log, checkpoints and images in a folder."""

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from signal import SIGINT, SIGTERM, Signals, getsignal, signal
from typing import Any

import torch

from ganloc.checkpoints.candidates import Candidates
from ganloc.checkpoints.run import Run
from ganloc.checkpoints.training_log import Log, ProgressCallback
from ganloc.discriminator.train_discriminator import Losses, train_discriminator
from ganloc.discriminator.train_state import TrainState, load_train_state, new_train_state
from ganloc.errors import UserError
from ganloc.images.image_set import ImageSet
from ganloc.model import Model
from ganloc.outliers.outlier_model import OutlierModel
from ganloc.recipes import VARIANTS, Recipe
from ganloc.report.training_images import save_fakes, save_heatmaps, save_reals, spread
from ganloc.student.self_training import self_train
from ganloc.student.train_student import BATCH

LOG_EVERY = 50
CHECKPOINT_EVERY = 250
GRIDS = 10  # pairs of images over a training, beside the first


class Stopped(Exception):
    """Training was told to stop; checkpoint and model are written.

    Attributes:
        iteration: how far the game is.
        student: the game had ended and its student was learning, which will have to start again.
    """

    def __init__(self, iteration: int, student: bool = False):
        super().__init__(f"stopped after iteration {iteration}")
        self.iteration, self.student = iteration, student


def train_run(
    run: Run,
    images: ImageSet,
    recipe: Recipe,
    device: torch.device,
    resume: bool = False,
    progress: ProgressCallback | None = None,
    milestones: Sequence[int] = (),
) -> Model:
    """Train in `run`'s folder to the recipe's last iteration, and leave `model.safetensors`.

    With `select` that is the checkpoint which the label-free rule prefers, else the last; with
    `patience` training may end early, and is then finished. Then a student learns from it, where
    the recipe has one; stopped meanwhile, it starts again.

    Args:
        run: a fresh run, or with `resume` one that was trained before.
        images: at least two, of the recipe's size.
        recipe: what to train.
        device: where to train.
        resume: go on from the run's checkpoint.
        watch: called every `LOG_EVERY` iterations with the iteration and the line of the log.
        milestones: iterations after which the model is kept beside the last one.

    Raises:
        Stopped: by SIGINT (Ctrl-C) or SIGTERM; training can be resumed.
        UserError: nothing to resume, folder not writable, or a loss that is no longer finite.
    """
    if resume and (done := _taught(run)) and done.recipe == recipe:
        return done.to(device)
    state, candidates, seconds = _begun(run, images, recipe, device, resume)
    run.write_recipe(recipe)
    log = _log(recipe, progress, run, state.iteration, seconds)
    _keep_milestone(run, state, images, recipe, milestones)  # a kill may have come before it
    with stop_flag() as stopped:
        for last in _played(state, candidates, images, recipe, log):
            _keep_milestone(run, state, images, recipe, milestones)
            if state.iteration % max(1, recipe.iterations // GRIDS) == 0 or last:
                _draw(run.folder, state, images, recipe)
            if stopped() and not last:
                candidates.save(state)
                _save(candidates.model(state), run)
                raise Stopped(state.iteration)
        model = _with_unusual(candidates.model(state), images)
        _save(model, run)
        if recipe.student_iterations:
            model = _with_student(model, images, run, log, stopped)
            _save(model, run)
    return model


def _begun(
    run: Run, images: ImageSet, recipe: Recipe, device: torch.device, resume: bool
) -> tuple[TrainState, Candidates, float]:
    """A new game, or the one of the run's checkpoint with what it was worth and its seconds.

    A run that was killed before its first checkpoint starts again.
    """
    if resume and run.checkpoint.exists():
        state = load_train_state(run.checkpoint, recipe, device)
        if state.iteration > recipe.iterations:
            raise UserError(
                f"{run.folder} has done {state.iteration} iterations already: "
                "give --iterations of more than that, or choose another --out."
            )
        seconds = run.keep_log_until(state.iteration)
        return state, Candidates.resumed(recipe, images, run, state), seconds
    state = new_train_state(recipe, device)
    run.keep_log_until(0)
    run.keep_signals_until(0)
    save_reals(run.folder, images)
    _draw(run.folder, state, images, recipe)
    return state, Candidates(recipe, images, run), 0.0


def _played(
    state: TrainState, candidates: Candidates, images: ImageSet, recipe: Recipe, log: Log
) -> Iterator[bool]:
    """Play to the end; after each iteration, logged and taken: whether it was the last."""
    for losses in () if candidates.finished else train_discriminator(state, images.pixels, recipe):
        last = state.iteration == recipe.iterations
        if state.iteration % LOG_EVERY == 0 or last:
            _write(log, state.iteration, losses, recipe)
        if state.iteration % CHECKPOINT_EVERY == 0 or last:
            candidates.take(state)
        last = last or candidates.finished
        yield last
        if last:
            return


def _keep_milestone(
    run: Run, state: TrainState, images: ImageSet, recipe: Recipe, milestones: Sequence[int]
) -> None:
    if state.iteration in milestones:
        model = Model.from_training(state.discriminator, recipe, images, state.iteration)
        model.save(run.milestone(state.iteration))


def _save(model: Model, run: Run) -> None:
    """Leave `model`, unless it still lacks its student and one that has it is there."""
    if not (model.lacks_student and _taught(run)):
        model.save(run.model)


def _taught(run: Run) -> Model | None:
    """The model that is there, if its student, which comes last, has learned."""
    with suppress(UserError):
        model = Model.load(run.model)
        if model.student is not None:
            return model
    return None


def _with_unusual(model: Model, images: ImageSet) -> Model:
    outliers = OutlierModel.of_folder(images.pixels, model.recipe.seed)
    device = next(model.discriminator.parameters()).device
    return replace(model, outliers=None if outliers is None else outliers.to(device))


def _with_student(
    model: Model,
    images: ImageSet,
    run: Run | None,
    game_log: Log,
    stopped: Callable[[], bool] = lambda: False,
) -> Model:
    """The model and its student.

    Raises:
        Stopped: `stopped` said so.
    """
    recipe = model.recipe
    log = Log(run, game_log.progress, BATCH, recipe.iterations, game_log.seconds)

    def note(done: int, loss: float) -> None:
        iteration = recipe.iterations + done
        last = iteration == recipe.steps
        if done % LOG_EVERY == 0 or last or not math.isfinite(loss):
            broken = (
                f"The student broke down at iteration {iteration} (its loss is not finite): train "
                "into a new folder with another --seed, or with --student-iterations 0."
            )
            log.write(iteration, {"student_loss": loss}, {}, broken)
        if stopped() and not last:
            raise Stopped(game_log.iteration, student=True)

    student = self_train(model.discriminator, model.statistics, images.pixels, recipe, note)
    return replace(model, student=student)


def train_in_memory(
    images: ImageSet, recipe: Recipe, device: torch.device, progress: ProgressCallback | None = None
) -> Model:
    """`train_run` without a folder: nothing is written, and an interrupt loses the training."""
    state = new_train_state(recipe, device)
    log = _log(recipe, progress, None, state.iteration)
    candidates = Candidates(recipe, images)
    for _ in _played(state, candidates, images, recipe, log):
        pass
    model = _with_unusual(candidates.model(state), images)
    return _with_student(model, images, None, log) if recipe.student_iterations else model


def _log(
    recipe: Recipe,
    progress: ProgressCallback | None,
    run: Run | None,
    iteration: int,
    seconds: float = 0.0,
) -> Log:
    images = recipe.batch * VARIANTS[recipe.variant].n_critic
    return Log(run, progress, images, iteration, seconds)


def _write(log: Log, iteration: int, losses: Losses, recipe: Recipe) -> None:
    """A line with the losses of what is trained."""
    measured, others = {}, {}
    if recipe.adversarial_weight:
        measured = {
            "discriminator_loss": float(losses.discriminator),
            "generator_loss": float(losses.generator),
            "penalty": float(losses.penalty),
        }
        others = {"real": round(float(losses.real), 5), "fake": round(float(losses.fake), 5)}
    if recipe.border_weight:
        measured["border_loss"] = float(losses.border)
    log.write(
        iteration,
        measured,
        others,
        f"Training broke down at iteration {iteration} (a loss is not finite): "
        "train into a new folder with lower --discriminator-rate and --generator-rate.",
    )


def _draw(folder: Path, state: TrainState, images: ImageSet, recipe: Recipe) -> None:
    """Samples, where there is a game, and heatmaps. Draws no chance from the game."""
    if recipe.adversarial_weight:
        save_fakes(folder, state.generator, recipe, state.iteration)
    some = spread(images, 512)
    model = Model.from_training(state.discriminator, recipe, some, state.iteration)
    save_heatmaps(folder, model, some, state.iteration)


@contextmanager
def stop_flag() -> Iterator[Callable[[], bool]]:
    """A function that tells whether SIGINT or SIGTERM came; a second one kills as usual.

    Outside the main thread, where Python can't catch signals, it never says so.
    """
    came: list[int] = []
    before: dict[Signals, Any] = {}

    def note(number: int, _frame: object) -> None:
        came.append(number)
        for name, handler in before.items():
            signal(name, handler)

    try:
        for name in (SIGINT, SIGTERM):
            before[name] = getsignal(name)
            signal(name, note)
    except ValueError:
        before.clear()
    try:
        yield lambda: bool(came)
    finally:
        for name, handler in before.items():
            signal(name, handler)
