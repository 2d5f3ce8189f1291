"""The whole of self-training: seeds, a student, and students of students."""

from collections.abc import Callable, Iterator

import numpy as np

from ganloc.adversary.networks import Discriminator
from ganloc.box.from_heatmap import boxes_from_heatmaps
from ganloc.heatmap.fitted import Fitted
from ganloc.images.pictures import spread_over
from ganloc.recipes import Recipe
from ganloc.shapes import Float, UInt8
from ganloc.student.learning import READ, THRESHOLD, new_student, soft_masks, teach
from ganloc.student.network import Student
from ganloc.student.seeds import Seeder

PICTURES = 10_000  # more than a student can see often


def self_train(
    discriminator: Discriminator,
    fitted: Fitted,
    pixels: UInt8[np.ndarray, "n size size 3"],
    recipe: Recipe,
    watch: Callable[[int, float], None],
) -> Student:
    """The student of the last of `recipe.student_rounds` rounds (arguments as in `students`)."""
    *_, student = students(discriminator, fitted, pixels, recipe, watch)
    return student


def students(
    discriminator: Discriminator,
    fitted: Fitted,
    pixels: UInt8[np.ndarray, "n size size 3"],
    recipe: Recipe,
    watch: Callable[[int, float], None],
) -> Iterator[Student]:
    """The student of each round, frozen.

    The first round learns from the seeds. What its student could not tell from the pictures has
    averaged out of its boxes, so that they are better than the seeds and the next round starts from
    them, with new weights.

    Args:
        discriminator: in evaluation mode, its batch norm (if any) calibrated on real pictures.
        fitted: what its readings know of the pictures.
        pixels: RGB, 0–255; students see up to `PICTURES` of them, evenly over the set.
        recipe: of `pixels`' size; its student's settings are for here.
        watch: called after every iteration with their number, over all rounds, and the loss.
    """
    device = next(discriminator.parameters()).device
    pixels = spread_over(pixels, PICTURES)
    student, done = None, 0
    for number in range(recipe.student_rounds):
        if student is None:
            boxes = Seeder(discriminator, fitted, pixels, recipe.first_boxes).boxes(pixels)
        else:
            boxes = student_boxes(student, pixels)
        # Rounds of one recipe share no chance with those of another whose seed is the next.
        seed = (recipe.seed * recipe.student_rounds + number) % 2**63
        student = new_student(recipe.size, recipe.student_width, seed, device)
        for loss in teach(student, pixels, boxes, recipe.student_iterations, seed):
            done += 1
            watch(done, loss)
        yield student.requires_grad_(False)


def student_boxes(
    student: Student, pixels: UInt8[np.ndarray, "n size size 3"]
) -> Float[np.ndarray, "n 4"]:
    """The box of each soft mask, xyxy, half-open, in fractions of the picture."""
    parts = []
    for start in range(0, len(pixels), READ):  # so that a large set needs no large memory
        masks = soft_masks(student, pixels[start : start + READ])
        unit = np.ones((len(masks), 2), dtype=int)
        parts.append(boxes_from_heatmaps(masks, student.size, unit, THRESHOLD))
    return np.concatenate(parts)
