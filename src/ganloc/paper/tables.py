"""Table 3 and the comparison of variants, cell by cell. Finished cells are not repeated."""

import signal
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from itertools import product
from pathlib import Path

import torch

from ganloc.checkpoints.run import Run
from ganloc.checkpoints.training_log import ProgressCallback
from ganloc.images.image_set import ImageSet
from ganloc.images.source import load_images
from ganloc.images.tiny_imagenet import PAPER_SETS, classes_of
from ganloc.paper.budgets import CAM, Budget, budget_of, methods_of
from ganloc.paper.cam_model import ReferenceModel, untrained_reference
from ganloc.paper.cam_training import train_reference
from ganloc.paper.cell import Cell, Show, data_of, train_cell
from ganloc.paper.cell_metrics import baseline_rows, cost, evaluate_cell, evaluate_reading
from ganloc.paper.published import published
from ganloc.paper.results import ResultRow, Results

KEYS = ("budget", "set", "method", "seed")


@dataclass(frozen=True)
class Place:
    """Folders, archive and device of a reproduction.

    Attributes:
        runs: the folder of run folders.
        results: the folder of result files.
        archive: of the data set; None for the path in the environment variable.
        device: where to train.
    """

    runs: Path
    results: Path
    archive: Path | None
    device: torch.device


def reproduce_table(
    table: str,
    budget_name: str,
    place: Place,
    show: Show,
    sets: Sequence[str] = tuple(PAPER_SETS),
    methods: Sequence[str] = (),
    iterations: int | None = None,
) -> Iterator[ResultRow]:
    """Train and evaluate the missing rows of a table, yielding each new row.

    Args:
        table: "table3" or "variants".
        budget_name: a row of `BUDGETS`.
        place: folders, archive and device.
        show: opens the progress bar of a training.
        sets: of Tiny ImageNet.
        methods: of the table's `METHODS`; by default all.
        iterations: of each GAN, instead of the budget's. Such rows have a budget of their own.

    Raises:
        Stopped: by Ctrl-C. The next call goes on.
        UserError: the budget, a set or a method is unknown, or a folder can't be used.
    """
    budget, methods = budget_of(table, budget_name), methods_of(table, methods)
    command = f"ganloc reproduce {table} --budget {budget_name}"
    if iterations is not None:
        command += f" --iterations {iterations}"
        budget = replace(budget, settings={**budget.settings, "iterations": iterations})
        budget_name = f"{budget_name}@{iterations}"
    for set_name in sets:
        classes_of(set_name)
    results = Results(place.results / f"{table}.json", KEYS, command)
    rows = _Rows(results, budget, budget_name)
    runs = place.runs / f"{table}-{budget_name}"
    for set_name in sets:
        data = Data(set_name, budget.size, place.archive)
        if rows.lacks(set_name, "real", 0):
            for name, row in baseline_rows(data.train, data.test, budget).items():
                yield rows.keep(set_name, name, 0, row)
        for method, seed in product(methods, budget.seeds):
            if method != CAM and rows.lacks(set_name, method, seed):
                cell = Cell(set_name, method, seed, budget)
                run = train_cell(cell, runs, data.train, place.device, show)
                row = evaluate_cell(cell, run, data.train, data.test, place.device)
                yield rows.keep(set_name, method, seed, row)
    for seed in budget.seeds if CAM in methods else ():
        if wanted := [name for name in sets if rows.lacks(name, CAM, seed)]:
            model, before, run = _reference(budget, seed, runs, place, show)
            for set_name in wanted:
                test = Data(set_name, model.recipe.size, place.archive).test
                row = _reference_row(set_name, model, before, run, test)
                yield rows.keep(set_name, CAM, seed, row)


@dataclass(frozen=True)
class _Rows:
    """The rows of one table and budget."""

    results: Results
    budget: Budget
    budget_name: str

    def lacks(self, set_name: str, method: str, seed: int) -> bool:
        """Whether this row is missing, or was made by another recipe."""
        row = self.results.find(**self._identity(set_name, method, seed))
        return row is None or not self.budget.made(method, seed, row.get("recipe"))

    def keep(self, set_name: str, method: str, seed: int, row: ResultRow) -> ResultRow:
        """Add a row to the results. Returns the row with its identifying keys."""
        row = self._identity(set_name, method, seed) | row
        self.results.add(row)
        return row

    def _identity(self, set_name: str, method: str, seed: int) -> ResultRow:
        return {"budget": self.budget_name, "set": set_name, "method": method, "seed": seed}


@dataclass(frozen=True)
class Data:
    """A set that is loaded when it is first used."""

    set_name: str
    size: int
    archive: Path | None

    @cached_property
    def train(self) -> ImageSet:
        """The training images. Only the fitted box uses their truth."""
        return load_images(data_of(self.set_name), self.size, "train", self.archive)

    @cached_property
    def test(self) -> ImageSet:
        """The test images."""
        return load_images(data_of(self.set_name), self.size, "test", self.archive)


def until(end: float, progress: ProgressCallback) -> ProgressCallback:
    """A progress callback that stops the training, as Ctrl-C does, at time `end`.

    Args:
        end: on the clock of `time.monotonic()`.
        progress: called first.
    """

    def progress_until(iteration: int, line: dict[str, int | float]) -> None:
        progress(iteration, line)
        if time.monotonic() > end:
            signal.raise_signal(signal.SIGINT)

    return progress_until


def _reference(
    budget: Budget, seed: int, runs: Path, place: Place, show: Show
) -> tuple[ReferenceModel, ReferenceModel, Run]:
    """The CAM reference of all six sets: the trained model, the untrained model, and the run."""
    recipe = budget.reference_recipe(seed)
    train = Data(",".join(PAPER_SETS), recipe.size, place.archive).train
    run = Run(runs / f"{CAM}-{seed}")
    with show("CAM reference", recipe.iterations) as progress:
        unboxed = replace(train, truth=None)
        model = train_reference(
            run.folder, unboxed, recipe, place.device, run.recipe_file.exists(), progress
        )
    return model, untrained_reference(recipe, train, place.device), run


def _reference_row(
    set_name: str, model: ReferenceModel, before: ReferenceModel, run: Run, test: ImageSet
) -> ResultRow:
    """The row of the reference on one set. All sets share one training."""
    return {
        "uses_labels": True,
        "paper": evaluate_reading([model.detect(test)], before.detect(test), test),
        "published": published(set_name, CAM),
        "top1": round(model.accuracy(test), 2),
        **cost(run),
        "shared_by": len(PAPER_SETS),
        "recipe": asdict(model.recipe),
    }
