"""The log of a training: lines of losses, speed and time."""

import math
import time
from collections.abc import Callable, Mapping
from typing import Any

from ganloc.checkpoints.run import Run
from ganloc.errors import UserError
from ganloc.student.learn_hints import FINAL_BATCH
from ganloc.wording import shown

ProgressCallback = Callable[[int, dict[str, int | float]], None]


def check_progress(given: Any) -> None:
    """Raise a TypeError if a progress callback is no function."""
    if given is not None and not callable(given):
        raise TypeError(f"progress must be a function of step and line, not {shown(given)}.")


class Log:
    """Writes to a run's `log.jsonl` and calls the progress callback.

    Args:
        run: where to write; None for nowhere.
        progress: called with each line's iteration and the line.
        images: real images in an iteration.
        iteration: last iteration before this log.
        seconds: duration of the training before this log.
    """

    def __init__(
        self,
        run: Run | None,
        progress: ProgressCallback | None,
        images: int,
        iteration: int,
        seconds: float = 0.0,
    ):
        self.run, self.progress, self.images, self.iteration = run, progress, images, iteration
        self.since = time.perf_counter()
        self.began = self.since - seconds

    @property
    def seconds(self) -> float:
        """Duration of the training so far."""
        return time.perf_counter() - self.began

    def write(
        self,
        iteration: int,
        losses: Mapping[str, float],
        others: Mapping[str, float],
        broken: str,
    ) -> None:
        """Append a line.

        Args:
            iteration: of the line.
            losses: must be finite.
            others: other values.
            broken: the message if a loss is not finite.

        Raises:
            UserError: a loss is not finite.
        """
        now = time.perf_counter()
        if not all(math.isfinite(value) for value in losses.values()):
            raise UserError(broken)
        images = (iteration - self.iteration) * self.images
        line = {
            "iteration": iteration,
            # Significant digits, because losses may be tiny (weight clipping) or large (penalties).
            **{name: float(f"{value:.6g}") for name, value in losses.items()},
            **others,
            "images_per_second": round(images / (now - self.since), 1),
            "seconds": round(self.seconds, 2),
        }
        self.iteration, self.since = iteration, now
        if self.run is not None:
            self.run.append_log(line)
        if self.progress is not None:
            self.progress(iteration, line)


class StepLog:
    """Calls the progress callback now and then, for a training that has no run.

    Args:
        progress: as for `Log`.
        before: steps of the training that went before, which count too.
    """

    EVERY = 10

    def __init__(self, progress: ProgressCallback | None, before: int = 0):
        self.before, self._log = before, Log(None, progress, FINAL_BATCH, before)

    def __call__(self, done: int, loss: float) -> None:
        """After a step: `done` counts from 1. Raises a UserError if the loss is not finite."""
        if done % self.EVERY == 0 or not math.isfinite(loss):
            broken = f"The student broke down at step {done} (its loss is not finite): try again."
            self._log.write(self.before + done, {"student_loss": loss}, {}, broken)
