"""How a student learns from boxes, and how its soft masks are read."""

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
RATE = 2e-3  # the highest of a one-cycle schedule
DECAY = 0.01
THRESHOLD = 0.6  # ratio of its maximum at which a soft mask is cut to a box


def new_student(size: int, width: int, seed: int, device: torch.device) -> UNet:
    """A student with random weights, the same on every device."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)  # the CPU's alone
        return UNet(size, width).to(device)


def train_student(
    student: UNet,
    pixels: UInt8[np.ndarray, "n size size 3"],
    boxes: Float[np.ndarray, "n 4"],
    iterations: int,
    seed: int,
) -> Iterator[float]:
    """Train it on the filled boxes, in random views and colours, yielding every step's loss.

    The student cannot learn errors of the boxes that nothing in the images tells. Random views make
    it independent of place and size. At the end it is in evaluation mode.

    Args:
        student: of the images' size.
        pixels: RGB, 0–255.
        boxes: xyxy in fractions of the image.
        iterations: at least 1.
        seed: of views, colours and the images' order.
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
    """How likely each pixel lies in the object's box, 0–1: the mean of an image and its mirror.

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
