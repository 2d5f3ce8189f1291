"""Self-training: a student learns the pseudo-boxes, the next student learns that one's boxes."""

from collections.abc import Callable, Iterator

import numpy as np
import torch

from ganloc.box.from_heatmap import boxes_from_heatmaps
from ganloc.images.batches import CUT, batched
from ganloc.recipes import Recipe
from ganloc.shapes import Float, UInt8
from ganloc.student.train_student import THRESHOLD, new_student, soft_masks, train_student
from ganloc.student.unet import UNet

MOST_IMAGES = 10_000  # at most; a training is too short to see more of them often


def self_train(
    pixels: UInt8[np.ndarray, "n size size 3"],
    boxes: Float[np.ndarray, "n 4"],
    recipe: Recipe,
    device: torch.device,
    after_step: Callable[[int, float], None],
) -> Iterator[UNet]:
    """Train a student in each round and yield it, frozen.

    Errors of the boxes that do not depend on the image cannot be learned, so the boxes of a student
    are usually better than those that it was trained on. The next round trains new weights on them.

    Args:
        pixels: RGB, 0–255, of the recipe's size.
        boxes: pseudo-boxes, xyxy in fractions of the image.
        recipe: gives the settings of the students.
        device: where to train.
        after_step: called after every training step with the number of steps, over all rounds, and
            the loss.
    """
    step = 0
    for number in range(recipe.student_rounds):
        # Rounds of recipes with neighbouring seeds must not share a seed.
        seed = (recipe.seed * recipe.student_rounds + number) % 2**63
        student = new_student(recipe.size, recipe.student_width, seed, device)
        for loss in train_student(student, pixels, boxes, recipe.student_iterations, seed):
            step += 1
            after_step(step, loss)
        yield student.requires_grad_(False)
        if number + 1 < recipe.student_rounds:
            boxes = student_boxes(student, pixels)


def student_boxes(
    student: UNet, pixels: UInt8[np.ndarray, "n size size 3"]
) -> Float[np.ndarray, "n 4"]:
    """The boxes of a student, xyxy, half-open, in fractions of the image.

    Args:
        student: in evaluation mode.
        pixels: RGB, 0–255, of the student's size.
    """
    parts = [
        boxes_from_heatmaps(soft_masks(student, pixels[part]), student.size, THRESHOLD)
        for part in batched(len(pixels), CUT)
    ]
    return np.concatenate(parts)
