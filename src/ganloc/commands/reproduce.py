"""`ganloc reproduce`."""

import math
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Annotated, Literal

import tyro
from tyro.conf import Positional

from ganloc.commands.shared import Data, console, say
from ganloc.errors import UserError
from ganloc.images.tiny_imagenet import PAPER_SETS
from ganloc.localizer import choose_device
from ganloc.report.progress import training_progress
from ganloc.reproduce.render import one_line
from ganloc.reproduce.tables import Place, reproduce_table, until
from ganloc.training import Stopped, Watch

What = Annotated[
    Positional[Literal["table3", "variants"]],
    tyro.conf.arg(metavar="{table3,variants}"),
]


def reproduce(
    what: What,
    data: Data = None,
    budget: Literal["smoke", "quick", "paper"] = "quick",
    sets: tuple[str, ...] = tuple(PAPER_SETS),
    methods: tuple[str, ...] = (),
    iterations: int | None = None,
    minutes: float | None = None,
    out: Path = Path("runs/reproduce"),
    results: Path = Path("docs/results"),
    device: str | None = None,
) -> None:
    """Work out a table of the paper, cell by cell; what is done is never done again.

    Args:
        what: table3 (every set, DCGAN and SN-DCGAN without and with augmentation, CAM) or variants
            (five GANs on every set).
        data: tiny-imagenet-200.zip or its folder.
        budget: smoke (a minute), quick (about an hour and a half on two cores) or paper (as
            published, for a GPU).
        sets: Some of the sets.
        methods: Some of the table's methods.
        iterations: Of each GAN, in place of the budget's; such rows are kept apart.
        minutes: Stop after so long; the same command goes on.
        out: The folder of the run folders; an unfinished one is gone on with.
        results: The folder of the rows; a row that is there is not worked out again.
        device: cpu, cuda, …
    """
    if minutes is not None and not minutes > 0.0:
        raise UserError("--minutes must be above 0.")
    place = Place(out, results, data, choose_device(device))
    show = partial(_show, end=time.monotonic() + 60.0 * (minutes or math.inf))
    try:
        for row in reproduce_table(what, budget, place, show, sets, methods, iterations):
            say(one_line(row))
    except Stopped:
        say("Stopped and saved; the same command goes on.")
        sys.exit(130)
    say(f"Done: {results / what}.json.")


@contextmanager
def _show(name: str, iterations: int, end: float) -> Iterator[Watch]:
    if time.monotonic() > end:
        raise Stopped(0)
    say(name)
    with training_progress(iterations, console) as watch:
        yield until(end, watch)
