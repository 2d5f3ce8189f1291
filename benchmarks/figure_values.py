"""The points and intervals that the figures of the docs show, from rows of docs/results/*.json.

A value is GT-known Loc in percent: the mean over seeds, then over a set's images, then over sets.
Its interval is a 95 % bootstrap over the images of each set.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from ganloc.images.tiny_imagenet import PAPER_SETS
from ganloc.metrics.bootstrap import mean_over_sets
from ganloc.paper.results import ResultRow
from quality.render import hits_of
from summary import DEFAULT, METHODS, Group

PUBLISHED = "the paper's SN-DCGAN †"


@dataclass(frozen=True)
class Estimate:
    """A value with its interval; both ends are the value where there is no interval."""

    value: float
    low: float
    high: float


def estimate(
    rows: Sequence[ResultRow], stage: str, sets: Sequence[str], threshold: float = 0.5
) -> Estimate | None:
    """A stage's mean over `sets`; None where a set is missing.

    Where rows do not say which images were hit, as old ones, the interval comes from the rows' own:
    the mean over seeds, then the half-widths of independent sets, added in quadrature.
    """
    hits = hits_of(rows, stage, threshold)
    if hits.keys() >= set(sets):
        return Estimate(*mean_over_sets([hits[name] for name in sets]))
    by_set = [[r for r in rows if (r["stage"], r["set"]) == (stage, name)] for name in sets]
    if not all(by_set):
        return None
    at = "" if threshold == 0.5 else f"_{threshold * 100:.0f}"
    found = [
        np.mean([[row[f"gt_known_loc{at}"], *row[f"interval{at}"]] for row in own], axis=0)
        for own in by_set
    ]
    value, low, high = np.transpose(found)
    below, above = (np.sqrt(np.sum((end - value) ** 2)) / len(sets) for end in (low, high))
    mean = float(value.mean())
    return Estimate(mean, mean - float(below), mean + float(above))


def methods(rows: Sequence[ResultRow], group: Group, threshold: float = 0.5) -> dict[str, Estimate]:
    """By label, in the order of `METHODS`, those that were measured on all sets of the group."""
    stages = METHODS | {DEFAULT: group.default}
    found = {name: estimate(rows, stage, group.sets, threshold) for name, stage in stages.items()}
    return {name: value for name, value in found.items() if value is not None}


def published(rows: Iterable[ResultRow], method: str = "sn-dcgan") -> Estimate | None:
    """The paper's own mean over the six sets, from rows of table3.json; it has no interval."""
    found = {row["set"]: row["published"] for row in rows if row.get("method") == method}
    if found.keys() != set(PAPER_SETS):
        return None
    mean = float(np.mean(list(found.values())))
    return Estimate(mean, mean, mean)


def learning_curve(
    rows: Sequence[ResultRow], stage: str, sets: Sequence[str]
) -> dict[int, Estimate]:
    """By number of training images, where all of `sets` were trained on as many."""
    counts = {
        int(change.removesuffix("images"))
        for row in rows
        for _, _, change in [row["set"].partition("+")]
        if change.endswith("images")
    }
    found = {
        count: estimate(rows, stage, [f"{name}+{count}images" for name in sets])
        for count in sorted(counts)
    }
    return {count: value for count, value in found.items() if value is not None}


def hints_curve(rows: Sequence[ResultRow], set_name: str, boxes: str) -> dict[int, float]:
    """GT-known Loc by number of hints chosen at random, the mean over draws."""
    own = [row for row in rows if (row["set"], row["boxes"]) == (set_name, boxes)]
    drawn = [row for row in own if row["choice"] == "random"]
    return {
        count: float(np.mean([row["gt_known_loc"] for row in drawn if row["hints"] == count]))
        for count in sorted({row["hints"] for row in drawn})
    }


def choices(rows: Iterable[ResultRow], *questions: str) -> dict[str, Estimate]:
    """By name, the values of the rows of choices.json that answer one of these questions."""
    return {
        row["name"]: Estimate(row["gt_known_loc"], *row["interval"])
        for row in rows
        if row["question"] in questions
    }
