"""The progress of a training: a bar in a terminal, elsewhere a line now and then."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from ganloc.duration import about

# Labels of the losses in a line of the log.
SHORT = {
    "discriminator_loss": "D",
    "generator_loss": "G",
    "border_loss": "border",
    "student_loss": "student",
    "loss": "loss",
}
SHARE, SECONDS = 0.1, 30.0  # of the steps, or of time, after which a line is due

Callback = Callable[[int, dict[str, int | float]], None]


class _Left:
    """The time left, from how long each step was expected to take and what it took so far."""

    def __init__(self, total: int, until: Callable[[int], float] | None):
        self.total, self.until = total, until or float
        self.known = until is not None  # else `until` counts steps
        self.first: tuple[float, float] | None = None

    def __call__(self, step: int) -> str:
        now, done = time.perf_counter(), self.until(step)
        rate = 1.0 if self.known else None
        if self.first is None:
            self.first = now, done
        elif done > self.first[1]:
            rate = (now - self.first[0]) / (done - self.first[1])
        rest = self.until(self.total) - done
        return "" if rate is None or rest <= 0 else f"{about(rate * rest)} left"


@contextmanager
def training_progress(
    iterations: int, console: Console, until: Callable[[int], float] | None = None
) -> Iterator[Callback]:
    """Show steps with losses, images/s and time left.

    A terminal gets a bar. A file or pipe gets a line, without control characters, every tenth of
    the steps or every 30 seconds.

    Args:
        iterations: total of the steps.
        console: where to show it.
        until: expected seconds from the start to a step; by default all steps are alike.

    Yields:
        A progress callback.
    """
    left = _Left(iterations, until)
    if console.is_interactive and console.file.isatty():
        with _bar(iterations, console, left) as callback:
            yield callback
    else:
        yield _lines(iterations, console, left)


@contextmanager
def _bar(iterations: int, console: Console, left: _Left) -> Iterator[Callback]:
    columns = (
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TextColumn("{task.fields[losses]}"),
        TextColumn("{task.fields[speed]:.0f} images/s"),
        TextColumn("{task.fields[left]}"),
    )
    with Progress(*columns, console=console) as bar:
        task = bar.add_task("", total=iterations, losses="", speed=0.0, left="")

        def show(step: int, line: dict[str, int | float]) -> None:
            speed = line["images_per_second"]
            bar.update(task, completed=step, losses=_losses(line), speed=speed, left=left(step))

        yield show


def _lines(iterations: int, console: Console, left: _Left) -> Callback:
    last: tuple[float, float] = -iterations, 0.0  # the step and time of the last line

    def show(step: int, line: dict[str, int | float]) -> None:
        nonlocal last
        now, rest = time.perf_counter(), left(step)
        due = step >= last[0] + SHARE * iterations or now >= last[1] + SECONDS
        if due or step == iterations:
            last = step, now
            speed = f"{line['images_per_second']:.0f} images/s"
            said = [f"{step}/{iterations}", _losses(line), speed, rest]
            text = "  ".join(filter(None, said))
            console.print(text, markup=False, highlight=False, soft_wrap=True)

    return show


def _losses(line: dict[str, int | float]) -> str:
    return "  ".join(f"{SHORT[name]} {line[name]:.3f}" for name in SHORT if name in line)
