"""Several objects an image: what a finder gives without labels, and with ten drawn images.

    python benchmarks/quality/several.py --blood DIR --butterflies DIR --runs DIR

The sets are the folders that are given and two of drawn images, which hold 0 to 6 objects each
(composites.py). `label-free` is `ganloc train --several`, fitted and evaluated on all images;
`ten hints` is what `ganloc finetune` makes of it with ten images all of whose objects are drawn,
evaluated on the others; `one box` is the default preset, which finds one object an image. The other
methods need no training. Each row goes to docs/results/several.json as soon as it is worked out.
"""

import argparse
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import render_several
import script
from average_precision import Matches
from composites import COUNTS, made
from scipy import ndimage
from sets import load_set
from trainings import SIZE, kept_model

from ganloc.box.detections import Detections
from ganloc.box.from_heatmap import component_labels
from ganloc.box.otsu import otsu_thresholds
from ganloc.errors import UserError
from ganloc.heatmap.colour_contrast import colour_contrast
from ganloc.images.image_set import ImageSet
from ganloc.method import finetune, localize
from ganloc.metrics.baselines import whole_image
from ganloc.metrics.objects import ObjectsRow, evaluate_objects
from ganloc.model import Model
from ganloc.paper.results import ResultRow, Results
from ganloc.recipes import make_recipe
from ganloc.several.detections import CANDIDATE, detections
from ganloc.several.finder import Finder
from ganloc.shapes import Float, Int

COMMAND = "python benchmarks/quality/several.py --blood DIR --butterflies DIR --runs DIR"
FOLDERS = ("blood", "butterflies")
HINTED = ("blood",)  # sets that get hints
HINTS = 10  # images all of whose objects are drawn
SEEDS = DRAWS = (0, 1, 2)
PRECISIONS = ("ap_50", "ap", "average_recall")

Found = tuple[Int[np.ndarray, " k"], Float[np.ndarray, "k 4"], Float[np.ndarray, " k"]]


@dataclass(frozen=True)
class Work:
    """What a row is worked out from.

    Attributes:
        images: of the set, with truth.
        runs: folder in which trainings are kept.
        seed: of trainings.
        draw: of the hinted images.
        device: of networks.
    """

    images: ImageSet
    runs: Path
    seed: int
    draw: int
    device: str | None

    def model(self, several: bool) -> tuple[Model, float]:
        """The default preset's model, or that of `--several`, and the minutes it took."""
        recipe = make_recipe("default", size=SIZE, several=several, seed=self.seed)
        name = f"{self.images.source}-several-{self.seed}" if several else self.images.source
        return kept_model(self.runs / name, self.images.unlabelled(), recipe, self.device)


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit status."""
    options = _options(arguments)
    return script.exit_status(lambda: render_several.several(run(options)))


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = script.parser_without_data("Several objects an image.")
    for name in FOLDERS:
        parser.add_argument(f"--{name}", type=Path, help="folder, with its truth.coco.json")
    parser.add_argument("--composites", type=Path, help="folder in which drawn images are kept")
    parser.add_argument("--runs", type=Path, required=True, help="folder in which runs are kept")
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=list(METHODS))
    parser.add_argument("--seeds", nargs="+", type=int, default=SEEDS, help="of trainings")
    parser.add_argument("--draws", nargs="+", type=int, default=DRAWS, help="of hinted images")
    parser.add_argument("--device", help="cpu, cuda, …")
    return parser.parse_args(arguments)


def run(options: argparse.Namespace) -> list[ResultRow]:
    """Work out what is missing; the rows that were asked for.

    Raises:
        UserError: a set is unknown, or cannot be read.
    """
    results = Results(options.results / "several.json", ("set", "method", "seed", "draw"), COMMAND)
    given = {name: path for name in FOLDERS if (path := getattr(options, name))}
    rows = []
    with TemporaryDirectory() as temporary:
        for name in options.sets or [*given, *COUNTS]:
            if name not in given and name not in COUNTS:
                raise UserError(f"{name} is no set here: give {', '.join([*FOLDERS, *COUNTS])}.")
            folder = given.get(name) or made(name, options.composites or Path(temporary))
            _, images = load_set(name, SIZE, None, {name: folder})
            for method, seed, draw in _asked(name, options):
                work = Work(images, options.runs, seed, draw, options.device)
                identity = {"set": name, "method": method, "seed": seed, "draw": draw}
                rows.append(script.kept_row(results, identity, partial(METHODS[method], work)))
                print(rows[-1], flush=True)
    return rows


def _asked(name: str, options: argparse.Namespace) -> Iterator[tuple[str, int, int]]:
    """Methods with their seeds and draws, which are 0 where nothing is drawn at random."""
    for method in options.methods:
        if method == "label-free":
            yield from ((method, seed, 0) for seed in options.seeds)
        elif method == "ten hints":
            asked = options.draws if name in HINTED else ()
            yield from ((method, options.seeds[0], draw) for draw in asked)
        else:
            yield method, 0, 0


def _label_free(work: Work) -> ResultRow:
    model, minutes = work.model(several=True)
    return _of_model(model, work.images, minutes)


def _ten_hints(work: Work) -> ResultRow:
    model, _ = work.model(several=True)
    images, began = work.images, time.perf_counter()
    random = np.random.default_rng((work.draw, HINTS))
    chosen = np.sort(random.permutation(len(images))[:HINTS])
    model = finetune(model, images, images.subset(chosen))
    minutes = (time.perf_counter() - began) / 60.0
    return _of_model(model, images.subset(np.setdiff1d(np.arange(len(images)), chosen)), minutes)


def _one_box(work: Work) -> ResultRow:
    model, minutes = work.model(several=False)
    return _of_model(model, work.images, minutes)


def _whole_image(work: Work) -> ResultRow:
    images = work.images
    found = np.arange(len(images)), whole_image(images.sizes), np.ones(len(images))
    return _row(found, images, 0.0)


def _colour_contrast(work: Work) -> ResultRow:
    found = contrast_components(colour_contrast(work.images.pixels))
    image, boxes, scores = found
    return _row((image, boxes * np.tile(work.images.sizes[image], 2), scores), work.images, 0.0)


METHODS: dict[str, Callable[[Work], ResultRow]] = {
    "label-free": _label_free,
    "ten hints": _ten_hints,
    "one box": _one_box,
    "whole image": _whole_image,
    "colour contrast": _colour_contrast,
}


def contrast_components(heatmaps: Float[np.ndarray, "n size size"]) -> Found:
    """Each connected component above Otsu's threshold, in fractions of its image.

    Its score is the mean of the heatmap (0–1) on it.
    """
    image, boxes, scores = [], [], []
    size = heatmaps.shape[1]
    for index, (own, level) in enumerate(zip(heatmaps, otsu_thresholds(heatmaps), strict=True)):
        labels = component_labels(own > level, corners=False)
        for number, (rows, columns) in enumerate(ndimage.find_objects(labels), start=1):
            image.append(index)
            boxes.append([columns.start, rows.start, columns.stop, rows.stop])
            scores.append(own[labels == number].mean())
    return np.array(image, int), np.array(boxes).reshape(-1, 4) / size, np.array(scores, float)


def _of_model(model: Model, images: ImageSet, minutes: float) -> ResultRow:
    """What a model delivers and, of a finder, all candidates."""
    found = localize(model, images.unlabelled())
    row = _row(_of(found, images), images, minutes)
    student = model.student_of(model.reading)
    if isinstance(student, Finder):
        heatmaps = model.heatmaps(images, model.reading)
        every = detections(student, images.pixels, heatmaps, CANDIDATE)
        row["least"] = round(student.least.item(), 3)
        row["candidates"] = _measured(_of(every, images), images, PRECISIONS)
    return row


def _of(found: Detections, images: ImageSet) -> Found:
    return found.image, found.in_pixels(images), found.scores


def _row(found: Found, images: ImageSet, minutes: float) -> ResultRow:
    names = (*PRECISIONS, "count_error", "right_count")
    measured = _measured(found, images, names)
    return {"images": len(images), **measured, "minutes": round(minutes, 2)}


def _measured(found: Found, images: ImageSet, names: Sequence[str]) -> ResultRow:
    """Metrics of `ObjectsRow`, and the 95 % interval of AP50 over images."""
    assert images.truth is not None
    measured: ObjectsRow = evaluate_objects("", *found, images.truth)
    ends = Matches.of(*found, images.truth).interval()
    values = {name: round(getattr(measured, name), 2) for name in names}
    return {**values, "interval": [round(100.0 * end, 2) for end in ends]}


if __name__ == "__main__":
    sys.exit(main())
