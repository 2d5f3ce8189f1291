"""Training a student on boxes, and its soft masks."""

from collections.abc import Iterator

import numpy as np
import torch
from torch.nn.functional import binary_cross_entropy_with_logits, interpolate
from torch.optim import AdamW
from torch.optim.lr_scheduler import OneCycleLR

from ganloc.images.augment import colour_axes, recolour
from ganloc.images.batches import batch_indices, batched, to_tensor
from ganloc.shapes import Float, UInt8
from ganloc.student.random_views import Views, filled_boxes
from ganloc.student.unet import UNet

BATCH = 32
RATE = 2e-3  # peak learning rate of the one-cycle schedule
DECAY = 0.01  # weight decay
THRESHOLD = 0.6  # ratio of the maximum at which a soft mask is cut to a box


def new_student(size: int, width: int, seed: int, device: torch.device) -> UNet:
    """A student with random weights, drawn from `seed`. They are equal on every device."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)  # leaves the GPU's generator alone
        return UNet(size, width).to(device)


def train_student(
    student: UNet,
    pixels: UInt8[np.ndarray, "n size size 3"],
    boxes: Float[np.ndarray, "n 4"],
    iterations: int,
    seed: int,
) -> Iterator[float]:
    """Train a student on filled boxes, yielding the loss of every step.

    Images are shown in random views, so that boxes do not depend on place and size, and in random
    colours. The student is in evaluation mode at the end.

    Args:
        student: changed in place.
        pixels: RGB, 0–255, of the student's size.
        boxes: xyxy in fractions of the image.
        iterations: training steps, at least 1.
        seed: of views, colours and the order of the images.
    """
    device = next(student.parameters()).device
    random = torch.Generator(device).manual_seed(seed)
    axes = colour_axes(pixels).to(device)
    corners = torch.from_numpy(boxes).float()
    optimiser = AdamW(student.parameters(), RATE, weight_decay=DECAY)
    schedule = OneCycleLR(optimiser, RATE, total_steps=iterations)
    student.train()
    for iteration in range(iterations):
        chosen = batch_indices(len(pixels), BATCH, seed, iteration)
        views = Views.draw(BATCH, random)
        shown = recolour(views.of(to_tensor(pixels[chosen], device)), axes, random)
        masks = filled_boxes(corners[chosen].to(device), student.size)
        target = views.of(masks[:, None])[:, 0]
        logits = interpolate(student(shown)[:, None], size=target.shape[1:], mode="bilinear")
        loss = binary_cross_entropy_with_logits(logits[:, 0], target)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
        yield loss.item()
    student.eval()


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
