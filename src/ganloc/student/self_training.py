"""The whole of self-training: seeds, a student, and students of students."""

from collections.abc import Callable, Iterator

import numpy as np

from ganloc.box.from_heatmap import boxes_from_heatmaps
from ganloc.discriminator.networks import Discriminator
from ganloc.heatmap.feature_statistics import FeatureStatistics
from ganloc.images.image_set import spread_over
from ganloc.recipes import Recipe
from ganloc.shapes import Float, UInt8
from ganloc.student.pseudo_boxes import PseudoBoxFinder
from ganloc.student.train_student import READ, THRESHOLD, new_student, soft_masks, train_student
from ganloc.student.unet import UNet

IMAGES = 10_000  # more than a student can see often


def self_train(
    discriminator: Discriminator,
    statistics: FeatureStatistics,
    pixels: UInt8[np.ndarray, "n size size 3"],
    recipe: Recipe,
    progress: Callable[[int, float], None],
) -> UNet:
    """The student of the last of `recipe.student_rounds` rounds (arguments as in `students`)."""
    *_, student = students(discriminator, statistics, pixels, recipe, progress)
    return student


def students(
    discriminator: Discriminator,
    statistics: FeatureStatistics,
    pixels: UInt8[np.ndarray, "n size size 3"],
    recipe: Recipe,
    progress: Callable[[int, float], None],
) -> Iterator[UNet]:
    """The student of each round, frozen.

    The first round learns from the seeds. What its student could not tell from the images has
    averaged out of its boxes, so that they are better than the seeds and the next round starts from
    them, with new weights.

    Args:
        discriminator: in evaluation mode, its batch norm (if any) calibrated on real images.
        fitted: what its readings know of the images.
        pixels: RGB, 0–255; students see up to `IMAGES` of them, evenly over the set.
        recipe: of `pixels`' size; its student's settings are for here.
        watch: called after every iteration with their number, over all rounds, and the loss.
    """
    device = next(discriminator.parameters()).device
    pixels = spread_over(pixels, IMAGES)
    student, done = None, 0
    for number in range(recipe.student_rounds):
        if student is None:
            boxes = PseudoBoxFinder(discriminator, statistics, pixels, recipe.pseudo_boxes).boxes(
                pixels
            )
        else:
            boxes = student_boxes(student, pixels)
        # Rounds of one recipe share no chance with those of another whose seed is the next.
        seed = (recipe.seed * recipe.student_rounds + number) % 2**63
        student = new_student(recipe.size, recipe.student_width, seed, device)
        for loss in train_student(student, pixels, boxes, recipe.student_iterations, seed):
            done += 1
            progress(done, loss)
        yield student.requires_grad_(False)


def student_boxes(
    student: UNet, pixels: UInt8[np.ndarray, "n size size 3"]
) -> Float[np.ndarray, "n 4"]:
    """The box of each soft mask, xyxy, half-open, in fractions of the image."""
    parts = []
    for start in range(0, len(pixels), READ):  # so that a large set needs no large memory
        masks = soft_masks(student, pixels[start : start + READ])
        unit = np.ones((len(masks), 2), dtype=int)
        parts.append(boxes_from_heatmaps(masks, student.size, unit, THRESHOLD))
    return np.concatenate(parts)
