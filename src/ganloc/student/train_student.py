"""Training a student on boxes, and its soft masks."""

from collections.abc import Callable, Generator, Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, interpolate

from ganloc.box.from_heatmap import boxes_from_heatmaps
from ganloc.images.augment import colour_axes, recolour
from ganloc.images.batches import CUT, batch_indices, batched, to_tensor
from ganloc.shapes import Float, Int, UInt8
from ganloc.student.optimise import optimise
from ganloc.student.random_views import Views, filled_boxes
from ganloc.student.unet import UNet
from ganloc.tensors import seeded

BATCH = 32
RATE = 2e-3  # peak learning rate of the one-cycle schedule
THRESHOLD = 0.6  # ratio of the maximum at which a soft mask is cut to a box


def new_student(size: int, width: int, seed: int, device: torch.device) -> UNet:
    """A student with random weights, drawn from `seed`. They are equal on every device."""
    with seeded(seed):
        return UNet(size, width).to(device)


def train_student(
    student: UNet,
    pixels: UInt8[np.ndarray, "n size size 3"],
    boxes: Float[np.ndarray, "n *k 4"],
    iterations: int,
    seed: int,
    batch: int = BATCH,
    rate: float = RATE,
    draw: Callable[[int], Int[np.ndarray, " batch"]] | None = None,
) -> Generator[float]:
    """Train a student on filled boxes, yielding the loss of every step.

    Images are shown in random views, so that boxes do not depend on place and size, and in random
    colours. The student is in evaluation mode at the end.

    Args:
        student: changed in place.
        pixels: RGB, 0–255, of the student's size.
        boxes: xyxy in fractions of the image; one box an image, or several, of which those without
            area do not count.
        iterations: training steps, at least 1.
        seed: of views, colours and the order of the images.
        batch: images a step.
        rate: peak learning rate.
        draw: for a step, counted from 0, the indices of its images. By default all images come
            equally often.
    """
    device = next(student.parameters()).device
    random = torch.Generator(device).manual_seed(seed)
    axes = colour_axes(pixels).to(device)
    corners = torch.from_numpy(boxes).float()

    def loss_of(step: int) -> Float[Tensor, ""]:
        chosen = draw(step) if draw else batch_indices(len(pixels), batch, seed, step)
        views = Views.draw(batch, random)
        shown = recolour(views.of(to_tensor(pixels[chosen], device)), axes, random)
        masks = _masks(corners[chosen].to(device), student.size)
        target = views.of(masks[:, None])[:, 0]
        logits = interpolate(student(shown)[:, None], size=target.shape[1:], mode="bilinear")
        return binary_cross_entropy_with_logits(logits[:, 0], target)

    yield from optimise(student, iterations, rate, loss_of)


def padded(boxes: Sequence[Float[np.ndarray, "_ 4"]]) -> Float[np.ndarray, "n k 4"]:
    """As many boxes for each image, at least one; the added ones have no area."""
    rows = np.zeros((len(boxes), max(1, *map(len, boxes)), 4))
    for index, own in enumerate(boxes):
        rows[index, : len(own)] = own
    return rows


def _masks(corners: Float[Tensor, "n *k 4"], size: int) -> Float[Tensor, "n size size"]:
    """1 within any box of an image, else 0."""
    if corners.ndim == 2:
        return filled_boxes(corners, size)
    filled = filled_boxes(corners.flatten(0, 1), size)
    return filled.unflatten(0, corners.shape[:2]).amax(dim=1)


@torch.no_grad()
def soft_masks(
    student: UNet, pixels: UInt8[np.ndarray, "n size size 3"]
) -> Float[np.ndarray, "n size size"]:
    """The probability that each pixel lies in the object's box, 0–1.

    It is the mean over an image and its mirror image.

    Args:
        student: in evaluation mode.
        pixels: RGB, 0–255, of the student's size.
    """
    device = next(student.parameters()).device
    found = np.empty(pixels.shape[:3], np.float32)
    for part in batched(len(pixels)):
        images = to_tensor(pixels[part], device)
        mirrored = student(images.flip(3)).sigmoid().flip(2)
        masks = (student(images).sigmoid() + mirrored) / 2.0
        full = interpolate(masks[:, None], size=images.shape[2:], mode="bilinear")
        found[part] = full[:, 0].cpu().numpy()
    return found


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
