"""What happens beside a training: its log, and in a run folder checkpoints, drawings and stops.

`fit` (method.py) calls hooks; they change nothing of what is learned.
"""

import math
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
from ganloc.errors import Stopped, UserError
from ganloc.images.image_set import ImageSet
from ganloc.model import Model
from ganloc.recipes import VARIANTS, Recipe
from ganloc.report.training_images import save_fakes, save_heatmaps, save_reals
from ganloc.student.train_student import BATCH as STUDENT_BATCH

DRAWN_FROM = 512  # images that the drawings of a training are calibrated on


@dataclass(frozen=True)
class Cadence:
    """How often things happen in a training.

    Attributes:
        log: iterations between two lines of the log.
        checkpoint: iterations of the discriminator between two checkpoints.
        drawings: over a training, beside the first.
    """

    log: int = 50
    checkpoint: int = 250
    drawings: int = 10

    def is_checkpoint(self, state: TrainState, recipe: Recipe) -> bool:
        """Whether this iteration is a checkpoint; the last one is."""
        return state.iteration % self.checkpoint == 0 or state.iteration == recipe.iterations


class Hooks:
    """Hooks of a training in memory: they tell `progress`, and write nothing.

    Args:
        progress: called with the step (over discriminator and students) and a line of the log.
        cadence: how often.
    """

    def __init__(self, progress: ProgressCallback | None = None, cadence: Cadence | None = None):
        self.progress, self.cadence = progress, cadence or Cadence()
        self.logged_in: Run | None = None

    def finished_model(self, recipe: Recipe) -> Model | None:
        """The model of this recipe, if it is trained already."""
        return None

    def begin(
        self, images: ImageSet, recipe: Recipe, device: torch.device
    ) -> tuple[TrainState, Selection]:
        """A fresh state and selection, or those to go on with."""
        self._open_log(recipe, new := new_train_state(recipe, device))
        return new, Selection(recipe)

    def losses(self, state: TrainState, losses: Losses, recipe: Recipe) -> None:
        """After each iteration of the discriminator.

        Raises:
            UserError: a loss is not finite.
        """
        last = state.iteration == recipe.iterations
        if state.iteration % self.cadence.log == 0 or last:
            self._log.write(
                state.iteration,
                *_logged(losses, recipe),
                f"Training broke down at iteration {state.iteration} (a loss is not finite): "
                "train into a new folder with lower --discriminator-rate and --generator-rate.",
            )

    def checkpoint(self, state: TrainState, model: Model, selection: Selection, kept: bool) -> None:
        """After each checkpoint; `kept` says whether `model` is the one to keep now."""

    def iteration(self, state: TrainState, images: ImageSet, selection: Selection) -> None:
        """After each iteration, its checkpoint done."""

    def save(self, model: Model) -> None:
        """When the discriminator is finished, and when the student is."""

    def student_step(self, done: int, loss: float, recipe: Recipe) -> None:
        """After each training step of a student; `done` counts over all rounds.

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
                f"The student broke down at step {step} (its loss is not finite): train into a "
                "new folder with another --seed, or with --student-iterations 0."
            )
            self._log.write(step, {"student_loss": loss}, {}, broken)

    def _open_log(self, recipe: Recipe, state: TrainState, seconds: float = 0.0) -> None:
        per_iteration = recipe.batch * VARIANTS[recipe.variant].n_critic
        self._log = Log(self.logged_in, self.progress, per_iteration, state.iteration, seconds)


class RunHooks(Hooks):
    """Hooks of a training in a run folder, which can be stopped and resumed.

    Within `with`, SIGINT (Ctrl-C) and SIGTERM end the training with `Stopped` once its checkpoint
    and model are written. A training that was killed, wherever, and is resumed gives the model of
    one that never stopped.

    Args:
        run: a fresh run, or with `resume` one that was trained before.
        progress: as for `Hooks`.
        resume: go on from the run's checkpoint.
        milestones: iterations after which the model is kept beside the last one.
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
        self._stopped: Callable[[], bool] = lambda: False
        self._iteration = 0
        self._open = ExitStack()

    def __enter__(self) -> "RunHooks":
        self._stopped = self._open.enter_context(stop_signal())
        return self

    def __exit__(self, *_: Any) -> None:
        self._open.close()

    def finished_model(self, recipe: Recipe) -> Model | None:
        """The run's model, where its student, which comes last, has learned by this recipe."""
        done = self.run.model_with_student() if self.resume else None
        return done if done and done.recipe == recipe else None

    def begin(
        self, images: ImageSet, recipe: Recipe, device: torch.device
    ) -> tuple[TrainState, Selection]:
        """The state and selection of the run's checkpoint, or fresh ones where there is none.

        Raises:
            UserError: the checkpoint is broken, or past the recipe's last iteration.
        """
        run = self.run
        if self.resume and run.checkpoint.exists():
            state = load_train_state(run.checkpoint, recipe, device)
            if state.iteration > recipe.iterations:
                raise UserError(
                    f"{run.folder} has done {state.iteration} iterations already: "
                    "give --iterations of more than that, or choose another --out."
                )
            self._open_log(recipe, state, run.keep_log_until(state.iteration))
            selection = self._resumed_selection(state, images, recipe)
        else:
            state, selection = new_train_state(recipe, device), Selection(recipe)
            run.keep_log_until(0)
            run.keep_signals_until(0)
            save_reals(run.folder, images)
            self._draw(state, images, recipe)
            self._open_log(recipe, state)
        self._iteration = state.iteration
        run.write_recipe(recipe)
        self._keep_milestone(state, images, recipe)  # a kill may have come before it
        return state, selection

    def checkpoint(self, state: TrainState, model: Model, selection: Selection, kept: bool) -> None:
        """Write signals, checkpoint and the best model, in this order: `begin` relies on it."""
        line = {"iteration": state.iteration, **model.signals, "criterion": selection.criteria[-1]}
        self.run.append_signals(line)
        save_train_state(state, self.run.checkpoint)
        if kept and selection.recipe.select:
            model.save(self.run.best)

    def iteration(self, state: TrainState, images: ImageSet, selection: Selection) -> None:
        """Keep a milestone, draw, and stop where a signal came.

        Raises:
            Stopped: it came; checkpoint and model are written.
        """
        recipe, self._iteration = selection.recipe, state.iteration
        last = state.iteration == recipe.iterations or selection.finished
        self._keep_milestone(state, images, recipe)
        if state.iteration % max(1, recipe.iterations // self.cadence.drawings) == 0 or last:
            self._draw(state, images, recipe)
        if self._stopped() and not last:
            save_train_state(state, self.run.checkpoint)
            self.save(selection.model(state, images))
            raise Stopped(state.iteration)

    def save(self, model: Model) -> None:
        """Leave `model`, unless it still lacks its student and one that has it is there."""
        if not (model.lacks_student and self.run.model_with_student()):
            model.save(self.run.model)

    def student_step(self, done: int, loss: float, recipe: Recipe) -> None:
        """Log, and stop where a signal came; the student then starts again (errors as above)."""
        super().student_step(done, loss, recipe)
        if self._stopped() and recipe.iterations + done < recipe.steps:
            raise Stopped(self._iteration, student=True)

    def _resumed_selection(self, state: TrainState, images: ImageSet, recipe: Recipe) -> Selection:
        """The selection as it was at the state's checkpoint; what came later never was."""
        selection = Selection(recipe)
        lines = self.run.keep_signals_until(state.iteration)
        if not lines:
            return selection
        *before, last = lines
        selection.criteria = [line["criterion"] for line in before]
        if last["iteration"] == state.iteration:  # a kill may have come before it was kept
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
        """Samples, where there is a generator, and heatmaps."""
        if state.generator is not None:
            save_fakes(self.run.folder, state.generator, recipe, state.iteration)
        some = images.evenly(DRAWN_FROM)
        model = Model.freeze(state.discriminator, some, recipe, state.iteration)
        save_heatmaps(self.run.folder, model, some, state.iteration)


def _logged(losses: Losses, recipe: Recipe) -> tuple[dict[str, float], dict[str, float]]:
    """The losses of what is trained, which must be finite, and other numbers."""
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
