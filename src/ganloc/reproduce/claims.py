"""The paper's six claims, each with the number that our rows give for it."""

from collections.abc import Callable, Sequence
from itertools import product

import numpy as np

from ganloc.reproduce.results import ResultRow
from ganloc.score.bootstrap import bootstrap_interval
from ganloc.score.correlation import centred_correlation, clustered_interval

ALIKE = ("dcgan", "sn-dcgan")  # the paper's GANs of low diversity
DIVERSE = ("dragan", "wgan-gp", "sn-wgan-gp")
MISSING = "not measured yet"

Value = Callable[[ResultRow], float]


def loc(row: ResultRow) -> float:
    """The paper's reading at the last checkpoint."""
    return row["paper"]["loc"]


def likeness(row: ResultRow) -> float:
    """MS-SSIM between generated pictures; high is low diversity."""
    return row["ms_ssim"]


def claims(
    table3: Sequence[ResultRow], variants: Sequence[ResultRow]
) -> list[tuple[str, str, str]]:
    """Claim, what it comes down to, and what we measured; the rows are of one budget each.

    An interval is a 95 % bootstrap over whole sets: the pictures within a set are not drawn anew.
    A line whose rows are missing says so.
    """
    gans = [row for row in variants if "ms_ssim" in row and "paper" in row]
    cells = [row for row in table3 if "paper" in row]
    return [
        (
            "(a) the more alike a GAN's pictures, the better it localizes",
            "correlation of MS-SSIM and Loc over runs, centred per set, is positive",
            _correlation(gans, likeness, loc),
        ),
        (
            "(a) diverse GANs give nearly the same heatmap for every picture",
            "uniformity of DRAGAN, WGAN-GP and SN-WGAN-GP minus that of DCGAN and SN-DCGAN",
            _difference(gans, DIVERSE, ALIKE, lambda row: row["uniformity"], "", 2),
        ),
        (
            "(a) diverse GANs do not localize",
            "Loc of DCGAN and SN-DCGAN minus that of the three",
            _difference(gans, ALIKE, DIVERSE, loc),
        ),
        (
            "(b) spectral norm improves localization consistently",
            "Loc of SN-DCGAN minus DCGAN, without augmentation",
            _difference(cells, ["sn-dcgan"], ["dcgan"], loc),
        ),
        (
            "(b) likewise",
            "the same with augmentation",
            _difference(cells, ["sn-dcgan+aug"], ["dcgan+aug"], loc),
        ),
        (
            "(c) DCGAN behaves like SN-DCGAN",
            "MS-SSIM of SN-DCGAN minus DCGAN is near 0",
            _difference(gans, ["sn-dcgan"], ["dcgan"], likeness, "", 3),
        ),
        (
            "(c) WGAN-GP behaves like SN-WGAN-GP",
            "MS-SSIM of SN-WGAN-GP minus WGAN-GP is near 0",
            _difference(gans, ["sn-wgan-gp"], ["wgan-gp"], likeness, "", 3),
        ),
        (
            "(d) augmentation raises SN-DCGAN's diversity",
            "MS-SSIM with minus without is negative",
            _difference(cells, ["sn-dcgan+aug"], ["sn-dcgan"], likeness, "", 3),
        ),
        (
            "(d) and then hurts",
            "Loc of SN-DCGAN with augmentation minus without is negative",
            _difference(cells, ["sn-dcgan+aug"], ["sn-dcgan"], loc),
        ),
        (
            "(e) comparable with CAM",
            "Loc of SN-DCGAN minus that of the supervised CAM",
            _difference(cells, ["sn-dcgan"], ["cam"], loc),
        ),
        ("(f) real-time: one forward pass a picture", "milliseconds a picture", _speed(gans)),
    ]


def _correlation(rows: Sequence[ResultRow], x: Value, y: Value) -> str:
    sets = [row["set"] for row in rows]
    first, second = np.array([x(row) for row in rows]), np.array([y(row) for row in rows])
    found = centred_correlation(first, second, sets) if rows else None
    if found is None:
        return MISSING
    interval = clustered_interval(first, second, sets)
    between = f" ({interval[0]:+.2f} to {interval[1]:+.2f})" if interval else ""
    return f"{found:+.2f}{between}, {len(rows)} runs on {len(set(sets))} sets"


def _difference(
    rows: Sequence[ResultRow],
    one: Sequence[str],
    other: Sequence[str],
    value: Value,
    unit: str = " points",
    digits: int = 1,
) -> str:
    """Mean over sets of the difference of two groups of methods."""
    compared = [row for row in rows if row["method"] in (*one, *other)]
    values = {(row["set"], row["method"], row["seed"]): value(row) for row in compared}
    sets = list(dict.fromkeys(row["set"] for row in rows))
    seeds = list(dict.fromkeys(row["seed"] for row in rows))
    differences = []
    for set_name in sets:
        groups = [
            [values.get((set_name, method, seed)) for method, seed in product(group, seeds)]
            for group in (one, other)
        ]
        known = [[number for number in group if number is not None] for group in groups]
        if all(known):
            differences.append(float(np.mean(known[0]) - np.mean(known[1])))
    if not differences:
        return MISSING
    low, high = bootstrap_interval(np.array(differences))
    above = sum(difference > 0 for difference in differences)
    mean = float(np.mean(differences))
    return (
        f"{mean:+.{digits}f}{unit} ({low:+.{digits}f} to {high:+.{digits}f}), "
        f"above 0 in {above} of {len(differences)} sets"
    )


def _speed(rows: Sequence[ResultRow]) -> str:
    times = [row["milliseconds"] for row in rows if "milliseconds" in row]
    return f"{np.median(times):.1f} (median of {len(times)} runs)" if times else MISSING
