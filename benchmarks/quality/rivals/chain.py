"""ganloc's chain, stage by stage: seeds, and the students that learn from them.

All stages of one set and seed share one discriminator (`trained`), and one training of students.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from rivals import trained
from rivals.setting import Setting

from ganloc.images.pictures import Pictures, checksum
from ganloc.model import Model
from ganloc.recipes import Recipe, make_recipe
from ganloc.student.network import Student
from ganloc.student.rounds import student_boxes, students
from ganloc.student.seeds import Seeder

ARM = "border"


@dataclass
class _Taught:
    """The students so far of one source of seeds, and the minutes until each was ready."""

    rounds: Iterator[Student]
    students: list[Student] = field(default_factory=list)
    minutes: list[float] = field(default_factory=list)

    def student(self, number: int) -> Student:
        """Of round `number`, counted from 1."""
        while len(self.students) < number:
            began = time.perf_counter()
            self.students.append(next(self.rounds))
            spent = (time.perf_counter() - began) / 60.0
            self.minutes.append(sum(self.minutes[-1:]) + spent)
        return self.students[number - 1]


_known: dict[tuple[str, int, str], tuple[int, _Taught]] = {}


def boxes(train: Pictures, test: Pictures, setting: Setting, seeds: str, rounds: int) -> np.ndarray:
    """Of the student after so many rounds; of the seeds themselves where that is 0."""
    if rounds == 0:
        model = _model(train, setting)
        found = Seeder(model.discriminator, model.fitted, train.pixels, seeds).boxes(test.pixels)
    else:
        found = student_boxes(_taught(train, setting, seeds).student(rounds), test.pixels)
    return found * np.tile(test.sizes, 2)


def minutes_before(setting: Setting, seeds: str, rounds: int) -> float:
    """What discriminator and students took, as far as they are found finished."""
    minutes = trained.minutes_before(setting, ARM)
    _, taught = _known.get(_key(setting, seeds), (0, None))
    if taught is not None:
        minutes += sum(taught.minutes[:rounds][-1:])
    return minutes


def recipe_of(seeds: str, size: int, seed: int) -> Recipe:
    """The default preset's student on these seeds."""
    return make_recipe("border", size=size, seeds=seeds, seed=seed)


def _key(setting: Setting, seeds: str) -> tuple[str, int, str]:
    return setting.set_name, setting.seed, seeds


def _taught(train: Pictures, setting: Setting, seeds: str) -> _Taught:
    key, pictures = _key(setting, seeds), checksum(train)
    if _known.get(key, (None, None))[0] != pictures:
        model = _model(train, setting)
        recipe = recipe_of(seeds, train.size, setting.seed)
        rounds = students(model.discriminator, model.fitted, train.pixels, recipe, lambda *_: None)
        _known[key] = pictures, _Taught(rounds)
    return _known[key][1]


def _model(train: Pictures, setting: Setting) -> Model:
    return trained.model(train, setting, ARM).to(setting.device)
