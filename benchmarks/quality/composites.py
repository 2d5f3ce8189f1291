"""Folders of drawn images whose truth is known: objects of known size, and several an image.

    python benchmarks/quality/composites.py --out DIR

Objects and backgrounds are those of the embedded data set (ganloc.images.synthetic). Each row of
`COMPOSITES` becomes a folder of PNG files with truth.coco.json, which every program can read. Equal
seeds give equal files. sizes.py and several.py make what they need themselves.
"""

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image
from sets import TRUTH

from ganloc.box.iou import iou
from ganloc.files import write_json
from ganloc.images.synthetic import DEPTH, Rosette, background, random_colour, with_noise
from ganloc.shapes import Float, UInt8

SIDE = 320  # of the images, in pixels
SUPERSAMPLING = 4
LONGEST = 0.98  # longer side of an object at most, in sides of the image
VARIED = 0.06  # standard deviation of an object's colours (0–1) around those of its folder
BESIDE = 0.5  # share of the objects that are drawn beside another, if there is one
APART = (0.85, 1.0)  # distance of their centres, in that of ellipses that touch
OVERLAP = 0.1  # IoU of two boxes at most

Draw = Callable[[np.random.Generator], float]


@dataclass(frozen=True)
class Composites:
    """One folder.

    Attributes:
        images: their number.
        side: draws √area of an object's box, in sides of the image.
        counts: fewest and most objects of an image.
        depth: of the gaps between petals; 0 for ellipses.
        one_kind: whether all objects of the folder have nearly the same two colours. Else each has
            its own.
        plain: whether backgrounds are nearly of one colour. Else they are slopes, clouds or bands.
    """

    images: int
    side: Draw
    counts: tuple[int, int] = (1, 1)
    depth: float = DEPTH
    one_kind: bool = False
    plain: bool = False


def log_uniform(low: float, high: float) -> Draw:
    """Draws from `low` to `high`, uniform in logarithms."""
    return lambda random: float(np.exp(random.uniform(np.log(low), np.log(high))))


ONE_SIZE = (0.05, 0.08, 0.14, 0.3, 0.6)
SIZES: dict[str, Composites] = {
    "sizes": Composites(300, log_uniform(0.03, 0.9)),
    **{f"size-{side}": Composites(300, log_uniform(side / 1.12, side * 1.12)) for side in ONE_SIZE},
}
COUNTS: dict[str, Composites] = {
    "counts": Composites(200, log_uniform(0.12, 0.28), (0, 6), one_kind=True),
    "counts-plain": Composites(200, log_uniform(0.12, 0.28), (0, 6), 0.0, True, plain=True),
}
COMPOSITES = SIZES | COUNTS


@dataclass(frozen=True)
class _Object:
    """An object of an image; corner and scale are in sides of the image."""

    rosette: Rosette
    corner: Float[np.ndarray, "2"]
    scale: float

    @property
    def box(self) -> Float[np.ndarray, "4"]:
        return np.concatenate([self.corner, self.corner + self.scale * self.rosette.extent])


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit status."""
    parser = argparse.ArgumentParser(description="Folders of drawn images with their truth.")
    parser.add_argument("--out", type=Path, required=True, help="folder of the folders")
    parser.add_argument("--names", nargs="+", choices=COMPOSITES, default=list(COMPOSITES))
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    for name in options.names:
        print(made(name, options.out, options.seed))
    return 0


def made(name: str, parent: Path, seed: int = 0) -> Path:
    """The folder of a row of `COMPOSITES`, drawn now unless it is there already."""
    folder = parent / name
    if not (folder / TRUTH).exists():
        (folder / "images").mkdir(parents=True, exist_ok=True)
        write(folder, draw(COMPOSITES[name], seed))
    return folder


def write(
    folder: Path, drawn: Iterator[tuple[UInt8[np.ndarray, "h w 3"], Float[np.ndarray, "_ 4"]]]
) -> None:
    """PNG files, then the truth: a folder that has it is complete."""
    images, annotations = [], []
    for index, (pixels, boxes) in enumerate(drawn):
        name = f"images/{index:04}.png"
        Image.fromarray(pixels).save(folder / name)
        height, width = pixels.shape[:2]
        images.append({"id": index, "file_name": name, "width": width, "height": height})
        for x0, y0, x1, y1 in boxes.tolist():
            box = [x0, y0, x1 - x0, y1 - y0]
            own = {"id": len(annotations), "image_id": index, "category_id": 1, "iscrowd": 0}
            annotations.append({**own, "bbox": box, "area": box[2] * box[3]})
    categories = [{"id": 1, "name": "rosette"}]
    content = {"images": images, "annotations": annotations, "categories": categories}
    write_json(folder / TRUTH, content)


def draw(
    composites: Composites, seed: int
) -> Iterator[tuple[UInt8[np.ndarray, "h w 3"], Float[np.ndarray, "_ 4"]]]:
    """Each image, 0–255, and the boxes of its objects in pixels.

    A box is the exact extent of an object, also where another is pasted over it.
    """
    first, *streams = np.random.default_rng(seed).spawn(1 + composites.images)
    kind = np.stack([random_colour(first), random_colour(first)])
    grid = (np.arange(SIDE) + 0.5) / SIDE
    x, y = np.meshgrid(grid, grid)
    low, high = composites.counts
    for random in streams:
        image = (_plain if composites.plain else background)(random, x, y)
        objects: list[_Object] = []
        for _ in range(random.integers(low, high + 1)):
            objects.append(_placed(random, composites, objects))
        for own in objects:
            colours = np.stack([random_colour(random), random_colour(random)])
            if composites.one_kind:
                colours = (kind + random.normal(0.0, VARIED, kind.shape)).clip(0.0, 1.0)
            _paste(image, own, colours)
        boxes = np.array([own.box for own in objects]).reshape(-1, 4)
        yield with_noise(random, image), boxes * SIDE


def _plain(
    random: np.random.Generator, x: Float[np.ndarray, "h w"], y: Float[np.ndarray, "h w"]
) -> Float[np.ndarray, "h w 3"]:
    """A random colour (0–1) with a slight slope."""
    along = random.normal(0.0, VARIED, (2, 3))
    return random_colour(random) + x[..., None] * along[0] + y[..., None] * along[1]


def _placed(
    random: np.random.Generator, composites: Composites, others: Sequence[_Object]
) -> _Object:
    """A further object within the image, which overlaps no other one by more than `OVERLAP`."""
    boxes = np.array([other.box for other in others]).reshape(-1, 4)
    while True:
        rosette = Rosette.draw(random, composites.depth)
        scale = composites.side(random) / np.sqrt(rosette.extent.prod())
        extent = scale * rosette.extent
        if extent.max() > LONGEST:
            continue
        corner = random.uniform(0.0, 1.0 - extent)
        if others and random.random() < BESIDE:
            x0, y0, x1, y1 = boxes[random.integers(len(boxes))]
            angle, apart = random.uniform(0.0, 2.0 * np.pi), random.uniform(*APART)
            reach = apart * (np.array([x1 - x0, y1 - y0]) + extent) / 2.0
            centre = np.array([x0 + x1, y0 + y1]) / 2.0 + reach * [np.cos(angle), np.sin(angle)]
            corner = centre - extent / 2.0
        box = np.concatenate([corner, corner + extent])
        overlaps = iou(np.tile(box, (len(boxes), 1)), boxes)
        if box.min() >= 0.0 and box.max() <= 1.0 and overlaps.max(initial=0.0) <= OVERLAP:
            return _Object(rosette, corner, scale)


def _paste(
    image: Float[np.ndarray, "h w 3"], own: _Object, colours: Float[np.ndarray, "2 3"]
) -> None:
    """Paint an object on an image (0–1). Pixels along its outline are partly covered."""
    x0, y0 = np.floor(own.box[:2] * SIDE).astype(int)
    x1, y1 = np.ceil(own.box[2:] * SIDE).astype(int)
    fine = SIDE * SUPERSAMPLING
    x, y = np.meshgrid(
        (np.arange(x0 * SUPERSAMPLING, x1 * SUPERSAMPLING) + 0.5) / fine,
        (np.arange(y0 * SUPERSAMPLING, y1 * SUPERSAMPLING) + 0.5) / fine,
    )
    inside, rings = own.rosette.at(x, y, own.corner, own.scale)
    squares = (y1 - y0, SUPERSAMPLING, x1 - x0, SUPERSAMPLING)
    parts = [(inside & ~rings), (inside & rings)]
    petal, ring = (part.reshape(squares).mean(axis=(1, 3))[..., None] for part in parts)
    there = image[y0:y1, x0:x1]
    there *= 1.0 - petal - ring
    there += petal * colours[0] + ring * colours[1]


if __name__ == "__main__":
    sys.exit(main())
