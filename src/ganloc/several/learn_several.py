"""Learning to find any number of objects: without labels, and from images whose objects are drawn.

    pseudo-instances → finder → its objects → next finder

Where a set holds several objects an image, the first finder learns the clear instances
(pseudo_instances.py) and collages of them; else it learns one box an image, those of the default.
Errors that do not depend on the image cannot be learned, so each finder teaches the next.
"""

import copy
import warnings
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch
from scipy import ndimage

from ganloc.errors import Notice
from ganloc.images.image_set import ImageSet, every_nth
from ganloc.recipes import Recipe
from ganloc.several.collages import with_collages
from ganloc.several.finder import LEAST, Finder, Objects, find, new_finder
from ganloc.several.kind import Kind
from ganloc.several.pseudo_instances import (
    WORK,
    PseudoInstances,
    holds_several,
    pseudo_instances,
)
from ganloc.several.resized import resized, resized_masks
from ganloc.several.train_finder import BATCH, Lesson, train_finder
from ganloc.shapes import Bool, Float, Int, UInt8
from ganloc.student.hinted import Hinted
from ganloc.student.learn_hints import checksums
from ganloc.student.optimise import CountedSteps
from ganloc.student.score import PlattScaling
from ganloc.wording import either

COLLAGES = 2  # of each image
UNSURE = 0.15  # height of a centre from which nothing is taught, and from LEAST an object
AROUND = 2  # pixels around foreground where nothing is taught either
DRAWN_STEPS, DRAWN_BATCH, DRAWN_RATE = 250, 8, 1e-3  # of the finder that learns drawn images alone
FINAL_STEPS = 500  # of the finder that learns drawn and other images
STEPS_OF_HINTS = DRAWN_STEPS + FINAL_STEPS
LOWEST, HIGHEST = 0.4, 0.6  # of the height from which centres count: counts of few images vary
MOST = 2000  # images that finders learn from, at most: they are kept at `WORK` pixels


def fit_several(
    pixels: UInt8[np.ndarray, "n size size 3"],
    one_each: Callable[[], Float[np.ndarray, "n 4"]],
    recipe: Recipe,
    device: torch.device,
    after_step: Callable[[int, float], None] = lambda done, loss: None,
) -> Iterator[Finder]:
    """Train a finder in each round and yield it.

    Args:
        pixels: RGB, 0–255, of the finder's size or twice as large: instances that are cut from
            `WORK` pixels have better boxes.
        one_each: gives a box an image, xyxy in fractions of it, for sets without several objects.
        recipe: gives size, width, iterations, rounds and seed of the finders, those of students.
        device: where to train.
        after_step: called after every training step with the number of steps and the loss.
    """
    found, radius = pseudo_instances(pixels)
    kind = None
    if several := holds_several(found, radius):
        kind = Kind.of(pixels, found)
        lesson = clear_ones(pixels, found, kind)
    else:
        warnings.warn(
            "Colours show no several objects an image, so one an image is taught: draw all objects "
            f"in ten images ({either('ganloc finetune --hints', 'finetune')}).",
            Notice,
            stacklevel=2,
        )
        nothing = np.zeros(pixels.shape[:3], bool)
        lesson = Lesson(pixels, list(one_each()[:, None]), nothing)
    counted = CountedSteps(after_step)
    size, rounds = recipe.size, recipe.student_rounds
    for number in range(rounds):
        own = (recipe.seed * rounds + number) % 2**63
        finder = new_finder(size, recipe.student_width, own, device)
        shown = _with_collages(lesson, own) if several else lesson
        counted.run(train_finder(finder, shown.at(size), recipe.student_iterations, own))
        yield finder.requires_grad_(False)
        if number + 1 < rounds:
            lesson = taught_by(find(finder, resized(pixels, size), UNSURE), pixels, kind)


def learn_drawn(
    finder: Finder,
    pixels: UInt8[np.ndarray, "n size size 3"],
    drawn: Int[np.ndarray, " k"],
    boxes: Sequence[Float[np.ndarray, "_ 4"]],
    iterations: int,
    seed: int,
    after_step: Callable[[int, float], None] = lambda done, loss: None,
) -> Finder:
    """Train a finder on a few images all of whose objects are drawn, and on the rest of the set.

    A copy of the label-free finder learns the drawn images alone. It labels the rest, and a new
    finder learns both, half and half. A centre then counts from the height at which the rest of the
    images hold as many objects as the drawn ones on average, within `LOWEST` and `HIGHEST`.

    Args:
        finder: the label-free one.
        pixels: all images of the set, RGB, 0–255, of the finder's size.
        drawn: indices of the drawn images, at least one.
        boxes: of each drawn image, xyxy in fractions of it; none means "no object".
        iterations: training steps of the last finder.
        seed: of weights, views and the order of the images.
        after_step: called after every training step with the number of steps and the loss.
    """
    device = next(finder.parameters()).device
    teacher = copy.deepcopy(finder).requires_grad_(True)
    nothing = np.zeros(pixels.shape[:3], bool)
    alone, counted = Lesson(pixels[drawn], boxes, nothing[drawn]), CountedSteps(after_step)
    counted.run(train_finder(teacher, alone, DRAWN_STEPS, seed, DRAWN_BATCH, DRAWN_RATE))
    lesson = taught_by(find(teacher, pixels, UNSURE), pixels)
    every, unknown = list(lesson.boxes), lesson.unknown.copy()
    for index, own in zip(drawn, boxes, strict=True):
        every[index], unknown[index] = own, False
    rest = np.setdiff1d(np.arange(len(pixels)), drawn)
    random = np.random.default_rng(seed)

    def draw(step: int) -> Int[np.ndarray, " batch"]:
        own = BATCH // 2 if len(rest) else BATCH
        others = random.choice(rest, BATCH - own) if len(rest) else rest
        return np.concatenate([random.choice(drawn, own), others])

    last = new_finder(finder.size, finder.width, seed, device)
    both = Lesson(pixels, every, unknown)
    counted.run(train_finder(last, both, iterations, seed, draw=draw))
    if len(rest):
        mean = sum(map(len, boxes)) / len(drawn)
        height = _height_of(find(last, pixels[rest], 0.05), mean * len(rest))
        last.least.fill_(min(max(height, LOWEST), HIGHEST))
    return last.requires_grad_(False)


def learn_hints_of_several(
    images: ImageSet,
    hints: ImageSet,
    finder: Finder,
    seed: int,
    after_step: Callable[[int, float], None],
) -> Hinted:
    """Train a finder on hints, all of whose objects are drawn, and on the other images.

    How good it will be is not measured.

    Args:
        images: the set.
        hints: images of it with the boxes that were drawn as truth; none means "no object".
        finder: the label-free one.
        seed: as for `learn_drawn`, and `after_step` too.
    """
    places = {name: index for index, name in enumerate(images.names)}
    known = np.array([places[name] for name in hints.names])
    rest = every_nth(np.setdiff1d(np.arange(len(images)), known), MOST)
    pixels = np.concatenate([images.pixels[known], images.pixels[rest]])
    drawn, boxes = np.arange(len(known)), hints.truth_in_fractions()
    learned = learn_drawn(finder, pixels, drawn, boxes, FINAL_STEPS, seed, after_step)
    checks = tuple(checksums(hints.pixels))
    return Hinted(learned, hints.names, checks, (), (), (), PlattScaling())


def _with_collages(lesson: Lesson, seed: int) -> Lesson:
    """Collages are made of images of at least `WORK` pixels, so that boxes are exact."""
    return with_collages(lesson.at(max(lesson.pixels.shape[1], WORK)), COLLAGES, seed)


def clear_ones(
    pixels: UInt8[np.ndarray, "n size size 3"], found: Sequence[PseudoInstances], kind: Kind
) -> Lesson:
    """The clear instances of the set's kind. Clear ones of another kind are taught as background.

    Nothing is taught about the rest of the foreground.
    """
    boxes, unknown = [], []
    for index, own in enumerate(found):
        hidden = ndimage.binary_dilation(own.foreground, iterations=AROUND)
        clear = own.boxes[own.clear]
        _fill(hidden, clear, False)
        boxes.append(clear[kind.alike(index, clear)])
        unknown.append(hidden)
    hidden = resized_masks(np.stack(unknown), pixels.shape[1])
    return Lesson(pixels, boxes, hidden)


def taught_by(
    objects: Objects, pixels: UInt8[np.ndarray, "n size size 3"], kind: Kind | None = None
) -> Lesson:
    """What a finder found, for the next one. Nothing is taught where the finder was unsure.

    Objects of another kind are taught as background.
    """
    boxes, unknown = [], np.zeros(pixels.shape[:3], bool)
    for index, hidden in enumerate(unknown):
        own, sure = objects.boxes[objects.of(index)], objects.centres[objects.of(index)] >= LEAST
        alike = np.ones(len(own), bool) if kind is None else kind.alike(index, own)
        _fill(hidden, own[alike & ~sure], True)
        _fill(hidden, own[alike & sure], False)
        boxes.append(own[alike & sure])
    return Lesson(pixels, boxes, unknown)


def _height_of(objects: Objects, count: float) -> float:
    """The height of a centre above which there are about so many objects."""
    heights = np.sort(objects.centres)[::-1]
    at = min(len(heights), max(1, round(count)))
    return float(heights[at - 1]) if len(heights) else LEAST


def _fill(
    mask: Bool[np.ndarray, "size size"], boxes: Float[np.ndarray, "k 4"], value: bool
) -> None:
    for x0, y0, x1, y1 in (boxes * len(mask)).round().astype(int):
        mask[y0:y1, x0:x1] = value
