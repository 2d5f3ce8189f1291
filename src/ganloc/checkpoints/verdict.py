"""Whether to trust what a training found, and if not, why: in words, without a label."""

from dataclasses import dataclass
from math import inf

from ganloc.checkpoints.signals import Signals
from ganloc.model import Model


@dataclass(frozen=True)
class Limit:
    """What a signal may be, and what to say where it is not."""

    signal: str
    clause: str
    at_least: float = -inf
    at_most: float = inf

    def holds(self, signals: Signals) -> bool:
        """Whether the signal keeps to it; one that could not be measured does."""
        value = getattr(signals, self.signal)
        return not (value < self.at_least or value > self.at_most)


# Chosen on the development sets, and on folders of image corners that show no object: log.md.
LIMITS = (
    Limit("image_dependence", "heatmaps hardly depend on the image", at_least=0.1),
    Limit("shift_equivariance", "heatmaps do not follow a shifted image", at_least=0.8),
    Limit("mirror_equivariance", "heatmaps do not follow a mirrored image", at_least=0.78),
    Limit("border_avoidance", "heatmaps hardly rise from the border to the inside", at_least=0.12),
    Limit("separation", "objects hardly stand out from their surroundings", at_least=0.62),
    Limit("spread", "boxes are nearly all the same", at_least=0.1),
    Limit("alikeness", "generated images are nearly all alike", at_most=0.9),
)
PASSED = "heatmaps follow their images and boxes differ from image to image"


@dataclass(frozen=True)
class Verdict:
    """Whether the boxes of a model can be trusted, and the reason for it."""

    trusted: bool
    reason: str

    def sentence(self) -> str:
        """The verdict as one line."""
        word = "yes," if self.trusted else "doubtful, because"
        return f"Trust: {word} {self.reason}."


def verdict(signals: Signals) -> Verdict:
    """Trusted where every one of `LIMITS` holds; else the clauses of those that do not."""
    clauses = [limit.clause for limit in LIMITS if not limit.holds(signals)]
    if not clauses:
        return Verdict(True, PASSED)
    *others, last = clauses
    return Verdict(False, " and ".join([", ".join(others), last]) if others else last)


def verdict_of(model: Model) -> Verdict | None:
    """The verdict on a model by the signals that it carries; None where it carries none."""
    try:
        return verdict(Signals.from_dict(model.signals))
    except KeyError:  # never measured, or by a version with other signals
        return None
