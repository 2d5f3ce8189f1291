"""Write the tables of docs/results/*.json into the pages that show them.

    python benchmarks/render_docs.py            # or: make tables

A page holds `<!-- table NAME BUDGET -->` … `<!-- end -->`; what stands between is replaced.
The budget of results that have none is `all`.
"""

import re
import sys
from collections.abc import Callable
from pathlib import Path

from ganloc.files import write_text
from ganloc.images.tiny_imagenet import DEVELOPMENT_SETS, PAPER_SETS
from ganloc.paper.claims import claims
from ganloc.paper.markdown import NOTES, baselines, cells, markdown, means, settings
from ganloc.paper.results import ResultRow, read_rows
from quality import render as quality
from quality import render_scores, render_several, render_sizes
from quality.script import FOLDERS
from summary import default_gains

ROOT = Path(__file__).parent.parent
MARKED = re.compile(
    r"(<!-- table (?P<name>[\w-]+) (?P<budget>[\w@]+) -->\n).*?(<!-- end -->)", re.S
)


def rows_of(table: str, budget: str) -> list[ResultRow]:
    """The rows of a table and a budget, in the order in which they were worked out.

    Rows without a budget are those of "all".
    """
    path = ROOT / "docs" / "results" / f"{table}.json"
    rows = read_rows(path) if path.exists() else []
    return [row for row in rows if row.get("budget", "all") == budget]


def claims_table(budget: str) -> str:
    """The six claims."""
    found = claims(rows_of("table3", budget), rows_of("variants", budget))
    return markdown(["claim", "in numbers", "ours"], found, text=3)


TABLES: dict[str, Callable[[str], str]] = {
    "table3": lambda budget: cells(rows_of("table3", budget)),
    "table3-means": lambda budget: means(rows_of("table3", budget)),
    "baselines": lambda budget: baselines(rows_of("table3", budget)),
    "variants": lambda budget: cells(rows_of("variants", budget)),
    "variants-means": lambda budget: means(rows_of("variants", budget)),
    "table3-settings": lambda budget: settings(rows_of("table3", budget)),
    "variants-settings": lambda budget: settings(rows_of("variants", budget)),
    "claims": claims_table,
    "quality": lambda budget: quality.quality(rows_of("quality", budget)),
    "quality-exam": lambda budget: quality.quality(rows_of("quality", budget), exam=True),
    **{
        f"gains{kind}{behind}": lambda budget, sets=sets, threshold=threshold: quality.gains(
            rows_of("quality", budget), threshold, sets
        )
        for kind, sets in {
            "": (*DEVELOPMENT_SETS,),
            "-exam": (*PAPER_SETS,),
            "-reframed": tuple(f"{name}+reframed" for name in DEVELOPMENT_SETS),
            "-exam-reframed": tuple(f"{name}+reframed" for name in PAPER_SETS),
            **{f"-{name}": (name,) for name in FOLDERS},
        }.items()
        for behind, threshold in {"": 0.5, "-70": 0.7}.items()
    },
    "default-gains": lambda budget: default_gains(rows_of("quality", budget), 0.5),
    "default-gains-70": lambda budget: default_gains(rows_of("quality", budget), 0.7),
    "learning-curve": lambda budget: quality.learning_curve(rows_of("quality", budget)),
    "mixed": lambda budget: quality.mixed(rows_of("quality", budget)),
    "foreign": lambda budget: quality.foreign(rows_of("foreign", budget)),
    "hints": lambda budget: quality.hints(rows_of("hints", budget)),
    "scores": lambda budget: render_scores.scores(rows_of("scores", budget)),
    "verdicts": lambda budget: render_scores.verdicts(rows_of("scores", budget)),
    "sizes": lambda budget: render_sizes.sizes(rows_of("sizes", budget)),
    "several": lambda budget: render_several.several(rows_of("several", budget)),
    "choices-training": lambda budget: quality.training(rows_of("choices", budget)),
    "choices-readings": lambda budget: quality.readings(rows_of("choices", budget)),
    "choices-checkpoints": lambda budget: quality.checkpoints(rows_of("choices", budget)),
    "choices-trust": lambda budget: quality.trust(rows_of("choices", budget)),
    "notes": lambda budget: NOTES,
}


def rendered(text: str) -> str:
    """A page with its tables as the results have them now."""

    def table(match: re.Match[str]) -> str:
        return f"{match[1]}{TABLES[match['name']](match['budget'])}\n{match[4]}"

    return MARKED.sub(table, text)


def main() -> int:
    """Write the pages that change."""
    for path in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))):
        text = path.read_text(encoding="utf-8")
        if rendered(text) != text:
            write_text(path, rendered(text))
            print(path.relative_to(ROOT))
    return 0


if __name__ == "__main__":
    sys.exit(main())
