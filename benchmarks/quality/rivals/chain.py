"""ganloc's chain, stage by stage: seeds, and the students that learn from them.

All stages of one set and seed share one discriminator, and those of one source of seeds share one
training of students. Each row pays for what it shares.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from rivals import trained
from rivals.setting import Setting

from ganloc.images.image_set import ImageSet, checksum
from ganloc.images.source import look_closer
from ganloc.model import Model
from ganloc.recipes import Recipe, make_recipe
from ganloc.student.pseudo_boxes import PseudoBoxFinder
from ganloc.student.refine import refine_boxes
from ganloc.student.self_training import student_boxes, students
from ganloc.student.unet import UNet

ARM = "pretext"


@dataclass
class _Taught:
    """What is known of one set and seed, and the minutes that it took.

    Attributes:
        checksum: of the training images.
        model: the discriminator.
        minutes: until it was ready.
        rounds: by source of seeds, what teaches the next student.
        students: by source of seeds, those of the rounds so far.
        spent: by source of seeds, the minutes of each of these rounds.
    """

    checksum: int
    model: Model
    minutes: float
    rounds: dict[str, Iterator[UNet]] = field(default_factory=dict)
    students: dict[str, list[UNet]] = field(default_factory=dict)
    spent: dict[str, list[float]] = field(default_factory=dict)


_known: dict[tuple[str, int, int], _Taught] = {}  # by set, seed and size


def boxes(
    train: ImageSet, test: ImageSet, setting: Setting, pseudo_boxes: str, rounds: int
) -> np.ndarray:
    """Of the student after so many rounds; of the seeds themselves where that is 0."""
    taught, scale = _taught(train, setting), np.tile(test.sizes, 2)
    model = taught.model
    if rounds == 0:
        seeder = PseudoBoxFinder(model.discriminator, model.statistics, train.pixels, pseudo_boxes)
        return seeder.boxes(test.pixels) * scale
    known, spent = taught.students.setdefault(pseudo_boxes, []), taught.spent
    if not known:
        recipe = recipe_of(pseudo_boxes, train.size, setting.seed)
        taught.rounds[pseudo_boxes] = students(
            model.discriminator, model.statistics, train.pixels, recipe, lambda *_: None
        )
    while len(known) < rounds:
        began = time.perf_counter()
        known.append(next(taught.rounds[pseudo_boxes]))
        spent.setdefault(pseudo_boxes, []).append((time.perf_counter() - began) / 60.0)
    return student_boxes(known[rounds - 1], test.pixels) * scale


def boxes_looked_at_again(
    train: ImageSet, test: ImageSet, setting: Setting, pseudo_boxes: str, rounds: int
) -> np.ndarray:
    """Of the student once it has looked again at each box's surroundings in the original."""
    found = boxes(train, test, setting, pseudo_boxes, rounds)
    student = _taught(train, setting).students[pseudo_boxes][rounds - 1]
    scale = np.tile(test.sizes, 2)
    with look_closer(str(setting.originals), test) as crop_reader:
        assert crop_reader is not None
        return refine_boxes(student, found / scale, test.sizes, crop_reader) * scale


def minutes_before(setting: Setting, pseudo_boxes: str, rounds: int, size: int) -> float:
    """What the discriminator and the students took, as far as they are there already."""
    taught = _known.get((setting.set_name, setting.seed, size))
    if taught is None:
        return trained.minutes_before(setting, ARM, size)
    return taught.minutes + sum(taught.spent.get(pseudo_boxes, [])[:rounds])


def recipe_of(pseudo_boxes: str, size: int, seed: int) -> Recipe:
    """The default preset, with its student on these first boxes."""
    return make_recipe("default", size=size, pseudo_boxes=pseudo_boxes, seed=seed)


def _taught(train: ImageSet, setting: Setting) -> _Taught:
    key, images = (setting.set_name, setting.seed, train.size), checksum(train)
    if key not in _known or _known[key].checksum != images:
        minutes, began = trained.minutes_before(setting, ARM, train.size), time.perf_counter()
        model = trained.model(train, setting, ARM).to(setting.device)
        _known[key] = _Taught(images, model, minutes + (time.perf_counter() - began) / 60.0)
    return _known[key]
