"""Rows of sizes.json: as Markdown, "" where there are none, and as points of the figure."""

from collections.abc import Sequence

import numpy as np

from ganloc.paper.markdown import markdown
from ganloc.paper.results import ResultRow

METHODS = ("refined", "student", "colour-contrast", "centre")


def sizes(rows: Sequence[ResultRow]) -> str:
    """A line a folder and bin of true sides: found over true side, and hits at IoU > 0.5 / 0.7.

    Means over seeds, of ratios the geometric one. Only the count is that of one seed.
    """
    lines = []
    for name in dict.fromkeys(row["set"] for row in rows):
        own = [row for row in rows if row["set"] == name]
        found = {method: [by_bin(row[method]) for row in own] for method in METHODS}
        for (low, high), one in found[METHODS[0]][0].items():
            line = [name, f"{low}–{high}", str(one["count"])]
            for method in METHODS:
                line.append(_cell([bins[low, high] for bins in found[method]]))
            lines.append(line)
    return markdown(["folder", "true side", "images", *METHODS], lines, text=2) if lines else ""


def by_bin(bins: Sequence[ResultRow]) -> dict[tuple[float, float], ResultRow]:
    """The bins of a method by their ends."""
    return {(one["from"], one["to"]): one for one in bins}


def mean_ratio(bins: Sequence[ResultRow]) -> float:
    """Found over true side, the geometric mean over seeds."""
    return float(np.exp(np.mean([np.log(one["ratio"]) for one in bins])))


def _cell(bins: Sequence[ResultRow]) -> str:
    hit, hit_70 = (np.mean([one[name] for one in bins]) for name in ("hit", "hit_70"))
    return f"{mean_ratio(bins):.2f}: {hit:.0f} / {hit_70:.0f}"


def points(rows: Sequence[ResultRow], name: str, method: str) -> list[tuple[float, float]]:
    """True and found side of each bin of a folder, the geometric means over seeds."""
    own = [by_bin(row[method]) for row in rows if row["set"] == name]
    return [
        (one["side"], one["side"] * mean_ratio([bins[ends] for bins in own]))
        for ends, one in (own[0] if own else {}).items()
    ]
