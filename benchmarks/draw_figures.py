"""Draw what docs/results/*.json hold as docs/figures/*.png.

    python benchmarks/draw_figures.py

Writes scores.png, scores-70.png, scores-reframed.png, readings.png, learning-curve.png, hints.png
and, where there are rows of it, sizes.png. The same rows give the same bytes. Needs matplotlib
(the extra `figures`).
"""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from draw_sizes import draw_sizes
from figure_page import BAND, GREY, INK, OTHER, OURS, captions, heading, page, save
from figure_values import (
    PUBLISHED,
    Estimate,
    choices,
    estimate,
    hints_curve,
    learning_curve,
    methods,
    published,
)
from ganloc.paper.results import ResultRow, read_rows
from summary import DEFAULT, EXAM, GROUPS, METHODS, REFRAMED, Group

ROOT = Path(__file__).parent.parent
HIT = "images hit, % (GT-known Loc at IoU > {})"
INTERVALS = "Lines: 95 % bootstrap interval over the images."
MARKS = "* uses labels."
ORACLE = "† as published: its checkpoints were picked on the test boxes."

# Of choices.json, from the paper's reading to the default; "+" adds to the line above.
READINGS = {
    "plain-cam": "the paper's heatmap (CAM), cut at 0.2",
    "signed-cam": "+ sign chosen without labels",
    "averaged-cam": "+ mean over shifts",
    "cam": "+ centre prior",
    "otsu-cam": "+ Otsu's threshold",
    "border-distance-last": "distance from the border, last layer",
    "border-distance": "distance from the border, three layers",
    "ddt": "principal direction (DDT), three layers",
    "lda-last": "LDA direction, last layer",
    "lda-no-prior": "LDA direction, three layers, no prior",
    "lda-multilayer": "LDA direction, three layers",
    "lda": "+ shape of the prior (the default)",
}
HINTED = {
    "hinted": (OURS, "o"),
    "hints alone": (OTHER, "s"),
    "fitted box": (GREY, "v"),
    "label-free": (INK, ""),
}
TRAININGS = {
    "untrained": "nothing: random weights",
    "adversarial": "a GAN (DCGAN)",
    "both": "DCGAN and the border pretext task",
    "pretext": "border pretext task (the default)",
}
CURVES = {
    "student": ("ganloc, default", OURS, "o", 1.02),
    "trained-pretext-lda": ("its discriminator alone", INK, "s", 0.98),
}
CONSTANT = {"centre": ("centred box", "--"), "whole-image": ("whole image", ":")}
CURVE_SETS = ("bear", "insect")


def draw_methods(
    rows: Sequence[ResultRow],
    groups: Sequence[Group],
    threshold: float = 0.5,
    paper: Estimate | None = None,
) -> Figure:
    """A panel a group of sets, a line a method.

    Args:
        rows: of quality.json.
        groups: the panels, from left to right.
        threshold: of IoU.
        paper: the published mean, a line of the paper's own sets.
    """
    panels = [methods(rows, group, threshold) for group in groups]
    names = [name for name in METHODS if any(name in panel for panel in panels)]
    if paper:
        names.append(PUBLISHED)
        panels = [
            found | ({PUBLISHED: paper} if group == EXAM else {})
            for group, found in zip(groups, panels, strict=True)
        ]
    figure, axes = page(3.0 + 2.5 * len(groups), 1.5 + 0.32 * len(names), len(groups))
    for index, (axis, group, found) in enumerate(zip(axes, groups, panels, strict=True)):
        limits = _limits(list(found.values()))
        _dots(axis, {name: found.get(name) for name in names}, DEFAULT, limits)
        heading(axis, group.title, group.note)
        if index:
            axis.set_yticklabels([])
    marks = f"{INTERVALS}  {MARKS}" + f"  {ORACLE}" * (paper is not None)
    captions(figure, HIT.format(threshold), marks)
    return figure


def draw_readings(rows: Sequence[ResultRow]) -> Figure:
    """How a discriminator is read, then what it is trained for; rows of choices.json."""
    readings, trainings = choices(rows, "reading"), choices(rows, "training", "rival")
    figure, axes = page(7.6, 6.6, 1, rows=(len(READINGS), len(TRAININGS)))
    parts = [
        (
            "How it is read",
            "trained for the border pretext task, which leaves the weights of CAM random",
            READINGS,
            readings,
        ),
        ("What it is trained for", "read by the LDA direction", TRAININGS, trainings),
    ]
    shown = [found[name] for *_, labels, found in parts for name in labels if name in found]
    for axis, (title, note, labels, found) in zip(axes, parts, strict=True):
        values = {label: found[name] for name, label in labels.items() if name in found}
        default = next(label for label in labels.values() if label.endswith("(the default)"))
        _dots(axis, values, default, _limits(shown))
        heading(axis, title, note)
    captions(figure, f"{HIT.format(0.5)}, mean of the 6 development sets", INTERVALS)
    return figure


def draw_learning_curve(rows: Sequence[ResultRow]) -> Figure:
    """How many training images it takes; rows of quality.json."""
    figure, (axis,) = page(7.6, 4.4, 1)
    last = 1
    for stage, (label, ink, marker, aside) in CURVES.items():
        curve = learning_curve(rows, stage, CURVE_SETS)
        middles = [value.value for value in curve.values()]
        spans = [
            [v.value - v.low for v in curve.values()],
            [v.high - v.value for v in curve.values()],
        ]
        places = [count * aside for count in curve]  # so that intervals don't overlap
        axis.errorbar(places, middles, spans, color=ink, marker=marker, lw=2, elinewidth=1.3)
        last = max(curve)
        axis.text(last * 1.1, middles[-1], label, color=ink, va="center", size=9.5)
        axis.set_xscale("log")
        axis.set_xticks(list(curve), [str(count) for count in curve])
    for stage, (label, style) in CONSTANT.items():
        if found := estimate(rows, stage, CURVE_SETS):
            axis.axhline(found.value, color=GREY, ls=style, lw=1.3, zorder=0)
            axis.text(last * 1.1, found.value + 0.5, label, color=GREY, size=9.5)
    axis.minorticks_off()
    axis.set_xlim(17, last * 2.4)
    axis.set_ylabel(HIT.format(0.5), size=9.5, color=INK)
    heading(
        axis, "How many images it takes", f"mean of {' and '.join(CURVE_SETS)}, one random seed"
    )
    captions(figure, "training images", INTERVALS)
    return figure


def draw_hints(rows: Sequence[ResultRow]) -> Figure:
    """What hints are worth, a panel a set; rows of hints.json."""
    sets, counts = (sorted({row[name] for row in rows}) for name in ("set", "hints"))
    figure, axes = page(2.1 * len(sets), 3.6, len(sets))
    for axis, name in zip(axes, sets, strict=True):
        for boxes, (ink, marker) in HINTED.items():
            curve = hints_curve(rows, name, boxes)
            axis.plot(list(curve), list(curve.values()), color=ink, marker=marker, lw=2)
        axis.set_xscale("log")
        axis.set_xticks(counts, [str(count) for count in counts])
        axis.minorticks_off()
        axis.set_ylim(0, 103)
        axis.set_title(name, loc="left", size=11, weight="bold", color=INK)
    axes[0].set_ylabel(HIT.format(0.5), size=9.5, color=INK)
    words = {"loc": "outside upper left", "ncols": len(HINTED), "frameon": False, "fontsize": 9.5}
    figure.legend(axes[-1].lines, list(HINTED), **words)
    captions(figure, "hints, chosen at random", "")
    return figure


def _dots(
    axis: Axes,
    values: Mapping[str, Estimate | None],
    default: str,
    limits: tuple[float, float],
) -> None:
    """A point with its interval a line, from top to bottom; the default is emphasised."""
    for place, (label, value) in enumerate(values.items()):
        if not value:
            continue
        own, labelled, oracle = label == default, label.endswith("*"), label.endswith("†")
        ink = OURS if own else OTHER if labelled else GREY if oracle else INK
        if own:
            axis.axhspan(place - 0.5, place + 0.5, color=BAND, lw=0, zorder=0)
        axis.plot([value.low, value.high], [place, place], color=ink, lw=3 if own else 1.6)
        face = "white" if labelled or oracle else ink
        marker, side = "D" if oracle else "o", 8 if own else 6
        axis.plot(value.value, place, marker, color=ink, mfc=face, ms=side, mew=1.6)
        at = max(value.high, value.value + 0.02 * (limits[1] - limits[0]))
        weight = "bold" if own else "normal"
        axis.text(at, place, f" {value.value:.1f}", color=ink, va="center", size=9, weight=weight)
    axis.set_ylim(len(values) - 0.5, -0.5)
    axis.set_xlim(*limits)
    step = 10 if limits[1] - limits[0] < 60 else 20
    axis.set_xticks([tick for tick in range(0, 101, step) if limits[0] <= tick <= limits[1]])
    axis.set_yticks(range(len(values)), list(values))
    for tick, label in zip(axis.get_yticklabels(), values, strict=True):
        if label == default:
            tick.set(color=OURS, weight="bold")


def _limits(values: Sequence[Estimate]) -> tuple[float, float]:
    """Of the x axis, in percent, with room for numbers on the right."""
    low, high = min(value.low for value in values), max(value.high for value in values)
    return 10 * ((low - 2) // 10), high + 0.22 * (high - low)


def figures(results: Path) -> dict[str, Figure]:
    """By file name, of the rows in a folder of results."""
    names = ("quality", "choices", "table3", "hints")
    rows = {name: read_rows(results / f"{name}.json") for name in names}
    sizes = results / "sizes.json"
    return {
        **({"sizes": draw_sizes(read_rows(sizes))} if sizes.exists() else {}),
        "scores": draw_methods(rows["quality"], GROUPS, paper=published(rows["table3"])),
        "scores-70": draw_methods(rows["quality"], GROUPS, 0.7),
        "scores-reframed": draw_methods(rows["quality"], REFRAMED),
        "readings": draw_readings(rows["choices"]),
        "learning-curve": draw_learning_curve(rows["quality"]),
        "hints": draw_hints(rows["hints"]),
    }


def main() -> int:
    """Write them all."""
    for name, figure in figures(ROOT / "docs" / "results").items():
        save(ROOT / "docs" / "figures" / f"{name}.png", figure)
        print(f"docs/figures/{name}.png")
    return 0


if __name__ == "__main__":
    sys.exit(main())
