"""A whole training: the game and its student, their log, checkpoints and pictures in a folder."""

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from signal import SIGINT, SIGTERM, Signals, getsignal, signal
from typing import Any

import torch

from ganloc.adversary.game import Game, load_game, new_game
from ganloc.adversary.play import Losses, play
from ganloc.errors import UserError
from ganloc.images.pictures import Pictures
from ganloc.log import Log, Watch
from ganloc.model import Model
from ganloc.recipes import VARIANTS, Recipe
from ganloc.report.training_pictures import save_fakes, save_heatmaps, save_reals, spread
from ganloc.run import Run
from ganloc.selection.candidates import Candidates
from ganloc.student.learning import BATCH
from ganloc.student.rounds import self_train
from ganloc.unusual.distance import Unusual

LOG_EVERY = 50
CHECKPOINT_EVERY = 250
GRIDS = 10  # pairs of pictures over a training, beside the first


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
    pictures: Pictures,
    recipe: Recipe,
    device: torch.device,
    resume: bool = False,
    watch: Watch | None = None,
    milestones: Sequence[int] = (),
) -> Model:
    """Train in `run`'s folder to the recipe's last iteration, and leave `model.safetensors`.

    With `select` that is the checkpoint which the label-free rule prefers, else the last; with
    `patience` training may end early, and is then finished. Then a student learns from it, where
    the recipe has one; stopped meanwhile, it starts again.

    Args:
        run: a fresh run, or with `resume` one that was trained before.
        pictures: at least two, of the recipe's size.
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
    game, candidates, seconds = _begun(run, pictures, recipe, device, resume)
    run.write_recipe(recipe)
    log = _log(recipe, watch, run, game.iteration, seconds)
    _keep_milestone(run, game, pictures, recipe, milestones)  # a kill may have come before it
    with stop_flag() as stopped:
        for last in _played(game, candidates, pictures, recipe, log):
            _keep_milestone(run, game, pictures, recipe, milestones)
            if game.iteration % max(1, recipe.iterations // GRIDS) == 0 or last:
                _draw(run.folder, game, pictures, recipe)
            if stopped() and not last:
                candidates.save(game)
                _save(candidates.model(game), run)
                raise Stopped(game.iteration)
        model = _with_unusual(candidates.model(game), pictures)
        _save(model, run)
        if recipe.student_iterations:
            model = _with_student(model, pictures, run, log, stopped)
            _save(model, run)
    return model


def _begun(
    run: Run, pictures: Pictures, recipe: Recipe, device: torch.device, resume: bool
) -> tuple[Game, Candidates, float]:
    """A new game, or the one of the run's checkpoint with what it was worth and its seconds.

    A run that was killed before its first checkpoint starts again.
    """
    if resume and run.checkpoint.exists():
        game = load_game(run.checkpoint, recipe, device)
        if game.iteration > recipe.iterations:
            raise UserError(
                f"{run.folder} has done {game.iteration} iterations already: "
                "give --iterations of more than that, or choose another --out."
            )
        seconds = run.keep_log_until(game.iteration)
        return game, Candidates.resumed(recipe, pictures, run, game), seconds
    game = new_game(recipe, device)
    run.keep_log_until(0)
    run.keep_signals_until(0)
    save_reals(run.folder, pictures)
    _draw(run.folder, game, pictures, recipe)
    return game, Candidates(recipe, pictures, run), 0.0


def _played(
    game: Game, candidates: Candidates, pictures: Pictures, recipe: Recipe, log: Log
) -> Iterator[bool]:
    """Play to the end; after each iteration, logged and taken: whether it was the last."""
    for losses in () if candidates.finished else play(game, pictures.pixels, recipe):
        last = game.iteration == recipe.iterations
        if game.iteration % LOG_EVERY == 0 or last:
            _write(log, game.iteration, losses, recipe)
        if game.iteration % CHECKPOINT_EVERY == 0 or last:
            candidates.take(game)
        last = last or candidates.finished
        yield last
        if last:
            return


def _keep_milestone(
    run: Run, game: Game, pictures: Pictures, recipe: Recipe, milestones: Sequence[int]
) -> None:
    if game.iteration in milestones:
        model = Model.from_training(game.discriminator, recipe, pictures, game.iteration)
        model.save(run.milestone(game.iteration))


def _save(model: Model, run: Run) -> None:
    """Leave `model`, unless it still lacks its student and one that has it is there."""
    if not (model.to_be_taught and _taught(run)):
        model.save(run.model)


def _taught(run: Run) -> Model | None:
    """The model that is there, if its student, which comes last, has learned."""
    with suppress(UserError):
        model = Model.load(run.model)
        if model.student is not None:
            return model
    return None


def _with_unusual(model: Model, pictures: Pictures) -> Model:
    unusual = Unusual.of_folder(pictures.pixels, model.recipe.seed)
    device = next(model.discriminator.parameters()).device
    return replace(model, unusual=None if unusual is None else unusual.to(device))


def _with_student(
    model: Model,
    pictures: Pictures,
    run: Run | None,
    game_log: Log,
    stopped: Callable[[], bool] = lambda: False,
) -> Model:
    """The model and its student.

    Raises:
        Stopped: `stopped` said so.
    """
    recipe = model.recipe
    log = Log(run, game_log.watch, BATCH, recipe.iterations, game_log.seconds)

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

    student = self_train(model.discriminator, model.fitted, pictures.pixels, recipe, note)
    return replace(model, student=student)


def train_in_memory(
    pictures: Pictures, recipe: Recipe, device: torch.device, watch: Watch | None = None
) -> Model:
    """`train_run` without a folder: nothing is written, and an interrupt loses the training."""
    game = new_game(recipe, device)
    log = _log(recipe, watch, None, game.iteration)
    candidates = Candidates(recipe, pictures)
    for _ in _played(game, candidates, pictures, recipe, log):
        pass
    model = _with_unusual(candidates.model(game), pictures)
    return _with_student(model, pictures, None, log) if recipe.student_iterations else model


def _log(
    recipe: Recipe, watch: Watch | None, run: Run | None, iteration: int, seconds: float = 0.0
) -> Log:
    pictures = recipe.batch * VARIANTS[recipe.variant].n_critic
    return Log(run, watch, pictures, iteration, seconds)


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


def _draw(folder: Path, game: Game, pictures: Pictures, recipe: Recipe) -> None:
    """Samples, where there is a game, and heatmaps. Draws no chance from the game."""
    if recipe.adversarial_weight:
        save_fakes(folder, game.generator, recipe, game.iteration)
    some = spread(pictures, 512)
    model = Model.from_training(game.discriminator, recipe, some, game.iteration)
    save_heatmaps(folder, model, some, game.iteration)


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
