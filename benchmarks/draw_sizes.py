"""The figure of found against true sides; rows of sizes.json."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from figure_page import BAND, GREY, INK, OTHER, OURS, captions, heading, page
from ganloc.paper.results import ResultRow
from quality.render_sizes import points

SMALLEST, LARGEST = 0.025, 1.05
RIGHT = (0.9, 1.15)  # found over true side, the aim
ALL_SIZES = "sizes"  # the folder with objects of all sizes
CURVES = {
    "refined": ("ganloc, default", OURS, "-"),
    "student": ("its student, not refined", INK, "-"),
    "colour-contrast": ("colour contrast", OTHER, "--"),
    "centre": ("centred box", GREY, ":"),
}
TICKS = (0.03, 0.05, 0.08, 0.14, 0.3, 0.6, 0.9)


def draw_sizes(rows: Sequence[ResultRow]) -> Figure:
    """A curve a method for the folder of all sizes, and a point for each folder of one size."""
    figure, (axis,) = page(6.4, 6.2, 1)
    ends = np.array([SMALLEST, LARGEST])
    axis.fill_between(ends, RIGHT[0] * ends, RIGHT[1] * ends, color=BAND, lw=0)
    axis.plot(ends, ends, color="#999999", lw=1)
    for method, (label, ink, style) in CURVES.items():
        if curve := points(rows, ALL_SIZES, method):
            true, found = zip(*curve, strict=True)
            axis.plot(true, found, style, marker="o", ms=5, color=ink, lw=2, label=label)
    for name in dict.fromkeys(row["set"] for row in rows if row["set"] != ALL_SIZES):
        for true, found in points(rows, name, "refined"):
            axis.plot(true, found, "D", color=OURS, mfc="white", ms=7, mew=1.6)
    axis.set_xscale("log")
    axis.set_yscale("log")
    axis.set_xticks(TICKS, map(str, TICKS))
    axis.set_yticks(TICKS, map(str, TICKS))
    axis.minorticks_off()
    axis.set_xlim(SMALLEST, LARGEST)
    axis.set_ylim(SMALLEST, LARGEST)
    axis.set_ylabel("found side", size=9.5, color=INK)
    axis.legend(frameon=False, fontsize=9.5, loc="lower right")
    note = "drawn images; √area of the box in sides of the image, geometric means"
    heading(axis, "How large boxes are beside the true ones", note)
    band = f"Band: {RIGHT[0]} to {RIGHT[1]} times the true side."
    captions(figure, "true side", f"{band} Diamonds: folders in which all objects have one size.")
    return figure
