"""What all figures of the docs share: page, colours, titles and how they are saved."""

from collections.abc import Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text

from ganloc.report.panels import save_figure

DPI = 160
FONT = "DejaVu Sans"  # comes with matplotlib, so the same everywhere

# Okabe and Ito's colours, which people with any colour vision can tell apart.
OURS, OTHER, INK, GREY, BAND = "#D55E00", "#0072B2", "#222222", "#666666", "#FBE9DD"


def page(
    width: float, height: float, columns: int, rows: Sequence[int] = (1,)
) -> tuple[Figure, list[Axes]]:
    """A white figure in inches, and its axes."""
    figure = Figure(figsize=(width, height), dpi=DPI, facecolor="white", layout="constrained")
    grid = figure.subplots(len(rows), columns, squeeze=False, height_ratios=rows)
    axes = list(grid.flat)
    for axis in axes:
        axis.spines[["top", "right"]].set_visible(False)
        axis.spines[["left", "bottom"]].set_color("#999999")
        axis.tick_params(colors=INK, labelsize=9.5, length=0)
        axis.grid(axis="x", color="#E4E4E4", lw=0.8)
        axis.set_axisbelow(True)
    return figure, axes


def heading(axis: Axes, title: str, note: str) -> None:
    """A panel's title, and a note below it."""
    axis.set_title(title, loc="left", size=11, weight="bold", color=INK, pad=17)
    axis.text(0, 1.012, note, transform=axis.transAxes, size=9, color=GREY, va="bottom")


def captions(figure: Figure, axis: str, note: str) -> None:
    """What the x axis is, and small print below it."""
    if axis:
        figure.supxlabel(f"{axis}\n", size=9.5, color=INK)
    figure.text(0.012, 0.012, note, size=8.5, color=GREY)


def save(path: Path, figure: Figure) -> None:
    """Write a PNG; the same figure gives the same bytes."""
    for text in figure.findobj(Text):
        text.set_fontfamily(FONT)
    save_figure(path, figure)
