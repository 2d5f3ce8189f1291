"""The verdict: a label-free judgement whether to trust a model, with reasons."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf

from ganloc.checkpoints.signals import Signals
from ganloc.model import Model


@dataclass(frozen=True)
class Limit:
    """The accepted range of a signal, and the reason to give if the signal is outside."""

    signal: str
    clause: str
    at_least: float = -inf
    at_most: float = inf

    def holds(self, signals: Signals) -> bool:
        """Whether the signal is in the range. NaN counts as in the range."""
        value = getattr(signals, self.signal)
        return not (value < self.at_least or value > self.at_most)


# Chosen on the development sets, and on folders of image corners without objects (docs/log.md).
LIMITS = (
    Limit("image_dependence", "heatmaps hardly depend on the image", at_least=0.1),
    Limit("shift_equivariance", "heatmaps do not follow a shifted image", at_least=0.8),
    Limit("mirror_equivariance", "heatmaps do not follow a mirrored image", at_least=0.78),
    Limit("border_avoidance", "heatmaps hardly rise from the border to the inside", at_least=0.12),
    Limit("separation", "objects hardly stand out from their surroundings", at_least=0.62),
    Limit("spread", "boxes are nearly all the same", at_least=0.1),
    Limit("alikeness", "generated images are nearly all alike", at_most=0.9),
)
FEW_IMAGES = 100  # from the learning curve in docs/how-good.md
SHORTEST, SHORTEST_STUDENT = 500, 400  # a third of the default preset's steps
PASSED = "heatmaps follow their images and boxes differ from image to image"


@dataclass(frozen=True)
class Verdict:
    """Whether the boxes of a model can be trusted, and why.

    >>> Verdict(False, "boxes are nearly all the same").sentence()
    'Trust: doubtful, because boxes are nearly all the same.'
    """

    trusted: bool
    reason: str

    def sentence(self) -> str:
        """The verdict as one sentence."""
        word = "yes," if self.trusted else "doubtful, because"
        return f"Trust: {word} {self.reason}."


def verdict(signals: Signals, of_training: Sequence[str] = ()) -> Verdict:
    """Trusted if all `LIMITS` hold; else not trusted, because of the limits that do not hold.

    Args:
        signals: of the model.
        of_training: further reasons for doubt, of `doubts_of_training`.
    """
    clauses = [*of_training, *(limit.clause for limit in LIMITS if not limit.holds(signals))]
    if not clauses:
        return Verdict(True, PASSED)
    *others, last = clauses
    return Verdict(False, " and ".join([", ".join(others), last]) if others else last)


def doubts_of_training(model: Model) -> list[str]:
    """Why a training was too little to be trusted, whatever its signals are."""
    recipe, images = model.recipe, model.info.get("images", FEW_IMAGES)
    clauses = []
    if images < FEW_IMAGES:
        clauses.append(f"it learned from {images} images, fewer than {FEW_IMAGES}")
    if recipe.iterations < SHORTEST:
        clauses.append(f"the discriminator was trained for fewer than {SHORTEST} iterations")
    if 0 < recipe.student_iterations < SHORTEST_STUDENT:
        clauses.append(f"the student was trained for fewer than {SHORTEST_STUDENT} steps")
    return clauses


def verdict_of(model: Model) -> Verdict | None:
    """The verdict on a model by its signals and its training; None if it has no signals."""
    try:
        return verdict(Signals.from_dict(model.signals), doubts_of_training(model))
    except KeyError:  # not measured, or written by a version with other signals
        return None
