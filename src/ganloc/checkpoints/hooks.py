"""Hooks of a training: log, and in a run folder checkpoints, drawings and stops.

`fit` (method.py) calls them. They do not change what is learned.
"""

import math
import warnings
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Any

import torch

from ganloc.checkpoints.run import Run
from ganloc.checkpoints.selection import Selection
from ganloc.checkpoints.stop_signal import stop_signal
from ganloc.checkpoints.training_log import Log, ProgressCallback
from ganloc.discriminator.train_discriminator import Losses
from ganloc.discriminator.train_state import (
    TrainState,
    load_train_state,
    new_train_state,
    save_train_state,
)
from ganloc.errors import Notice, Stopped, UserError
from ganloc.images.image_set import ImageSet
from ganloc.model import Model
from ganloc.recipes import VARIANTS, Recipe
from ganloc.report.training_images import save_fakes, save_heatmaps, save_reals
from ganloc.student.train_student import BATCH as STUDENT_BATCH
from ganloc.wording import option

DRAWN_FROM = 512  # images on which the models of drawings are calibrated


@dataclass(frozen=True)
class Cadence:
    """How often a training writes its log, checkpoints and drawings.

    Attributes:
        log: iterations between two lines of the log.
        checkpoint: iterations of the discriminator between two checkpoints.
        drawings: number of drawings in a training, without the one at its start.
    """

    log: int = 50
    checkpoint: int = 250
    drawings: int = 10

    def is_checkpoint(self, state: TrainState, recipe: Recipe) -> bool:
        """Whether the state's iteration is a checkpoint. The last iteration always is."""
        return state.iteration % self.checkpoint == 0 or state.iteration == recipe.iterations


class Hooks:
    """Hooks of a training in memory. They call the progress callback and write no files.

    Args:
        progress: called with the step, counted over discriminator and students, and a line of the
            log.
        cadence: by default that of `Cadence`.
    """

    def __init__(self, progress: ProgressCallback | None = None, cadence: Cadence | None = None):
        self.progress, self.cadence = progress, cadence or Cadence()
        self.logged_in: Run | None = None

    def finished_model(self, recipe: Recipe) -> Model | None:
        """The finished model of this recipe; None if it is not trained yet."""
        return None

    def begin(
        self, images: ImageSet, recipe: Recipe, device: torch.device
    ) -> tuple[TrainState, Selection]:
        """The state and selection at the start of training."""
        self._open_log(recipe, new := new_train_state(recipe, device))
        return new, Selection(recipe)

    def losses(self, state: TrainState, losses: Losses, recipe: Recipe) -> None:
        """Called after each iteration of the discriminator. Writes the log.

        Raises:
            UserError: a loss is not finite.
        """
        last = state.iteration == recipe.iterations
        if state.iteration % self.cadence.log == 0 or last:
            self._log.write(
                state.iteration,
                *_logged(losses, recipe),
                f"Training broke down at iteration {state.iteration} (a loss is not finite): train "
                f"again with lower {option('discriminator_rate')} and {option('generator_rate')}.",
            )

    def checkpoint(self, state: TrainState, model: Model, selection: Selection, kept: bool) -> None:
        """Called after each checkpoint. `kept` says whether `model` is the best so far."""

    def iteration(self, state: TrainState, images: ImageSet, selection: Selection) -> None:
        """Called after each iteration of the discriminator and its checkpoint."""

    def save(self, model: Model) -> None:
        """Called when the discriminator is finished, and again when the student is."""

    def student_step(self, done: int, loss: float, recipe: Recipe) -> None:
        """Called after each training step of a student. `done` counts over all rounds.

        Raises:
            UserError: the loss is not finite.
        """
        if done == 1:
            self._log = Log(
                self.logged_in, self.progress, STUDENT_BATCH, recipe.iterations, self._log.seconds
            )
        step = recipe.iterations + done
        if done % self.cadence.log == 0 or step == recipe.steps or not math.isfinite(loss):
            broken = (
                f"The student broke down at step {step} (its loss is not finite): train again "
                f"with another {option('seed')}, or with {option('student_iterations', 0)}."
            )
            self._log.write(step, {"student_loss": loss}, {}, broken)

    def _open_log(self, recipe: Recipe, state: TrainState, seconds: float = 0.0) -> None:
        per_iteration = recipe.batch * VARIANTS[recipe.variant].n_critic
        self._log = Log(self.logged_in, self.progress, per_iteration, state.iteration, seconds)


class RunHooks(Hooks):
    """Hooks of a training in a run folder, which can be stopped and resumed.

    SIGINT (Ctrl-C), SIGTERM and SIGHUP raise `Stopped` within `with`, after checkpoint and model
    are written. A resumed training gives the same model as one that never stopped, also after it
    was killed.

    Args:
        run: a new run, or an earlier one with `resume`.
        progress: as for `Hooks`.
        resume: go on from the run's checkpoint.
        milestones: iterations whose models are saved too.
        cadence: as for `Hooks`.
    """

    def __init__(
        self,
        run: Run,
        progress: ProgressCallback | None = None,
        resume: bool = False,
        milestones: Sequence[int] = (),
        cadence: Cadence | None = None,
    ):
        super().__init__(progress, cadence)
        self.run = self.logged_in = run
        self.resume, self.milestones = resume, milestones
        self._stopped: Callable[[], int] = lambda: 0
        self._iteration = 0
        self._open = ExitStack()

    def __enter__(self) -> "RunHooks":
        self._stopped = self._open.enter_context(stop_signal())
        return self

    def __exit__(self, *_: Any) -> None:
        self._open.close()

    def finished_model(self, recipe: Recipe) -> Model | None:
        """The run's model, if its student is trained and the recipe is the same."""
        done = self.run.model_with_student() if self.resume else None
        return done if done and done.recipe == recipe else None

    def begin(
        self, images: ImageSet, recipe: Recipe, device: torch.device
    ) -> tuple[TrainState, Selection]:
        """The state and selection of the run's checkpoint, or new ones without a checkpoint.

        Raises:
            UserError: the checkpoint is broken, or beyond the recipe's last iteration.
        """
        run = self.run
        if self.resume and run.checkpoint.exists():
            state = load_train_state(run.checkpoint, recipe, device)
            if state.iteration > recipe.iterations:
                raise UserError(
                    f"{run.folder} has done {state.iteration} iterations already: "
                    f"give {option('iterations')} of more than that, or choose another "
                    f"{option('out')}."
                )
            self._open_log(recipe, state, run.keep_log_until(state.iteration))
            selection = self._resumed_selection(state, images, recipe)
        else:
            if self.resume and run.log.exists():  # its lines are lost
                warnings.warn(
                    f"There is no checkpoint in {run.folder}: its training begins anew.",
                    Notice,
                    stacklevel=3,
                )
            state, selection = new_train_state(recipe, device), Selection(recipe)
            run.keep_log_until(0)
            run.keep_signals_until(0)
            save_reals(run.folder, images)
            self._draw(state, images, recipe)
            self._open_log(recipe, state)
        self._iteration = state.iteration
        run.write_recipe(recipe)
        self._keep_milestone(state, images, recipe)  # in case a kill prevented it
        return state, selection

    def checkpoint(self, state: TrainState, model: Model, selection: Selection, kept: bool) -> None:
        """Write signals, checkpoint and best model. `begin` relies on this order."""
        line = {"iteration": state.iteration, **model.signals, "criterion": selection.criteria[-1]}
        self.run.append_signals(line)
        save_train_state(state, self.run.checkpoint)
        if kept and selection.recipe.select:
            model.save(self.run.best)

    def iteration(self, state: TrainState, images: ImageSet, selection: Selection) -> None:
        """Save a milestone, draw, and stop if a signal was received.

        Raises:
            Stopped: after checkpoint and model are written.
        """
        recipe, self._iteration = selection.recipe, state.iteration
        last = state.iteration == recipe.iterations or selection.finished
        self._keep_milestone(state, images, recipe)
        if state.iteration % max(1, recipe.iterations // self.cadence.drawings) == 0 or last:
            self._draw(state, images, recipe)
        if (number := self._stopped()) and not last:
            save_train_state(state, self.run.checkpoint)
            self.save(selection.model_to_keep(state, images))
            raise Stopped(state.iteration, number=number)

    def save(self, model: Model) -> None:
        """Write the model, unless it lacks a student and the run's model has one."""
        if not (model.lacks_student and self.run.model_with_student()):
            model.save(self.run.model)

    def student_step(self, done: int, loss: float, recipe: Recipe) -> None:
        """Log, and stop if a signal was received. A resumed training starts the student again.

        Raises:
            UserError: the loss is not finite.
            Stopped: a signal was received.
        """
        super().student_step(done, loss, recipe)
        if (number := self._stopped()) and recipe.iterations + done < recipe.steps:
            raise Stopped(self._iteration, student=True, number=number)

    def _resumed_selection(self, state: TrainState, images: ImageSet, recipe: Recipe) -> Selection:
        """The selection at the state's checkpoint. Later lines of signals are removed."""
        selection = Selection(recipe)
        lines = self.run.keep_signals_until(state.iteration)
        if not lines:
            return selection
        *before, last = lines
        selection.criteria = [line["criterion"] for line in before]
        if last["iteration"] == state.iteration:  # a kill may have prevented writing the best model
            signals = {k: v for k, v in last.items() if k not in ("iteration", "criterion")}
            model = Model.freeze(state.discriminator, images, recipe, state.iteration)
            model = replace(model, signals=signals)
            if selection.add(model) and recipe.select:
                model.save(self.run.best)
        else:
            selection.criteria.append(last["criterion"])
        if selection.kept is None and recipe.select:
            selection.kept = replace(Model.load(self.run.best).to(state.device), recipe=recipe)
        return selection

    def _keep_milestone(self, state: TrainState, images: ImageSet, recipe: Recipe) -> None:
        if state.iteration in self.milestones:
            model = Model.freeze(state.discriminator, images, recipe, state.iteration)
            model.save(self.run.milestone(state.iteration))

    def _draw(self, state: TrainState, images: ImageSet, recipe: Recipe) -> None:
        """Draw heatmaps, and samples of the generator, if any."""
        if state.generator is not None:
            save_fakes(self.run.folder, state.generator, recipe, state.iteration)
        some = images.evenly(DRAWN_FROM)
        model = Model.freeze(state.discriminator, some, recipe, state.iteration)
        save_heatmaps(self.run.folder, model, some, state.iteration)


def _logged(losses: Losses, recipe: Recipe) -> tuple[dict[str, float], dict[str, float]]:
    """The losses of the trained networks, which must be finite, and other values of the log."""
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
    return measured, others
