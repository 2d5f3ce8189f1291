"""The paper's six claims, each with the number that we measured."""

from collections.abc import Callable, Sequence
from itertools import permutations, product

import numpy as np
from scipy import stats

from ganloc.metrics.correlation import centred_correlation, clustered_interval
from ganloc.paper.results import ResultRow

ALIKE = ("dcgan", "sn-dcgan")  # the paper's GANs of low diversity
DIVERSE = ("dragan", "wgan-gp", "sn-wgan-gp")
MISSING = "not measured yet"
FEWEST_SETS = 3  # needed for an interval

Value = Callable[[ResultRow], float]
Rows = Sequence[ResultRow]


def loc(row: ResultRow) -> float:
    """GT-known Loc of the paper's reading at the last checkpoint, in percent."""
    return row["paper"]["loc"]


def peak(row: ResultRow) -> float:
    """GT-known Loc of the paper's reading at the best milestone (an oracle), in percent."""
    return row["paper"]["peak"]


def gain(row: ResultRow) -> float:
    """Gain of the paper's reading by training, in points."""
    return row["paper"]["loc"] - row["paper"]["untrained"]


def likeness(row: ResultRow) -> float:
    """MS-SSIM of generated images. A high value means low diversity."""
    return row["ms_ssim"]


def uniformity(row: ResultRow) -> float:
    """Uniformity of the paper's heatmaps."""
    return row["uniformity"]


def claims(table3: Rows, variants: Rows) -> list[tuple[str, str, str]]:
    """Each claim, its test, and what we measured.

    The interval of a difference is a 95 % t interval over sets. The interval of a correlation is a
    95 % bootstrap over sets. Its p is that of a permutation test, which shuffles the names of the
    GANs equally in all sets.

    Args:
        table3: rows of table 3, of one budget.
        variants: rows of the comparison of variants, of one budget.
    """
    cells = [row for row in table3 if "paper" in row]
    gans = [row for row in variants if "paper" in row]
    of_set = "correlation of MS-SSIM and {} over runs, centred per set, is positive"
    return [
        (
            "(a) the more alike a GAN's images, the better it localizes",
            of_set.format("Loc"),
            correlation(gans, likeness, loc),
        ),
        ("", of_set.format("peak†"), correlation(gans, likeness, peak)),
        ("", of_set.format("Loc minus untrained"), correlation(gans, likeness, gain)),
        (
            "(a) diverse GANs do not localize",
            "Loc of DCGAN and SN-DCGAN minus that of DRAGAN, WGAN-GP and SN-WGAN-GP",
            difference(gans, ALIKE, DIVERSE, loc),
        ),
        (
            "(a) diverse GANs give nearly the same heatmap for every image",
            "uniformity of those three minus that of the two",
            difference(gans, DIVERSE, ALIKE, uniformity, "", 2),
        ),
        (
            "(b) spectral norm improves localization consistently",
            "Loc of SN-DCGAN minus DCGAN, without augmentation",
            difference(cells, ["sn-dcgan"], ["dcgan"], loc),
        ),
        (
            "",
            "the same with augmentation",
            difference(cells, ["sn-dcgan+aug"], ["dcgan+aug"], loc),
        ),
        (
            "(c) DCGAN behaves like SN-DCGAN",
            "MS-SSIM of SN-DCGAN minus DCGAN is near 0",
            difference(gans, ["sn-dcgan"], ["dcgan"], likeness, "", 3),
        ),
        (
            "(c) WGAN-GP behaves like SN-WGAN-GP",
            "MS-SSIM of SN-WGAN-GP minus WGAN-GP is near 0",
            difference(gans, ["sn-wgan-gp"], ["wgan-gp"], likeness, "", 3),
        ),
        (
            "(d) augmentation raises SN-DCGAN's diversity",
            "MS-SSIM with minus without is negative",
            difference(cells, ["sn-dcgan+aug"], ["sn-dcgan"], likeness, "", 3),
        ),
        (
            "(d) and then hurts",
            "Loc of SN-DCGAN with augmentation minus without is negative",
            difference(cells, ["sn-dcgan+aug"], ["sn-dcgan"], loc),
        ),
        (
            "(e) comparable with CAM",
            "Loc of SN-DCGAN minus that of the supervised CAM",
            difference(cells, ["sn-dcgan"], ["cam"], loc),
        ),
        ("", "Loc of the CAM minus its untrained network", difference(cells, ["cam"], [], gain)),
        (
            "(f) real-time: one forward pass an image",
            "ms from pixels to box, an image alone, thin SN-DCGAN",
            _median([row for row in cells if row["method"] == "sn-dcgan"], "milliseconds_alone"),
        ),
    ]


def correlation(rows: Rows, x: Value, y: Value) -> str:
    """The correlation of x and y over runs, centred per set, as text.

    Only sets with a row of every method and seed count.
    """
    table = _complete(rows, _methods(rows))
    if len(table) == 0 or len(_methods(rows)) < 2:
        return MISSING
    first, second = (np.array([[value(row) for row in line] for line in table]) for value in (x, y))
    sets = [row["set"] for line in table for row in line]
    found = centred_correlation(first.ravel(), second.ravel(), sets)
    if found is None:
        return "not defined: one of the two is constant"
    interval = clustered_interval(first.ravel(), second.ravel(), sets)
    between = f" ({interval[0]:+.2f} to {interval[1]:+.2f})" if interval else ""
    p = _shuffled(first, second, sets, len(_methods(rows)), found)
    return f"{found:+.2f}{between}, p = {p:.2f}, {first.size} runs on {len(table)} sets"


def _shuffled(
    x: np.ndarray, y: np.ndarray, sets: Sequence[str], methods: int, found: float
) -> float:
    """p of the permutation test: the share of permutations of methods that correlate as highly."""
    seeds = x.shape[1] // methods
    columns = np.arange(x.shape[1]).reshape(methods, seeds)
    shuffled = [
        centred_correlation(x.ravel(), y[:, columns[list(order)].ravel()].ravel(), sets)
        for order in permutations(range(methods))
    ]
    return float(np.mean([value is not None and value >= found - 1e-12 for value in shuffled]))


def difference(
    rows: Rows,
    one: Sequence[str],
    other: Sequence[str],
    value: Value,
    unit: str = " points",
    digits: int = 1,
) -> str:
    """The difference between two groups of methods, averaged over sets, as text.

    Only sets with a row of every method and seed count.

    Args:
        rows: of one table.
        one: methods of the first group.
        other: methods of the second group, which is subtracted; may be empty.
        value: of a row.
        unit: of the difference.
        digits: after the decimal point.
    """
    table = _complete(rows, (*one, *other))
    if len(table) == 0:
        return MISSING
    differences = []
    for line in table:
        means = [
            float(np.mean([value(row) for row in line if row["method"] in group]))
            for group in (one, other)
            if group
        ]
        differences.append(means[0] - sum(means[1:]))
    count, mean = len(differences), float(np.mean(differences))
    between = ""
    if count >= FEWEST_SETS:
        half = stats.t.ppf(0.975, count - 1) * np.std(differences, ddof=1) / count**0.5
        between = f" ({mean - half:+.{digits}f} to {mean + half:+.{digits}f})"
    above = sum(each > 0 for each in differences)
    return f"{mean:+.{digits}f}{unit}{between}, above 0 in {above} of {count} sets"


def _methods(rows: Rows) -> tuple[str, ...]:
    return tuple(dict.fromkeys(row["method"] for row in rows))


def _complete(rows: Rows, methods: Sequence[str]) -> list[list[ResultRow]]:
    """The rows of each complete set, in the order of methods and seeds."""
    found = {(row["set"], row["method"], row["seed"]): row for row in rows}
    seeds = sorted({row["seed"] for row in rows if row["method"] in methods})
    sets = dict.fromkeys(row["set"] for row in rows)
    lines = [[found.get((name, *cell)) for cell in product(methods, seeds)] for name in sets]
    return [[row for row in line if row] for line in lines if line and all(line)]


def _median(rows: Rows, key: str) -> str:
    values = [row[key] for row in rows if key in row]
    return f"{np.median(values):.1f} (median of {len(values)} runs)" if values else MISSING
