"""ganloc's method stage by stage: pseudo-boxes, and the students that learn from them.

All stages of one set and seed share one discriminator, and those of one source of pseudo-boxes
share the training of their students. The minutes of each row include what it shares.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np
from rivals import squeezenet, trained
from rivals.setting import Setting

from ganloc.heatmap.ddt import feature_heatmaps
from ganloc.images.gather import crop_reader
from ganloc.images.image_set import ImageSet, every_nth
from ganloc.model import Model
from ganloc.recipes import Recipe, make_recipe
from ganloc.student import self_training
from ganloc.student.close_ups import look_closer
from ganloc.student.pseudo_boxes import PseudoBoxFinder
from ganloc.student.refine import CLOSE_LOOKS, LOOKS, Looks, refine_boxes
from ganloc.student.self_training import self_train
from ganloc.student.train_student import student_boxes
from ganloc.student.unet import UNet

ARM = "pretext"
FEATURES = "features"  # a source: the default's, joined with SqueezeNet's features
LAYER = "fire9"


class Students:
    """The students of self-training; each round is trained once, when it is first asked for.

    Attributes:
        minutes: what each round has taken so far.
    """

    def __init__(self, rounds: Iterator[UNet]):
        self.minutes: list[float] = []
        self._rounds = rounds
        self._students: list[UNet] = []

    def after(self, rounds: int) -> UNet:
        """The student after so many rounds, at least 1."""
        while len(self._students) < rounds:
            began = time.perf_counter()
            self._students.append(next(self._rounds))
            self.minutes.append((time.perf_counter() - began) / 60.0)
        return self._students[rounds - 1]


@dataclass
class _Shared:
    """What the stages of one set, seed and size share.

    Attributes:
        checksum: of the training images.
        model: the discriminator.
        minutes: what it took.
        students: by source of pseudo-boxes.
        looks: likewise, how students after the first look at crops.
    """

    checksum: int
    model: Model
    minutes: float
    students: dict[str, Students] = field(default_factory=dict)
    looks: dict[str, Looks] = field(default_factory=dict)


def boxes(
    train: ImageSet, test: ImageSet, setting: Setting, pseudo_boxes: str, rounds: int
) -> np.ndarray:
    """Of the student after so many rounds; with 0 rounds, the pseudo-boxes themselves."""
    if rounds == 0:
        assert pseudo_boxes != FEATURES  # the student learns from those of the training images
        finder = _finder(_shared(train, setting).model, train, pseudo_boxes)
        return test.in_pixels(finder.boxes(test.pixels))
    student = _student(train, setting, pseudo_boxes, rounds)
    return test.in_pixels(student_boxes(student, test.pixels))


def refined_boxes(
    train: ImageSet, test: ImageSet, setting: Setting, pseudo_boxes: str, rounds: int
) -> np.ndarray:
    """Of the student after so many rounds, refined on crops of the files of `test`."""
    read_crops = crop_reader(test)
    assert read_crops is not None
    student = _student(train, setting, pseudo_boxes, rounds)
    first = student_boxes(student, test.pixels)
    looks = _shared(train, setting).looks[pseudo_boxes] if rounds > 1 else LOOKS
    return test.in_pixels(refine_boxes(student, first, test.sizes, read_crops, looks))


def minutes_before(setting: Setting, pseudo_boxes: str, rounds: int, size: int) -> float:
    """What the discriminator and the students took, as far as they are trained already."""
    shared = setting.shared.get(_key(setting, size))
    if shared is None:
        return trained.minutes_before(setting, ARM, size)
    students = shared.students.get(pseudo_boxes)
    return shared.minutes + (sum(students.minutes[:rounds]) if students else 0.0)


def recipe_of(pseudo_boxes: str, size: int, seed: int) -> Recipe:
    """The default preset, with its student on these pseudo-boxes."""
    given = {"features": LAYER} if pseudo_boxes == FEATURES else {"pseudo_boxes": pseudo_boxes}
    return make_recipe("default", size=size, **given, seed=seed)


def _key(setting: Setting, size: int) -> tuple[str, str, int, int]:
    return "chain", setting.set_name, setting.seed, size


def _shared(train: ImageSet, setting: Setting) -> _Shared:
    key, known = _key(setting, train.size), setting.shared
    if key not in known or known[key].checksum != train.checksum:
        minutes, began = trained.minutes_before(setting, ARM, train.size), time.perf_counter()
        model = trained.model(train, setting, ARM).to(setting.device)
        minutes += (time.perf_counter() - began) / 60.0
        known[key] = _Shared(train.checksum, model, minutes)
    return known[key]


def _student(train: ImageSet, setting: Setting, pseudo_boxes: str, rounds: int) -> UNet:
    shared = _shared(train, setting)
    if pseudo_boxes not in shared.students:
        recipe = recipe_of(pseudo_boxes, train.size, setting.seed)
        trainings, looks = _rounds(shared.model, train, recipe, setting)
        shared.students[pseudo_boxes], shared.looks[pseudo_boxes] = Students(trainings), looks
    return shared.students[pseudo_boxes].after(rounds)


def _rounds(
    model: Model, train: ImageSet, recipe: Recipe, setting: Setting
) -> tuple[Iterator[UNet], Looks]:
    """The students of each round, and how those after the first look at crops."""
    chosen, known = every_nth(np.arange(len(train)), self_training.MOST_IMAGES), None
    shown = train.subset(chosen)
    if recipe.features:
        assert setting.squeezenet is not None
        features = squeezenet.features(setting.squeezenet, setting.device, recipe.features)
        known = feature_heatmaps(features, train, chosen, setting.device)
    finder = _finder(model, train, recipe.pseudo_boxes, known)
    first = finder.boxes(shown.pixels, known)
    closer = look_closer(shown, finder, first)
    rounds = self_train(shown.pixels, first, recipe, model.device, lambda *_: None, closer)
    return rounds, LOOKS if closer is None else replace(CLOSE_LOOKS, sharpened=closer.sharpened)


def _finder(
    model: Model, train: ImageSet, pseudo_boxes: str, known: np.ndarray | None = None
) -> PseudoBoxFinder:
    pixels = every_nth(train.pixels, self_training.MOST_IMAGES)
    return PseudoBoxFinder(model.discriminator, model.statistics, pixels, pseudo_boxes, known)
