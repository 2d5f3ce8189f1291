"""Rows of results as Markdown tables for the docs."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict

from ganloc.paper.cam_recipe import ReferenceRecipe
from ganloc.paper.results import ResultRow
from ganloc.recipes import Recipe

NOT_ABOVE, BELOW = "°", "▾"
NOTES = f"""\
- Columns without another name are GT-known Loc: percent of test images with IoU > 0.5, in brackets
  the 95 % bootstrap interval over the test images. The interval does not include the variation
  between trainings, because there is one seed.
- † oracle: the best checkpoint, or threshold, chosen on the test boxes. * uses labels.
- {NOT_ABOVE} not above its own untrained network: the 95 % interval of the difference, image by
  image, contains 0. {BELOW} below its untrained network: the interval lies below 0.
- **MaxBoxAcc, V2**: of the paper's heatmap at the best of 100 thresholds. V2 takes the best of all
  boxes and the mean over IoU > 0.3, 0.5, 0.7.
- **MS-SSIM** of 1,000 images of the generator: mean of 5 × 200 pairs ± standard deviation of the
  five samplings. It varies more between trainings. A high value means low diversity.
- **uniformity**: mean correlation of the paper's heatmaps of different test images, in brackets
  that of the untrained network. 1 means that all heatmaps are the same."""


def means(rows: Sequence[ResultRow]) -> str:
    """A table with one line a method: means over sets and seeds, if every set has the method."""
    sets = {row["set"] for row in rows}
    columns: dict[str, Callable[[ResultRow], float | None]] = {
        "published†": lambda row: row.get("published"),
        "peak†": lambda row: _peak(row) if "paper" in row else None,
        "last": lambda row: row["paper"]["loc"] if "paper" in row else row.get("loc"),
        "untrained": lambda row: row["paper"]["untrained"] if "paper" in row else None,
        "our reading": lambda row: row["ours"]["loc"] if "ours" in row else None,
        "its untrained": lambda row: row["ours"]["untrained"] if "ours" in row else None,
    }
    lines = []
    for method in dict.fromkeys(row["method"] for row in rows if row["method"] != "real"):
        group = [row for row in rows if row["method"] == method]
        if {row["set"] for row in group} == sets:
            label = method + "*" * group[0].get("uses_labels", False)
            lines.append([label, *(_mean(map(value, group)) for value in columns.values())])
    return markdown([f"mean of {len(sets)} sets", *columns], lines)


def cells(rows: Sequence[ResultRow]) -> str:
    """A table with one line a training: the paper's reading, ours, and diversity."""
    columns: dict[str, Callable[[ResultRow], str]] = {
        "set": lambda row: row["set"],
        "method": lambda row: row["method"] + "*" * row.get("uses_labels", False),
        "published†": lambda row: _number(row.get("published")),
        "peak†": lambda row: _number(_peak(row)),
        "last": lambda row: _loc(row["paper"]),
        "untrained": lambda row: _number(row["paper"]["untrained"]),
        "MaxBoxAcc†": lambda row: _number(row["paper"]["max_box_acc"]),
        "V2†": lambda row: _number(row["paper"]["max_box_acc_v2"]),
        "our reading": lambda row: _loc(row["ours"]) if "ours" in row else "",
        "its untrained": lambda row: _number(row["ours"]["untrained"]) if "ours" in row else "",
        "MS-SSIM": lambda row: _alike(row),
        "uniformity": _uniformity,
        "minutes": _minutes,
    }
    trained = [row for row in rows if "paper" in row]
    order = {name: index for index, name in enumerate(dict.fromkeys(row["set"] for row in rows))}
    trained.sort(key=lambda row: order[row["set"]])
    return markdown(columns, [[cell(row) for cell in columns.values()] for row in trained], text=2)


def baselines(rows: Sequence[ResultRow]) -> str:
    """A table with one line a set: the baselines, and the MS-SSIM of its real images."""
    untrained = [row for row in rows if "paper" not in row]
    methods = list(dict.fromkeys(row["method"] for row in untrained))
    starred = {row["method"] for row in untrained if row.get("uses_labels")}
    found = {(row["set"], row["method"]): row for row in untrained}
    sets = list(dict.fromkeys(row["set"] for row in untrained))
    heads = [
        "set",
        *(name + "*" * (name in starred) for name in methods if name != "real"),
        "MS-SSIM of real images",
    ]
    lines = []
    for set_name in sets:
        cells = [found.get((set_name, method)) for method in methods if method != "real"]
        values = [_loc(cell) if cell else "" for cell in cells]
        lines.append([set_name, *values, _alike(found.get((set_name, "real"), {}))])
    return markdown(heads, lines)


def markdown(heads: Iterable[str], lines: Sequence[Sequence[str]], text: int = 1) -> str:
    """A Markdown table. The first `text` columns are text, the others numbers.

    >>> print(markdown(["set", "Loc"], [["bird", "58.0"]]))
    | set | Loc |
    | --- | ---: |
    | bird | 58.0 |
    """
    heads = list(heads)
    rule = ["---" if column < text else "---:" for column in range(len(heads))]
    return "\n".join(f"| {' | '.join(line)} |" for line in (heads, rule, *lines))


def _number(value: float | None, digits: int = 1) -> str:
    return "" if value is None else f"{value:.{digits}f}"


def _mean(values: Iterable[float | None]) -> str:
    known = [value for value in values if value is not None]
    return _number(sum(known) / len(known)) if known else ""


def _loc(reading: ResultRow) -> str:
    """GT-known Loc with its interval, marked if it is not above that of the untrained network."""
    low, high = reading["interval"]
    worst, best = reading.get("gain", (1.0, 1.0))
    mark = BELOW if best < 0.0 else NOT_ABOVE if worst <= 0.0 else ""
    return f"{reading['loc']:.1f}{mark} ({low:.0f}–{high:.0f})"


def _peak(row: ResultRow) -> float | None:
    """The peak; None if only one checkpoint was evaluated."""
    return row["paper"]["peak"] if "curve" in row else None


def _uniformity(row: ResultRow) -> str:
    if "uniformity" not in row:
        return ""
    return f"{row['uniformity']:.2f} ({row['uniformity_untrained']:.2f})"


def _minutes(row: ResultRow) -> str:
    shared = f" for {row['shared_by']} sets" if "shared_by" in row else ""
    return f"{row['minutes']:.1f}{shared}"


def _alike(row: ResultRow) -> str:
    if "ms_ssim" not in row:
        return ""
    return f"{row['ms_ssim']:.3f} ± {row['ms_ssim_deviation']:.3f}"


def one_line(row: ResultRow) -> str:
    """A row as one line of text, shown while a table is reproduced."""
    name = f"{row['set']} {row['method']}"
    if "paper" in row:
        paper = row["paper"]
        return f"{name}: {_loc(paper)}, untrained {_number(paper['untrained'])}"
    return f"{name}: {_loc(row)}" if "loc" in row else f"{name}: MS-SSIM {_alike(row)}"


def own(recipe: ResultRow | None, known: ResultRow) -> bool:
    """Whether all settings of a row's recipe are in `known`."""
    return recipe is not None and recipe.keys() <= known.keys()


def settings(rows: Sequence[ResultRow]) -> str:
    """The settings of a table's trainings that differ from the paper's."""
    lines = []
    for name, paper in (("GANs", Recipe()), ("CAM", ReferenceRecipe())):
        known = asdict(paper)  # defaults, for rows that are older than a setting
        recipes = [known | row["recipe"] for row in rows if own(row.get("recipe"), known)]
        if recipes:
            varied = {"seed", "augment"} | ({"variant"} if name == "GANs" else set())
            departs = [
                f"{key} {recipes[0][key]} ({value})"
                for key, value in known.items()
                if key not in varied and recipes[0][key] != value
            ]
            lines.append(
                f"- {name}, where they depart from the paper (whose value is in brackets): "
                f"{', '.join(departs) or 'nowhere'}."
            )
    return "\n".join(lines)
