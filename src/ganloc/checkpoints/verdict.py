"""The verdict: a label-free judgement whether to trust a model's boxes, with reasons and advice."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf

from ganloc.checkpoints.delivered import Delivered
from ganloc.checkpoints.signals import Signals
from ganloc.model import Model
from ganloc.wording import either, option


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


# For a model without a student. Chosen on the development sets, and on folders of image corners
# without objects (docs/log.md).
LIMITS = (
    Limit("image_dependence", "heatmaps hardly depend on the image", at_least=0.1),
    Limit("shift_equivariance", "heatmaps do not follow a shifted image", at_least=0.8),
    Limit("mirror_equivariance", "heatmaps do not follow a mirrored image", at_least=0.78),
    Limit("border_avoidance", "heatmaps hardly rise from the border to the inside", at_least=0.12),
    Limit("separation", "objects hardly stand out from their surroundings", at_least=0.62),
    Limit("spread", "boxes are nearly all the same", at_least=0.1),
    Limit("alikeness", "generated images are nearly all alike", at_most=0.9),
)
# For a model with a student: limits of the boxes that it delivers (docs/log.md).
ADVANTAGE = 0.1  # of the mean score over that of a centred box
ADVANTAGE_OF_CONTRAST = 0.025  # the same for the colour contrast of a discriminator's boxes
LEAST_FALL = 0.1  # of the mean score of a student's boxes, once these are painted over
MOST_COVERED = 0.85  # of the image, by the median box

PASSED = "heatmaps follow their images and boxes differ from image to image"


@dataclass(frozen=True)
class Verdict:
    """Whether the boxes of a model can be trusted, why, and what to do.

    >>> Verdict(False, "boxes are nearly all the same", "Train longer.").sentence()
    'Trust: doubtful, because boxes are nearly all the same. Train longer.'
    """

    trusted: bool
    reason: str
    advice: str = ""

    def sentence(self) -> str:
        """The verdict in words."""
        word = "yes," if self.trusted else "doubtful, because"
        return f"Trust: {word} {self.reason}." + (self.advice and f" {self.advice}")


def verdict(signals: Signals) -> Verdict:
    """The verdict on a discriminator: trusted if all `LIMITS` hold."""
    clauses = [limit.clause for limit in LIMITS if not limit.holds(signals)]
    return Verdict(False, _joined(clauses)) if clauses else Verdict(True, PASSED)


def verdict_on_boxes(delivered: Delivered, student_learned: bool = True) -> Verdict:
    """The verdict on the boxes that a model with a student delivers.

    Args:
        delivered: signals of the boxes.
        student_learned: whether the student learned what it was taught. If not, the boxes are the
            discriminator's.
    """
    clauses = []
    if delivered.coverage > MOST_COVERED:
        clauses.append("boxes cover nearly all of every image")
    least = ADVANTAGE if student_learned else ADVANTAGE_OF_CONTRAST
    if delivered.score - delivered.centred < least:
        clauses.append("boxes look hardly better than a centred box")
    if delivered.fall is not None and delivered.fall < LEAST_FALL:
        clauses.append(
            "other boxes look nearly as good once these are painted over (there may be several "
            "objects in an image, or none)"
        )
    advice = []
    if not student_learned:
        longer = f"train longer ({option('student_iterations')})"
        advice.append(f"The student did not learn, so boxes are the discriminator's: {longer}.")
    if clauses:
        tells = either("ganloc suggest", "suggest")
        advice.append(f"Draw ten boxes ({tells} tells in which images).")
        reason = _joined(clauses)
    elif student_learned:
        shares = f"{100 * delivered.score:.0f} of 100 boxes look right, of a centred box "
        reason = f"{shares}{100 * delivered.centred:.0f}"
    else:
        reason = "boxes look better than a centred box"
    return Verdict(not clauses, reason, " ".join(advice))


def verdict_of(model: Model) -> Verdict | None:
    """The verdict on a model by its signals; None if it has none."""
    try:
        if model.student is None:
            return verdict(Signals.from_dict(model.signals))
        return verdict_on_boxes(Delivered.from_dict(model.signals), model.student_learned)
    except KeyError:  # not measured, or written by a version with other signals
        return None


def _joined(clauses: Sequence[str]) -> str:
    *others, last = clauses
    return " and ".join([", ".join(others), last]) if others else last
