"""How large boxes are beside the true ones: objects of known size, from 0.03 to 0.9 of the side.

    python benchmarks/quality/sizes.py --runs DIR

Trains the default preset on folders of drawn images (composites.py): one in which sides differ, and
five in which all objects have about one size. A row of docs/results/sizes.json is one folder and
seed: by bins of the true side (√area of the box, in sides of the image), what the whole method
finds (`refined`), what the student finds without a look at crops (`student`), and two baselines.
"""

import argparse
import sys
from collections.abc import Sequence
from functools import partial
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import render_sizes
import script
from composites import SIZES, made
from sets import load_set
from trainings import SIZE, kept_model

from ganloc.box.from_heatmap import boxes_from_heatmaps
from ganloc.box.iou import area, iou
from ganloc.errors import UserError
from ganloc.heatmap.colour_contrast import THRESHOLD, colour_contrast
from ganloc.images.image_set import ImageSet
from ganloc.method import localize
from ganloc.metrics.baselines import centre
from ganloc.paper.results import ResultRow, Results
from ganloc.recipes import make_recipe
from ganloc.shapes import Float

COMMAND = "python benchmarks/quality/sizes.py --runs DIR"
EDGES = (0.03, 0.05, 0.08, 0.12, 0.18, 0.27, 0.4, 0.6, 0.9)  # of the bins of true sides
SEEDS = (0, 1, 2)
HITS = {"hit": 0.5, "hit_70": 0.7}  # IoU that a box needs


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit status."""
    options = _options(arguments)
    return script.exit_status(lambda: render_sizes.sizes(run(options)))


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = script.parser_without_data("How large boxes are beside the true ones.")
    parser.add_argument("--composites", type=Path, help="folder in which drawn images are kept")
    parser.add_argument("--runs", type=Path, required=True, help="folder in which runs are kept")
    parser.add_argument("--seeds", nargs="+", type=int, default=SEEDS, help="of trainings")
    parser.add_argument("--device", help="cpu, cuda, …")
    return parser.parse_args(arguments)


def run(options: argparse.Namespace) -> list[ResultRow]:
    """Work out what is missing; the rows that were asked for.

    Raises:
        UserError: a folder is none of `SIZES`.
    """
    results = Results(options.results / "sizes.json", ("set", "seed"), COMMAND)
    rows = []
    with TemporaryDirectory() as temporary:
        for name in options.sets or SIZES:
            if name not in SIZES:
                raise UserError(f"{name} is no folder of one object: choose {', '.join(SIZES)}.")
            folder = made(name, options.composites or Path(temporary))
            _, images = load_set(name, SIZE, None, {name: folder})
            for seed in options.seeds:
                work = partial(_evaluated, images, seed, options)
                rows.append(script.kept_row(results, {"set": name, "seed": seed}, work))
                print(render_sizes.sizes(rows[-1:]), flush=True)
    return rows


def _evaluated(images: ImageSet, seed: int, options: argparse.Namespace) -> ResultRow:
    recipe = make_recipe("default", size=SIZE, seed=seed)
    shown = images.unlabelled()
    run_folder = options.runs / f"{images.source}-{seed}"
    model, minutes = kept_model(run_folder, shown, recipe, options.device)
    contrast = boxes_from_heatmaps(colour_contrast(images.pixels), images.size, THRESHOLD)
    found = {
        "refined": images.in_pixels(localize(model, shown).boxes),
        "student": images.in_pixels(localize(model, shown, refine=False).boxes),
        "colour-contrast": images.in_pixels(contrast),
        "centre": centre(images.sizes),
    }
    assert images.truth is not None
    true = np.concatenate(images.truth) / np.tile(images.sizes, 2)
    own = {name: boxes / np.tile(images.sizes, 2) for name, boxes in found.items()}
    by_method = {name: by_size(boxes, true) for name, boxes in own.items()}
    return {"images": len(images), "minutes": round(minutes, 2), **by_method}


def by_size(
    found: Float[np.ndarray, "n 4"], true: Float[np.ndarray, "n 4"]
) -> list[dict[str, float]]:
    """A row for each bin of the true side that has objects.

    `from` and `to` are the bin's ends and `side` is the geometric mean of the true sides in it.
    `ratio` is that of found over true sides, and `quartiles` holds its quartiles. `hit` and
    `hit_70` are percentages of boxes with an IoU above 0.5 and 0.7.

    Args:
        found, true: a box an image, xyxy in fractions of it.

    >>> true = np.array([[0.2, 0.2, 0.3, 0.3]])
    >>> by_size(np.array([[0.2, 0.2, 0.4, 0.4]]), true)  # twice as wide and high: IoU 1/4
    [{'from': 0.08, 'to': 0.12, 'count': 1, 'side': 0.1, 'ratio': 2.0, 'quartiles': [2.0, 2.0], \
'hit': 0.0, 'hit_70': 0.0}]
    """
    sides, ratios = np.sqrt(area(true)), np.sqrt(area(found) / area(true)).clip(1e-3)
    overlaps = iou(found, true)
    bins = np.searchsorted(EDGES, sides, side="right") - 1
    rows = []
    for index, (low, high) in enumerate(pairwise(EDGES)):
        own = bins.clip(0, len(EDGES) - 2) == index
        if own.any():
            rows.append(
                {
                    "from": low,
                    "to": high,
                    "count": int(own.sum()),
                    "side": _geometric_mean(sides[own]),
                    "ratio": _geometric_mean(ratios[own]),
                    "quartiles": np.quantile(ratios[own], [0.25, 0.75]).round(3).tolist(),
                    **{
                        name: round(100.0 * float((overlaps[own] > least).mean()), 2)
                        for name, least in HITS.items()
                    },
                }
            )
    return rows


def _geometric_mean(values: Float[np.ndarray, " k"]) -> float:
    return round(float(np.exp(np.log(values).mean())), 4)


if __name__ == "__main__":
    sys.exit(main())
