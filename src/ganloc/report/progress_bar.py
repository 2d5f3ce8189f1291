"""The progress bar of a training."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

# Labels of the losses in a line of the log.
SHORT = {
    "discriminator_loss": "D",
    "generator_loss": "G",
    "border_loss": "border",
    "student_loss": "student",
    "loss": "loss",
}


@contextmanager
def training_progress(
    iterations: int, console: Console
) -> Iterator[Callable[[int, dict[str, int | float]], None]]:
    """Show a bar with losses, images/s and time left.

    Args:
        iterations: total of the bar.
        console: where to show it.

    Yields:
        A progress callback, which moves the bar.
    """
    columns = (
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TextColumn("{task.fields[losses]}"),
        TextColumn("{task.fields[speed]:.0f} images/s"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, speed_estimate_period=600.0) as bar:
        task = bar.add_task("", total=iterations, losses="", speed=0.0)

        def progress(iteration: int, line: dict[str, int | float]) -> None:
            bar.update(
                task,
                completed=iteration,
                losses="  ".join(
                    f"{SHORT[name]} {line[name]:.3f}" for name in SHORT if name in line
                ),
                speed=line["images_per_second"],
            )

        yield progress
