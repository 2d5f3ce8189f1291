"""`ganloc reproduce`."""

import math
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import tyro
from tyro.conf import Positional

from ganloc.commands.common import Data, Name, as_given, console, plain, say
from ganloc.errors import Stopped, UserError

if TYPE_CHECKING:
    from ganloc.checkpoints.training_log import ProgressCallback

What = Annotated[
    Positional[Literal["table3", "variants", "figure1", "figure2", "figure3", "figure4"]],
    tyro.conf.arg(metavar="{table3,variants,figure1,figure2,figure3,figure4}"),
]

Names = Annotated[tuple[str, ...], tyro.conf.arg(metavar="NAME …", help_behavior_hint="")]

Iterations = Annotated[int | None, as_given(int, "N", "iterations"), plain]
Minutes = Annotated[float | None, as_given(float, "X", "minutes"), plain]


def reproduce(
    what: What,
    data: Data = None,
    budget: Literal["smoke", "quick", "paper"] = "quick",
    sets: Names = (),
    methods: Names = (),
    iterations: Iterations = None,
    minutes: Minutes = None,
    out: Path = Path("runs/reproduce"),
    results: Path = Path("docs/results"),
    figures: Path = Path("docs/figures"),
    device: Name = None,
) -> None:
    """Reproduce a table or a figure of the paper. Finished trainings are not repeated.

    Args:
        what: table3 (every set, DCGAN and SN-DCGAN without and with augmentation, CAM), variants
            (five GANs on every set) or one of the paper's figures: 1 (samples of three GANs), 2
            (their heatmaps), 3 (boxes on every set), 4 (samples without and with augmentation).
        data: tiny-imagenet-200.zip or its folder; CIFAR-10's archive for figures 1 and 2.
        budget: smoke (a minute), quick (about an hour and a half on two cores) or paper (as
            published, for a GPU).
        sets: Some of the sets, of a table; by default all six.
        methods: Some of the methods, of a table; by default all.
        iterations: Iterations of each GAN of a table, instead of the budget's. Such rows are kept
            apart from those of the budget.
        minutes: Stop after so many minutes. The same command goes on.
        out: The folder of the run folders. Unfinished trainings there are resumed.
        results: The folder of the rows. Rows that are there are not measured again.
        figures: The folder of the figures. They are always drawn anew.
        device: cpu, cuda, …; by default a GPU if there is one.
    """
    from ganloc.images.tiny_imagenet import PAPER_SETS
    from ganloc.paper.markdown import one_line
    from ganloc.paper.tables import Place, reproduce_table
    from ganloc.tensors import choose_device

    if minutes is not None and not minutes > 0.0:
        raise UserError("--minutes must be above 0.")
    place = Place(out, results, data, choose_device(device))
    show = partial(_show, end=time.monotonic() + 60.0 * (minutes or math.inf))
    try:
        if what in ("table3", "variants"):
            own = (sets or tuple(PAPER_SETS), methods, iterations)
            for row in reproduce_table(what, budget, place, show, *own):
                say(one_line(row))
            done = results / f"{what}.json"
        else:
            if methods or iterations is not None or sets:
                raise UserError(
                    f"{what} is the paper's: leave out --sets, --methods and --iterations."
                )
            from ganloc.paper.figures import reproduce_figure

            done = reproduce_figure(what, budget, place, figures, show)
    except Stopped as stop:
        say("Stopped and saved; the same command goes on.")
        sys.exit(stop.status)
    say(f"Done: {done}.")


@contextmanager
def _show(name: str, iterations: int, end: float) -> "Iterator[ProgressCallback]":
    from ganloc.paper.tables import until
    from ganloc.report.progress_bar import training_progress

    if time.monotonic() > end:
        raise Stopped(0)
    say(name)
    with training_progress(iterations, console) as progress:
        yield until(end, progress)
