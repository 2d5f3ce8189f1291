"""Table 3 and the comparison of variants, cell by cell; what is done is never done again."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import torch

from ganloc.images.pictures import Pictures
from ganloc.images.source import load_images
from ganloc.images.tiny_imagenet import PAPER_SETS
from ganloc.reference.model import ReferenceModel, untrained_reference
from ganloc.reference.recipe import REFERENCE_PRESETS, ReferenceRecipe
from ganloc.reference.training import train_reference
from ganloc.reproduce.budgets import CAM, Budget, budget_of
from ganloc.reproduce.cell import Cell, data_of, train_cell
from ganloc.reproduce.published import published
from ganloc.reproduce.results import ResultRow, Results
from ganloc.reproduce.scoring import baseline_rows, cost, score_cell, score_reading
from ganloc.run import Run
from ganloc.training import Watch

KEYS = ("budget", "set", "method", "seed")

# Shows the training of the cell that is named; the number is its iterations.
Show = Callable[[str, int], AbstractContextManager[Watch]]


@dataclass(frozen=True)
class Place:
    """Where things are.

    Attributes:
        runs: the folder of run folders.
        results: the folder of committed rows.
        archive: of the data set; None where the environment says it.
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
    sets: Sequence[str],
    methods: Sequence[str],
) -> Iterator[tuple[str, ResultRow]]:
    """Work out what is missing of a table, yielding each new row with its name.

    Args:
        table: "table3" or "variants".
        budget_name: a row of `BUDGETS`.
        place: where runs and rows are.
        show: opens the display of one training.
        sets: of Tiny ImageNet, or any other name of data with boxes.
        methods: of `METHODS`.

    Raises:
        Stopped: by Ctrl-C; the next call goes on.
    """
    budget = budget_of(table, budget_name)
    command = f"ganloc reproduce {table} --budget {budget_name}"
    results = Results(place.results / f"{table}.json", KEYS, command)
    runs = place.runs / f"{table}-{budget_name}"

    def missing(set_name: str, method: str, seed: int) -> bool:
        identity = {"budget": budget_name, "set": set_name, "method": method, "seed": seed}
        return results.find(**identity) is None

    def keep(set_name: str, method: str, seed: int, row: ResultRow) -> tuple[str, ResultRow]:
        identity = {"budget": budget_name, "set": set_name, "method": method, "seed": seed}
        row = identity | row
        results.add(row)
        return f"{set_name} {method} {seed}", row

    for set_name in sets:
        data = Splits(set_name, budget.size, place.archive)
        if missing(set_name, "real", 0):
            for name, row in baseline_rows(data.train, data.test, budget).items():
                yield keep(set_name, name, 0, row)
        for method in methods:
            for seed in budget.seeds:
                if method != CAM and missing(set_name, method, seed):
                    cell = Cell(set_name, method, seed, budget)
                    yield keep(set_name, method, seed, _gan_row(cell, data, runs, place, show))
    for seed in budget.seeds if CAM in methods else ():
        wanted = [set_name for set_name in sets if missing(set_name, CAM, seed)]
        for set_name, row in _reference_rows(wanted, seed, budget, runs, place, show):
            yield keep(set_name, CAM, seed, row)
