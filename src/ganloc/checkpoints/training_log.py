"""The log of a training: a line every so often, with the speed since the line before."""

import math
import time
from collections.abc import Callable, Mapping

from ganloc.checkpoints.run import Run
from ganloc.errors import UserError

ProgressCallback = Callable[[int, dict[str, int | float]], None]


class Log:
    """Writes to a run's `log.jsonl` and to whoever watches.

    Args:
        run: where to write; None for nowhere.
        watch: called with each line's iteration and the line.
        images: real ones that an iteration takes.
        iteration: that training goes on from.
        seconds: of training before.
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
        """Of training so far."""
        return time.perf_counter() - self.began

    def write(
        self,
        iteration: int,
        losses: Mapping[str, float],
        others: Mapping[str, float],
        broken: str,
    ) -> None:
        """Append a line of what was measured.

        Raises:
            UserError: a loss is not finite; the sentence is `broken`.
        """
        now = time.perf_counter()
        if not all(math.isfinite(value) for value in losses.values()):
            raise UserError(broken)
        images = (iteration - self.iteration) * self.images
        line = {
            "iteration": iteration,
            # Six digits: a clipped critic's losses are small, an early penalty may be large.
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
