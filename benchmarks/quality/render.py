"""Rows of quality, choices, foreign and hints.json as Markdown; "" where there are none."""

from collections.abc import Sequence

import numpy as np

from ganloc.images.tiny_imagenet import DEVELOPMENT_SETS, PAPER_SETS
from ganloc.metrics.bootstrap import mean_over_sets
from ganloc.metrics.hits import unpacked
from ganloc.paper.markdown import markdown
from ganloc.paper.results import ResultRow
from ganloc.shapes import Float

Hits = dict[str, Float[np.ndarray, " n"]]  # by set: 0–100 an image, the mean over seeds
METRICS = {"gt_known_loc": "mean of {}", "gt_known_loc_70": "IoU > 0.7", "mean_iou": "mean IoU"}
FOREIGN = ("auc", "listed", "precision", "recall")
HINTS = ("label-free", "fitted box", "hints alone", "hinted")
LOC = ("gt_known_loc", "gt_known_loc_70")
KINDS = ("hit", "false-alarm", "miss", "correct-rejection")

# Columns of the tables of gains: what the method is compared with.
RIVALS = (
    "whole-image",
    "centre",
    "fitted-box",
    "colour-contrast-centre",
    "trained-pretext-lda",
    "supervised-cnn",
)
# Lines of the tables of gains: ganloc's stages.
STAGES = (
    "trained-pretext-lda",
    "pseudo-boxes",
    "student-1",
    "student",
    "student-refined",
    "student-refined-128",
    "student-of-discriminator",
    "student-of-colour",
)


def quality(rows: Sequence[ResultRow], exam: bool = False) -> str:
    """A line a stage, a column a set: GT-known Loc, the mean over seeds.

    The sets are the development sets and the folders, or the paper's six. Then the means over the
    development sets or the six, where a stage has all that `rows` have, of GT-known Loc at IoU >
    0.5 and 0.7 and of IoU; and the mean minutes of a set and seed. * uses labels, † pretrained.
    """
    rows = [r for r in rows if (r["set"] in PAPER_SETS) == exam and "+" not in r["set"]]
    found = dict.fromkeys(row["set"] for row in rows)
    development = [name for name in (PAPER_SETS if exam else DEVELOPMENT_SETS) if name in found]
    sets = [*development, *(name for name in found if name not in development)]
    lines = []
    for stage in dict.fromkeys(row["stage"] for row in rows):
        own = [row for row in rows if row["stage"] == stage]
        values = [_over_seeds(own, name, "gt_known_loc") for name in sets]
        for metric in METRICS if development else ():
            values.append(float(np.mean([_over_seeds(own, name, metric) for name in development])))
        label = stage + "*" * own[0]["uses_labels"] + "†" * own[0]["pretrained"]
        minutes = np.mean([row["minutes"] for row in own])
        lines.append([label, *map(_number, values), f"{minutes:.2f}"])
    means = [head.format(len(development)) for head in METRICS.values()] if development else []
    return markdown(["rival", *sets, *means, "minutes"], lines) if lines else ""


def _over_seeds(rows: Sequence[ResultRow], set_name: str, metric: str) -> float:
    """NaN where the set was not measured."""
    values = [row[metric] for row in rows if row["set"] == set_name]
    return float(np.mean(values)) if values else np.nan


def _number(value: float) -> str:
    return "" if np.isnan(value) else f"{value:.1f}"


def gains(rows: Sequence[ResultRow], threshold: float, sets: Sequence[str]) -> str:
    """A line a stage of ganloc, a column a rival: what GT-known Loc gains, and its interval.

    The mean over these sets, all of which both must have; images are compared in pairs, after the
    mean over seeds.
    """
    hits = {name: hits_of(rows, name, threshold) for name in (*RIVALS, *STAGES)}
    whole = {name: found for name, found in hits.items() if found.keys() >= set(sets)}
    rivals = [name for name in RIVALS if name in whole]
    lines = []
    for name in STAGES if rivals else ():
        if name in whole:
            own = whole[name]
            cells = [paired_gain(own, whole[r], sets) if r != name else "" for r in rivals]
            lines.append([name, f"{np.mean([own[each].mean() for each in sets]):.1f}", *cells])
    heads = ["stage", f"IoU > {threshold}", *(f"over {name}" for name in rivals)]
    return markdown(heads, lines) if lines else ""


def paired_gain(own: Hits, others: Hits, sets: Sequence[str]) -> str:
    """What a stage's hits gain over another's on the same images, and the 95 % interval."""
    return _gain_of(*mean_over_sets([own[name] - others[name] for name in sets]))


def learning_curve(rows: Sequence[ResultRow]) -> str:
    """A line a count of training images: the student's GT-known Loc, and what it gains.

    `SET+20images` in place of SET. Gains are over constant boxes on the same test images, and
    over the discriminator that was trained on as few; means where every set has the count.
    """
    found = hits_of(rows, "student", 0.5)
    counted = {
        (plain, int(change.removesuffix("images"))): name
        for name in found
        for plain, _, change in [name.partition("+")]
        if change.endswith("images")
    }
    sets = list(dict.fromkeys(plain for plain, _ in counted))
    constant = {name: hits_of(rows, name, 0.5) for name in ("whole-image", "centre")}
    discriminator = hits_of(rows, "trained-pretext-lda", 0.5)
    lines = []
    for count in sorted({count for _, count in counted}):
        own = {name: found[counted[name, count]] for name in sets if (name, count) in counted}
        line = [f"{own[name].mean():.1f}" if name in own else "" for name in sets]
        if len(own) == len(sets):
            line.append(f"{np.mean([hits.mean() for hits in own.values()]):.1f}")
            as_few = {name: discriminator[counted[name, count]] for name in sets}
            line += [paired_gain(own, others, sets) for others in (*constant.values(), as_few)]
        else:
            line += [""] * (2 + len(constant))
        lines.append([str(count), *line])
    rivals = [f"over {name}" for name in (*constant, "trained-pretext-lda")]
    return markdown(["images", *sets, "mean", *rivals], lines) if lines else ""


def mixed(rows: Sequence[ResultRow]) -> str:
    """A line a share of others' images: the student's GT-known Loc, and what the others cost.

    `SET+30%others` in place of SET, on the same test images, in pairs.
    """
    found = hits_of(rows, "student", 0.5)
    pairs = [
        (int(change.removesuffix("%others")), plain, name)
        for name in found
        for plain, _, change in [name.partition("+")]
        if change.endswith("%others") and plain in found
    ]
    sets = list(dict.fromkeys(plain for _, plain, _ in pairs))
    lines = []
    if pairs:
        lines.append(["0", *_means([found[name] for name in sets]), ""])
    for percent in sorted({percent for percent, _, _ in pairs}):
        own = {plain: found[name] for share, plain, name in pairs if share == percent}
        if len(own) == len(sets):
            gain = paired_gain(own, found, sets)
            lines.append([str(percent), *_means([own[name] for name in sets]), gain])
    return markdown(["others, %", *sets, "mean", "gain"], lines) if lines else ""


def _means(hits: Sequence[Float[np.ndarray, " _"]]) -> list[str]:
    """Of each set, then of all."""
    means = [float(each.mean()) for each in hits]
    return [f"{mean:.1f}" for mean in (*means, np.mean(means))]


def foreign(rows: Sequence[ResultRow]) -> str:
    """A line a folder and a share of others in it: what is found of them.

    Means over seeds; behind `auc` and `recall` the lowest.
    """
    lines = []
    for asked in dict.fromkeys((row["set"], row["others"], row["percent"]) for row in rows):
        mine = [row for row in rows if (row["set"], row["others"], row["percent"]) == asked]
        found = [_over(mine, name, name in ("auc", "recall")) for name in FOREIGN]
        lines.append([*map(str, asked), *found])
    heads = ["folder", "others", "others, %", *FOREIGN]
    return markdown(heads, lines, text=2) if lines else ""


def hints(rows: Sequence[ResultRow]) -> str:
    """A line a set, a number of hints and how they were chosen: what hints are worth.

    GT-known Loc at IoU > 0.5 / 0.7, means over draws. Below them the means over sets.
    """
    lines = []
    for choice, count in sorted({(row["choice"], row["hints"]) for row in rows}):
        mine = [row for row in rows if (row["choice"], row["hints"]) == (choice, count)]
        sets = sorted({row["set"] for row in mine})
        found = np.array([[_loc(mine, name, boxes) for boxes in HINTS] for name in sets])
        for name, each in zip(sets, found, strict=True):
            draws = len({row["draw"] for row in mine if row["set"] == name})
            lines.append([name, choice, str(count), str(draws), *map(_both, each)])
        mean = map(_both, found.mean(axis=0))
        lines.append([f"**mean of {len(sets)}**", choice, str(count), "", *mean])
    return markdown(["set", "chosen", "hints", "draws", *HINTS], lines, text=2) if lines else ""


def _loc(rows: Sequence[ResultRow], name: str, boxes: str) -> list[float]:
    """GT-known Loc at both thresholds of one set, the mean over draws."""
    own = [row for row in rows if row["set"] == name and row["boxes"] == boxes]
    return [float(np.mean([row[loc] for row in own])) if own else np.nan for loc in LOC]


def _both(each: Sequence[float]) -> str:
    return "" if np.isnan(each[0]) else " / ".join(f"{value:.1f}" for value in each)


def _over(rows: Sequence[ResultRow], name: str, lowest: bool) -> str:
    known = [row[name] for row in rows if row[name] is not None]
    if not known:
        return ""
    return f"{np.mean(known):.0f}" + (f" ({min(known):.0f})" if lowest else "")


def hits_of(rows: Sequence[ResultRow], stage: str, threshold: float) -> Hits:
    """By set, 0–100 an image: the mean over a stage's seeds, where all its rows have hits."""
    own: dict[str, list[ResultRow]] = {}
    for row in rows:
        if row["stage"] == stage:
            own.setdefault(row["set"], []).append(row)
    return {
        name: np.mean([100.0 * unpacked(r["hits"], threshold, r["scored"]) for r in each], axis=0)
        for name, each in own.items()
        if all("hits" in row for row in each)
    }


def _gain_of(gain: float, low: float, high: float) -> str:
    return f"{gain:+.1f} ({low:+.1f} to {high:+.1f})"


def training(rows: Sequence[ResultRow]) -> str:
    """A line an arm with its gains over what it has to beat, which follows, a line each."""
    return _gains_table("trained", _asked(rows, "training") + _asked(rows, "rival"), "seeds")


def checkpoints(rows: Sequence[ResultRow]) -> str:
    """A line an arm: the checkpoints that the label-free rule keeps, and what they gain."""
    return _gains_table("trained", _asked(rows, "checkpoint"), "runs")


def _gains_table(name: str, rows: Sequence[ResultRow], count: str) -> str:
    others = list(dict.fromkeys(other for row in rows for other in row["gains"]))
    lines = [
        [row["name"], str(row.get(count, "")), *_measured(row)]
        + [_gain(row["gains"][other]) if other in row["gains"] else "" for other in others]
        for row in rows
    ]
    heads = [name, count, *_heads(rows), *(f"over {other}" for other in others)]
    return markdown(heads, lines) if lines else ""


def readings(rows: Sequence[ResultRow]) -> str:
    """A line a reading, and its gain over the one that it builds on."""
    own = _asked(rows, "reading")
    lines = []
    for row in own:
        ((below, gain),) = row["gains"].items() or [("", None)]
        lines.append([row["name"], below, *_measured(row), _gain(gain) if gain else ""])
    heads = ["reading", "builds on", *_heads(own), "gain"]
    return markdown(heads, lines, text=2) if lines else ""


def trust(rows: Sequence[ResultRow]) -> str:
    """Counts of checkpoints, and the percentage that the verdict was right about."""
    lines = []
    for row in _asked(rows, "trust"):
        counts = [row[kind] for kind in KINDS]
        right = 100.0 * (row["hit"] + row["correct-rejection"]) / sum(counts)
        lines.append([row["name"], *map(str, counts), f"{right:.1f}"])
    return markdown(["", *KINDS, "right, %"], lines) if lines else ""


def _asked(rows: Sequence[ResultRow], question: str) -> list[ResultRow]:
    return [row for row in rows if row["question"] == question]


def _heads(rows: Sequence[ResultRow]) -> list[str]:
    return ["GT-known Loc", *dict.fromkeys(name for row in rows for name in row["sets"])]


def _measured(row: ResultRow) -> list[str]:
    """The mean with its interval, then each set."""
    low, high = row["interval"]
    mean = f"{row['gt_known_loc']:.1f} ({low:.1f}–{high:.1f})"
    return [mean, *(f"{value:.1f}" for value in row["sets"].values())]


def _gain(gain: ResultRow) -> str:
    return _gain_of(gain["gain"], *gain["interval"])
