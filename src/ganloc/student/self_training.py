"""Self-training: a student learns the pseudo-boxes, the next student learns that one's boxes."""

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
import torch

from ganloc.images.batches import batch_indices
from ganloc.recipes import Recipe
from ganloc.shapes import Float, Int, UInt8
from ganloc.student.close_ups import CloseUps, LookCloser
from ganloc.student.optimise import CountedSteps
from ganloc.student.train_student import BATCH, new_student, student_boxes, train_student
from ganloc.student.unet import UNet

MOST_IMAGES = 10_000  # at most; a training is too short to see more of them often


def self_train(
    pixels: UInt8[np.ndarray, "n size size 3"],
    boxes: Float[np.ndarray, "n 4"],
    recipe: Recipe,
    device: torch.device,
    after_step: Callable[[int, float], None],
    look_closer: LookCloser | None = None,
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
        look_closer: takes close-ups, half of what later rounds learn from.
    """
    counted, close = CountedSteps(after_step), None
    for number in range(recipe.student_rounds):
        # Rounds of recipes with neighbouring seeds must not share a seed.
        seed = (recipe.seed * recipe.student_rounds + number) % 2**63
        student = new_student(recipe.size, recipe.student_width, seed, device)
        taught = (pixels, boxes) if close is None else _together(pixels, boxes, close)
        draw = None if close is None else partial(_half_close, len(pixels), len(close.pixels), seed)
        counted.run(train_student(student, *taught, recipe.student_iterations, seed, draw=draw))
        yield student.requires_grad_(False)
        if number + 1 < recipe.student_rounds:
            boxes = student_boxes(student, pixels)
            if look_closer:
                boxes, close = look_closer(student, boxes)


def _together(
    pixels: UInt8[np.ndarray, "n size size 3"], boxes: Float[np.ndarray, "n 4"], close: CloseUps
) -> tuple[UInt8[np.ndarray, "m size size 3"], Float[np.ndarray, "m 4"]]:
    return np.concatenate([pixels, close.pixels]), np.concatenate([boxes, close.boxes])


def _half_close(whole: int, close: int, seed: int, step: int) -> Int[np.ndarray, " batch"]:
    """The images of a step: half of them close-ups, which come after the whole images."""
    half = BATCH // 2
    first = batch_indices(whole, BATCH - half, seed, step)
    return np.concatenate([first, whole + batch_indices(close, half, seed, step)])
