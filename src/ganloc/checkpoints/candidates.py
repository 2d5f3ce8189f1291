"""The checkpoints of one training as candidates: measured, scored, and the one to keep."""

from dataclasses import replace

import numpy as np
import torch

from ganloc.checkpoints.choose import best, finished, score
from ganloc.checkpoints.run import Run
from ganloc.checkpoints.signals import measure
from ganloc.discriminator.sample import sample
from ganloc.discriminator.train_state import TrainState, save_train_state
from ganloc.images.image_set import ImageSet
from ganloc.model import Model
from ganloc.recipes import Recipe
from ganloc.tensors import read_tensors

SAMPLES = 64
BOXES = "selection/boxes"


class Candidates:
    """What the checkpoints so far were worth, and the model to keep of them.

    Draws no chance from the game.

    Args:
        recipe: of the training; `select` and `patience` are for here.
        images: that it is trained on.
        run: where checkpoint, signals and the best model are written; None for nowhere.
    """

    def __init__(self, recipe: Recipe, images: ImageSet, run: Run | None = None):
        self.recipe, self.images, self.run = recipe, images, run
        self.scores: list[float] = []
        self.kept: Model | None = None
        self._boxes: np.ndarray | None = None

    @classmethod
    def resumed(cls, recipe: Recipe, images: ImageSet, run: Run, state: TrainState) -> "Candidates":
        """Those of `run` up to the game's checkpoint; what came later never was.

        Raises:
            UserError: the best model is missing or broken.
        """
        own = cls(recipe, images, run)
        lines = run.keep_signals_until(state.iteration)
        if not lines:
            return own
        own.scores = [line["score"] for line in lines]
        boxes = read_tensors(run.checkpoint)[0].get(BOXES)
        own._boxes = None if boxes is None else boxes.numpy()
        if lines[-1]["iteration"] == state.iteration:  # a kill may have come before it was kept
            signals = {k: v for k, v in lines[-1].items() if k not in ("iteration", "score")}
            own._keep(replace(own._freeze(state), signals=signals))
        if own.kept is None and recipe.select:
            own.kept = replace(Model.load(run.best).to(state.device), recipe=recipe)
        return own

    def take(self, state: TrainState) -> None:
        """Measure the game as it is, save it, and keep its model if it is the best so far.

        In this order, so that a training that is killed, wherever, and resumed keeps the model of
        one that never stopped.
        """
        model = self._measured(state)
        self.save(state)
        self._keep(model)

    def save(self, state: TrainState) -> None:
        """Write the checkpoint, with the boxes to compare the next ones with."""
        if self.run is not None:
            boxes = {} if self._boxes is None else {BOXES: torch.from_numpy(self._boxes)}
            save_train_state(state, self.run.checkpoint, boxes)

    def _measured(self, state: TrainState) -> Model:
        """The model of this checkpoint with its signals, which become a line of the run."""
        recipe, model = self.recipe, self._freeze(state)
        samples = sample(state.generator, recipe, SAMPLES) if recipe.adversarial_weight else None
        signals, self._boxes = measure(model, self.images, self._boxes, samples)
        self.scores.append(score(signals))
        if self.run is not None:
            line = {"iteration": state.iteration, **signals.to_dict(), "score": self.scores[-1]}
            self.run.append_signals(line)
        return replace(model, signals=signals.to_dict())

    def _keep(self, model: Model) -> None:
        """Keep what was measured if it is the best so far; without `select`, in any case."""
        if not self.recipe.select:
            self.kept = model
        elif best(self.scores) == len(self.scores) - 1:
            self.kept = model
            if self.run is not None:
                model.save(self.run.best)

    @property
    def finished(self) -> bool:
        """Whether the recipe's patience is at its end."""
        return finished(self.scores, self.recipe.patience)

    def model(self, state: TrainState) -> Model:
        """The model to leave: with `select` the best so far, else that of the game as it is."""
        kept = self.kept
        if kept and (self.recipe.select or kept.info["iteration"] == state.iteration):
            return kept
        return self._freeze(state)

    def _freeze(self, state: TrainState) -> Model:
        return Model.from_training(state.discriminator, self.recipe, self.images, state.iteration)
