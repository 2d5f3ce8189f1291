"""How long a training will take, by timing a few steps of networks that are thrown away."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
import torch

from ganloc.discriminator.train_discriminator import train_discriminator
from ganloc.discriminator.train_state import new_train_state
from ganloc.images.image_set import ImageSet
from ganloc.recipes import Recipe
from ganloc.student.train_student import new_student, train_student

STEPS, SECONDS = 4, 1.0  # are timed at most, after a first one, which is slower
OTHERS = 1.15  # checkpoints and pseudo-boxes, in the time of the steps


@dataclass(frozen=True)
class Duration:
    """Expected seconds of a training.

    Attributes:
        step: of an iteration of the discriminator.
        student_step: of a training step of a student.
        iterations: of the discriminator.

    >>> Duration(step=0.1, student_step=0.2, iterations=100).until(150)
    20.0
    """

    step: float
    student_step: float
    iterations: int

    def until(self, step: int) -> float:
        """Seconds from the start to a step, counted over discriminator and students."""
        of_students = max(0, step - self.iterations)
        return self.step * (step - of_students) + self.student_step * of_students


def measure_duration(images: ImageSet, recipe: Recipe, device: torch.device) -> Duration:
    """Time some steps of a training. The training itself does not change by it.

    Args:
        images: of the recipe's size.
        recipe: of the training.
        device: of the training.
    """
    pixels = np.ascontiguousarray(images.pixels[: recipe.batch])
    state = new_train_state(recipe, device)
    step = _seconds(islice(train_discriminator(state, pixels, recipe), recipe.iterations), device)
    if not recipe.student_iterations:
        return Duration(step * OTHERS, 0.0, recipe.iterations)
    boxes = np.tile([0.2, 0.2, 0.8, 0.8], (len(pixels), 1))
    student = new_student(recipe.size, recipe.student_width, recipe.seed, device)
    # The schedule of the learning rate needs some steps.
    student_step = _seconds(train_student(student, pixels, boxes, 100, recipe.seed), device)
    return Duration(step * OTHERS, student_step * OTHERS, recipe.iterations)


def _seconds(steps: Iterator[Any], device: torch.device) -> float:
    """Median seconds of a step, without the first if there are more."""
    found, start = [], time.perf_counter()
    while len(found) < 1 + STEPS and (len(found) < 2 or sum(found) < SECONDS):
        if next(steps, None) is None:
            break
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        found.append(time.perf_counter() - start - sum(found))
    return float(np.median(found[1:] or found))


def about(seconds: float) -> str:
    """A duration in words.

    >>> [about(seconds) for seconds in (3.0, 44.0, 250.0, 7000.0, 400_000.0)]
    ['about 10 seconds', 'about 40 seconds', 'about 4 minutes', 'about 2 hours', 'about 5 days']
    """
    for length, unit in ((86_400, "days"), (3_600, "hours"), (60, "minutes")):
        if seconds >= 1.5 * length:
            return f"about {seconds / length:.0f} {unit}"
    return f"about {max(1, round(seconds / 10)) * 10} seconds"
