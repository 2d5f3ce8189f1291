"""Training a finder on boxes, any number of them an image."""

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, interpolate

from ganloc.images.augment import colour_axes, recolour
from ganloc.images.batches import batch_indices, to_tensor
from ganloc.several.finder import CENTRE, MASK, Finder, edges_to_boxes, sides
from ganloc.several.resized import resized, resized_masks
from ganloc.shapes import Bool, Float, Int, UInt8
from ganloc.student.optimise import optimise
from ganloc.student.random_views import Views
from ganloc.student.train_student import RATE, padded

BATCH = 16
PEAK = 0.2  # standard deviation of a centre's Gaussian, in sides of the box
TAUGHT = 0.5  # height of the Gaussian from which edges are taught
SHOWN = 0.4  # part of a box that a view must show; nothing is taught where less is shown
CENTRES, MASKS, BOXES = 3.0, 1.0, 1.0  # weights of the losses
RAISED = 4.0  # further weight of a cell at the top of a centre


@dataclass(frozen=True)
class Lesson:
    """Images with the boxes that a finder is taught.

    Attributes:
        pixels: RGB, 0–255.
        boxes: of each image, xyxy in fractions of it.
        unknown: pixels where nothing is taught.
    """

    pixels: UInt8[np.ndarray, "n size size 3"]
    boxes: Sequence[Float[np.ndarray, "_ 4"]]
    unknown: Bool[np.ndarray, "n size size"]

    def at(self, size: int) -> "Lesson":
        """The same at another size in pixels."""
        return Lesson(resized(self.pixels, size), self.boxes, resized_masks(self.unknown, size))


def train_finder(
    finder: Finder,
    lesson: Lesson,
    iterations: int,
    seed: int,
    batch: int = BATCH,
    rate: float = RATE,
    draw: Callable[[int], Int[np.ndarray, " batch"]] | None = None,
) -> Generator[float]:
    """Train a finder, yielding the loss of every step.

    Images are shown in random views and colours, as a student sees them. The finder is in
    evaluation mode at the end.

    Args:
        finder: changed in place.
        lesson: what is taught, at the finder's size.
        iterations: training steps, at least 1.
        seed: of views, colours and the order of the images.
        batch: images a step.
        rate: peak learning rate.
        draw: for a step, counted from 0, the indices of its images. By default all images come
            equally often.
    """
    device, half = next(finder.parameters()).device, finder.size // 2
    random = torch.Generator(device).manual_seed(seed)
    axes = colour_axes(lesson.pixels).to(device)
    corners = torch.from_numpy(padded(lesson.boxes)).float()
    finder.sizes.copy_(_sizes(lesson.boxes))

    def loss_of(step: int) -> Float[Tensor, ""]:
        chosen = draw(step) if draw else batch_indices(len(lesson.pixels), batch, seed, step)
        views = Views.draw(len(chosen), random)
        shown = recolour(views.of(to_tensor(lesson.pixels[chosen], device)), axes, random)
        unknown = torch.from_numpy(lesson.unknown[chosen]).to(device).float()[:, None]
        unknown = interpolate(views.of(unknown), size=(half, half), mode="area")[:, 0] > 0.5
        targets = Targets.of(views.boxes(corners[chosen].to(device)), half)
        known = views.within(half) & ~unknown & ~targets.partly
        outputs = finder.outputs(shown.to(memory_format=torch.channels_last))
        return _loss(outputs, targets, known)

    yield from optimise(finder, iterations, rate, loss_of)


@dataclass(frozen=True)
class Targets:
    """What a finder should say of each cell.

    Attributes:
        centres: height of the centre, 0–1.
        masks: 1 within any box, else 0.
        boxes: of the object whose centre is highest there.
        partly: cells of a box of which too little is shown.
    """

    centres: Float[Tensor, "n half half"]
    masks: Float[Tensor, "n half half"]
    boxes: Float[Tensor, "n half half 4"]
    partly: Bool[Tensor, "n half half"]

    @classmethod
    def of(cls, boxes: Float[Tensor, "n k 4"], half: int) -> "Targets":
        """The targets of boxes, which may reach beyond the view; those without area do not count.

        The lower half of the image. Its centre is between two cells of each axis, which are 1/8 of
        the width and 1/4 of the height away from it:

        >>> targets = Targets.of(torch.tensor([[[0.0, 0.5, 1.0, 1.0]]]), half=4)
        >>> targets.centres[0, 2:, 1].round(decimals=2)  # e^(−((1/8)² + (1/4)²) / 0.08)
        tensor([0.3800, 0.3800])
        """
        shown = boxes.clamp(0.0, 1.0)
        whole, part = _areas(boxes), _areas(shown)
        enough = (part > 0) & (part >= SHOWN * whole)
        at = (torch.arange(half, device=boxes.device) + 0.5) / half
        x0, y0, x1, y1 = shown[..., None].unbind(2)
        width, height = (x1 - x0).clamp(1e-6), (y1 - y0).clamp(1e-6)
        x = torch.exp(-(((at - (x0 + x1) / 2.0) / (PEAK * width)) ** 2) / 2.0)
        y = torch.exp(-(((at - (y0 + y1) / 2.0) / (PEAK * height)) ** 2) / 2.0)
        peaks = y[..., :, None] * x[..., None, :] * enough[..., None, None]
        columns, rows = (at >= x0) & (at < x1), (at >= y0) & (at < y1)
        inside = rows[..., :, None] & columns[..., None, :]
        highest, owner = peaks.max(dim=1)
        owners = owner.flatten(1)[..., None].expand(-1, -1, 4)
        nearest = shown.gather(1, owners).unflatten(1, (half, half))
        partly = (inside & ~enough[..., None, None]).any(dim=1) & (highest < 0.1)
        return cls(highest, inside.any(dim=1).float(), nearest, partly)


def _loss(
    outputs: Float[Tensor, "n 6 half half"],
    targets: Targets,
    known: Bool[Tensor, "n half half"],
) -> Float[Tensor, ""]:
    weights = known.float()
    total = weights.sum().clamp(1.0)
    centres = binary_cross_entropy_with_logits(
        outputs[:, CENTRE], targets.centres, weights * (1.0 + RAISED * targets.centres),
        reduction="sum",
    )  # fmt: skip
    masks = binary_cross_entropy_with_logits(
        outputs[:, MASK], targets.masks, weights, reduction="sum"
    )
    taught = known & (targets.centres > TAUGHT)
    votes = edges_to_boxes(outputs)[taught]
    boxes = _giou_loss(votes, targets.boxes[taught]).sum() / taught.sum().clamp(1)
    return (CENTRES * centres + MASKS * masks) / total + BOXES * boxes


def _giou_loss(a: Float[Tensor, "m 4"], b: Float[Tensor, "m 4"]) -> Float[Tensor, " m"]:
    """1 − generalised IoU (Rezatofighi et al., CVPR 2019)."""
    smaller, larger = torch.minimum(a, b), torch.maximum(a, b)
    shared = (smaller[:, 2:] - larger[:, :2]).clamp(0.0).prod(dim=1)
    hull = (larger[:, 2:] - smaller[:, :2]).prod(dim=1)
    union = _areas(a) + _areas(b) - shared
    return 1.0 - shared / union.clamp(1e-9) + (hull - union) / hull.clamp(1e-9)


def _areas(boxes: Float[Tensor, "*n 4"]) -> Float[Tensor, "*n"]:
    return (boxes[..., 2:] - boxes[..., :2]).clamp(0.0).prod(dim=-1)


def _sizes(boxes: Sequence[Float[np.ndarray, "_ 4"]]) -> Float[Tensor, " 2"]:
    """Median and scaled MAD of the logarithm of the sides."""
    logs = np.log(sides(np.concatenate([*boxes, np.zeros((0, 4))])).clip(1e-3))
    if not len(logs):
        return torch.tensor([0.0, 1.0])
    middle = np.median(logs)
    return torch.tensor([middle, max(0.1, 1.48 * np.median(abs(logs - middle)))]).float()
