"""Which checkpoint to keep and when to stop, by one number that needs no label."""

from collections.abc import Sequence

from ganloc.checkpoints.signals import Signals


def score(signals: Signals) -> float:
    """How good a model seems: the higher, the better.

    Features should tell the inside of the images from their border, and heatmaps should rise from
    the border to the inside. Of a dozen formulas tried on the development sets this one was best
    for the border pretext task and for the game with it (docs/log.md).
    """
    return signals.separation * signals.border_avoidance


def best(scores: Sequence[float]) -> int:
    """Which of the checkpoints, in the order of training, to keep; of equals, the last."""
    return max(range(len(scores)), key=lambda index: (scores[index], index))


def finished(scores: Sequence[float], patience: int) -> bool:
    """Whether the last `patience` checkpoints brought nothing better; never where that is 0."""
    return patience > 0 and bool(scores) and best(scores) + patience < len(scores)
