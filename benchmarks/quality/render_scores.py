"""Rows of scores.json as Markdown; "" where there are none."""

from collections.abc import Sequence

import numpy as np

from ganloc.images.tiny_imagenet import DEVELOPMENT_SETS
from ganloc.paper.markdown import markdown
from ganloc.paper.results import ResultRow

SCORES = {
    "gt_known_loc": "right, %",
    "score": "mean score, %",
    "auroc": "AUROC",
    "auroc_before": "AUROC before",
    "ece": "ECE",
    "ece_of_hints": "ECE, 20 hints",
}
UNSEEN = ("few", "rushed")  # kinds of training to which no weights were fitted


def scores(rows: Sequence[ResultRow]) -> str:
    """A line a set of the default preset: how well its scores tell right boxes from wrong ones.

    Then the means over the development sets, and over all sets with a value.
    """
    rows = [row for row in rows if row["kind"] == "default"]
    lines = [[row["set"], *(_number([row[name]]) for name in SCORES)] for row in rows]
    for label, sets in {
        "mean of the development sets": DEVELOPMENT_SETS,
        "mean": {row["set"] for row in rows},
    }.items():
        own = [row for row in rows if row["set"] in sets]
        if own:
            lines.append([label, *(_number([row[name] for row in own]) for name in SCORES)])
    return markdown(["set", *SCORES.values()], lines) if lines else ""


def verdicts(rows: Sequence[ResultRow]) -> str:
    """A line for each group of trainings: verdicts.

    A training is good if it hits more images than the centred box does. Sensitivity is the share
    of good trainings that are trusted, specificity the share of the others that are doubted.
    """
    chosen = [row for row in rows if row["set"] in DEVELOPMENT_SETS]
    others = [row for row in rows if row["set"] not in DEVELOPMENT_SETS]
    groups = {
        "development sets": [row for row in chosen if row["kind"] not in UNSEEN],
        "development sets, few and rushed": [row for row in chosen if row["kind"] in UNSEEN],
        "other folders": others,
        "other folders, without blood": [row for row in others if row["set"] != "blood"],
        "all": list(rows),
    }
    lines = []
    for label, own in groups.items():
        counts = {(good, trusted): 0 for good in (True, False) for trusted in (True, False)}
        for row in own:
            counts[row["gt_known_loc"] > row["centred_box"], row["trusted"]] += 1
        hit, miss = counts[True, True], counts[True, False]
        alarm, rejection = counts[False, True], counts[False, False]
        shares = [_share(hit, hit + miss), _share(rejection, alarm + rejection)]
        if own:
            lines.append([label, *map(str, (len(own), hit, miss, alarm, rejection)), *shares])
    heads = ["trainings", "count", "good, trusted", "good, doubted", "bad, trusted"]
    heads += ["bad, doubted", "sensitivity, %", "specificity, %"]
    return markdown(heads, lines) if lines else ""


def _share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.0f}" if whole else ""


def _number(values: Sequence[float | None]) -> str:
    known = [value for value in values if value is not None]
    return f"{np.mean(known):.1f}" if known else ""
