"""Label-free selection of the best checkpoint, and early stopping."""

from dataclasses import dataclass, field, replace

from ganloc.checkpoints.signals import Signals, measure
from ganloc.discriminator.networks import Generator
from ganloc.discriminator.sample import sample
from ganloc.discriminator.train_state import TrainState
from ganloc.images.image_set import ImageSet
from ganloc.model import Model
from ganloc.recipes import Recipe

SAMPLES = 64  # generated images for the signals


def criterion(signals: Signals) -> float:
    """The label-free criterion of a checkpoint, higher is better.

    Features should separate the inside of images from their border, and heatmaps should be higher
    inside than along the border. This formula was the best of a dozen on the development sets
    (docs/log.md).
    """
    return signals.separation * signals.border_avoidance


def best_of(criteria: list[float]) -> int:
    """The index of the best checkpoint, the last of equals.

    >>> best_of([0.1, 0.3, 0.3, 0.2])
    2
    """
    return max(range(len(criteria)), key=lambda index: (criteria[index], index))


@dataclass
class Selection:
    """The selection among the checkpoints of one training.

    Attributes:
        recipe: the best checkpoint is kept if `select` is set, else the last one. `patience` ends
            the training early.
        criteria: the criterion of each checkpoint so far.
        kept: the model of the kept checkpoint; None before the first checkpoint.
    """

    recipe: Recipe
    criteria: list[float] = field(default_factory=list)
    kept: Model | None = None

    def add(self, model: Model) -> bool:
        """Add the model of the next checkpoint, with its signals. Returns whether it is kept."""
        self.criteria.append(criterion(Signals.from_dict(model.signals)))
        keep = not self.recipe.select or best_of(self.criteria) == len(self.criteria) - 1
        if keep:
            self.kept = model
        return keep

    @property
    def finished(self) -> bool:
        """Whether the last `patience` checkpoints were no better than an earlier one."""
        count = len(self.criteria)
        waits = self.recipe.patience > 0 and count > 0
        return waits and best_of(self.criteria) + self.recipe.patience < count

    def model_to_keep(self, state: TrainState, images: ImageSet) -> Model:
        """The model to save if training ends here: the kept one, or that of `state`."""
        if self.kept and (self.recipe.select or self.kept.info["iteration"] == state.iteration):
            return self.kept
        return Model.freeze(state.discriminator, images, self.recipe, state.iteration)


def with_signals(model: Model, images: ImageSet, generator: Generator | None) -> Model:
    """The model with its label-free signals.

    Args:
        model: frozen from a discriminator in training.
        images: that it is trained on.
        generator: of the GAN, if any. Its samples do not use the random generator of the training.
    """
    samples = None if generator is None else sample(generator, model.recipe, SAMPLES)
    return replace(model, signals=measure(model, images, samples).to_dict())
