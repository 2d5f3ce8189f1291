"""Which checkpoint of a training to keep, and when to end it, by a number that needs no label."""

from dataclasses import dataclass, field, replace

from ganloc.checkpoints.signals import Signals, measure
from ganloc.discriminator.networks import Generator
from ganloc.discriminator.sample import sample
from ganloc.discriminator.train_state import TrainState
from ganloc.images.image_set import ImageSet
from ganloc.model import Model
from ganloc.recipes import Recipe

SAMPLES = 64  # generated images that the signals are measured on


def criterion(signals: Signals) -> float:
    """How good a checkpoint seems: the higher, the better.

    Features should tell the inside of images from their border, and heatmaps should rise from the
    border to the inside. Of a dozen formulas tried on the development sets this one was best
    (docs/log.md).
    """
    return signals.separation * signals.border_avoidance


def best_of(criteria: list[float]) -> int:
    """Which of the checkpoints, in the order of training, to keep; of equals, the last."""
    return max(range(len(criteria)), key=lambda index: (criteria[index], index))


@dataclass
class Selection:
    """The checkpoints of one training so far, and the model to keep of them.

    Attributes:
        recipe: `select` keeps the best checkpoint, else the last one is kept; `patience` ends the
            training early.
        criteria: of each checkpoint so far.
        kept: the model of the checkpoint to keep; None before the first one.
    """

    recipe: Recipe
    criteria: list[float] = field(default_factory=list)
    kept: Model | None = None

    def add(self, model: Model) -> bool:
        """Take in the next checkpoint's model, its signals measured; whether it is kept now."""
        self.criteria.append(criterion(Signals.from_dict(model.signals)))
        keep = not self.recipe.select or best_of(self.criteria) == len(self.criteria) - 1
        if keep:
            self.kept = model
        return keep

    @property
    def finished(self) -> bool:
        """Whether the last `patience` checkpoints brought nothing better."""
        count = len(self.criteria)
        waits = self.recipe.patience > 0 and count > 0
        return waits and best_of(self.criteria) + self.recipe.patience < count

    def model(self, state: TrainState, images: ImageSet) -> Model:
        """The model to leave if training ends here: the kept one, or that of `state`."""
        if self.kept and (self.recipe.select or self.kept.info["iteration"] == state.iteration):
            return self.kept
        return Model.freeze(state.discriminator, images, self.recipe, state.iteration)


def with_signals(model: Model, images: ImageSet, generator: Generator | None) -> Model:
    """The model with its label-free signals.

    Args:
        model: frozen from a discriminator in training.
        images: that it is trained on.
        generator: that it is trained beside, if any; its samples are drawn from a random stream
            of their own.
    """
    samples = None if generator is None else sample(generator, model.recipe, SAMPLES)
    return replace(model, signals=measure(model, images, samples).to_dict())
