"""Rows of several.json as Markdown; "" where there are none."""

from collections.abc import Sequence

import numpy as np

from ganloc.paper.markdown import markdown
from ganloc.paper.results import ResultRow

DELIVERED = {
    "ap": "AP",
    "average_recall": "AR",
    "count_error": "count error",
    "right_count": "right count, %",
}
CANDIDATES = {"ap": "candidates' AP", "average_recall": "candidates' AR"}


def several(rows: Sequence[ResultRow]) -> str:
    """A line a set and method: means over seeds and draws, and behind AP50 its interval.

    The interval is the mean of the rows' intervals.
    """
    lines = []
    for name, method in dict.fromkeys((row["set"], row["method"]) for row in rows):
        own = [row for row in rows if (row["set"], row["method"]) == (name, method)]
        others = [row["candidates"] for row in own if "candidates" in row]
        every = [_precision(others), *_means(others, CANDIDATES)]
        delivered = [_precision(own), *_means(own, DELIVERED)]
        lines.append([name, method, str(len(own)), *every, *delivered])
    heads = ["set", "method", "rows", "candidates' AP50", *CANDIDATES.values(), "AP50"]
    return markdown([*heads, *DELIVERED.values()], lines, text=2) if lines else ""


def _precision(rows: Sequence[ResultRow]) -> str:
    if not rows:
        return ""
    low, high = np.mean([row["interval"] for row in rows], axis=0)
    return f"{np.mean([row['ap_50'] for row in rows]):.1f} ({low:.1f}–{high:.1f})"


def _means(rows: Sequence[ResultRow], names: Sequence[str] | dict[str, str]) -> list[str]:
    return [f"{np.mean([row[name] for row in rows]):.1f}" if rows else "" for name in names]
