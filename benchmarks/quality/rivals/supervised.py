"""A small CNN that learns from the true boxes of all training images: *supervised*."""

import numpy as np
import torch
from rivals.setting import Setting
from torch import Tensor, nn

from ganloc.box.iou import area
from ganloc.images.augment import cut_out
from ganloc.images.batches import batch_indices, batched, to_tensor
from ganloc.images.image_set import ImageSet
from ganloc.metrics.localization import has_truth
from ganloc.shapes import Float, UInt8
from ganloc.student.optimise import optimise
from ganloc.tensors import seeded

WIDTHS = (32, 64, 128, 256)
ITERATIONS = 1000
BATCH = 64
RATE = 2e-3  # the highest of a one-cycle schedule
SHIFT = 1 / 8  # of the side: how far at most an image is moved along each axis


def boxes(
    train: ImageSet, test: ImageSet, setting: Setting, iterations: int = ITERATIONS
) -> np.ndarray:
    """One box an image, regressed; `train` needs truth."""
    network = _trained(train, setting, iterations)
    found = np.empty((len(test), 4))
    with torch.no_grad():
        for part in batched(len(test), BATCH):
            shown = to_tensor(test.pixels[part], setting.device)
            found[part] = corners(network(shown)).clamp(0.0, 1.0).cpu().numpy()
    return test.in_pixels(found)


def _trained(train: ImageSet, setting: Setting, iterations: int) -> nn.Module:
    pixels, truth = labelled(train)
    with seeded(setting.seed):
        network = _new_network(train.size).to(setting.device)

    def loss_of(step: int) -> Float[Tensor, ""]:
        chosen = batch_indices(len(pixels), BATCH, setting.seed, step)
        rng = np.random.default_rng((setting.seed, step, 1))  # (seed, epoch) orders the images
        shown, boxes = moved_and_mirrored(pixels[chosen], truth[chosen], rng)
        target = torch.from_numpy(boxes).float().to(setting.device)
        return box_loss(corners(network(to_tensor(shown, setting.device))), target)

    for _ in optimise(network, iterations, RATE, loss_of):
        pass
    return network


def labelled(train: ImageSet) -> tuple[np.ndarray, np.ndarray]:
    """The images with a true box, and the largest of each in fractions of the image."""
    assert train.truth is not None
    kept = np.flatnonzero(has_truth(train.truth))
    largest = [train.truth[i][area(train.truth[i]).argmax()] for i in kept]
    return train.pixels[kept], np.stack(largest) / np.tile(train.sizes[kept], 2)


def _new_network(size: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for channels, wider in zip((3, *WIDTHS), WIDTHS, strict=False):
        convolution = nn.Conv2d(channels, wider, 3, stride=2, padding=1, bias=False)
        layers += [convolution, nn.BatchNorm2d(wider), nn.ReLU()]
    cells = (size // 2 ** len(WIDTHS)) ** 2
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(WIDTHS[-1] * cells, 4))


def corners(outputs: Float[Tensor, "n 4"]) -> Float[Tensor, "n 4"]:
    """Middle and sides on a logistic scale → xyxy in fractions of the image."""
    middle, sides = outputs.sigmoid().chunk(2, dim=1)
    return torch.cat([middle - sides / 2.0, middle + sides / 2.0], dim=1)


def box_loss(found: Float[Tensor, "n 4"], target: Float[Tensor, "n 4"]) -> Float[Tensor, ""]:
    """Mean of 1 − IoU and of the corners' absolute error, added."""
    low = torch.maximum(found[:, :2], target[:, :2])
    high = torch.minimum(found[:, 2:], target[:, 2:])
    shared = (high - low).clamp_min(0.0).prod(dim=1)
    areas = [(boxes[:, 2:] - boxes[:, :2]).prod(dim=1) for boxes in (found, target)]
    iou = shared / (areas[0] + areas[1] - shared).clamp_min(1e-9)
    return (1.0 - iou).mean() + (found - target).abs().mean()


def moved_and_mirrored(
    pixels: UInt8[np.ndarray, "n size size 3"],
    boxes: Float[np.ndarray, "n 4"],
    rng: np.random.Generator,
) -> tuple[UInt8[np.ndarray, "n size size 3"], Float[np.ndarray, "n 4"]]:
    """Each image, with its box in fractions, moved by up to `SHIFT`, half of them mirrored.

    Reflection fills in; what leaves the image is cut off its box.
    """
    count, size = pixels.shape[:2]
    reach = round(SHIFT * size)
    top, left = rng.integers(0, 2 * reach + 1, (2, count, 1))
    mirrored = rng.random((count, 1)) < 0.5
    shown = cut_out(pixels, top, left, reach, mirrored)
    moves = (reach - np.concatenate([left, top, left, top], axis=1)) / size
    x0, y0, x1, y1 = (boxes + moves).clip(0.0, 1.0).T
    flipped = mirrored[:, 0]
    x0, x1 = np.where(flipped, 1.0 - x1, x0), np.where(flipped, 1.0 - x0, x1)
    return shown, np.stack([x0, y0, x1, y1], axis=1)
