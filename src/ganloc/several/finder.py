"""The finder: a student that finds any number of objects in an image.

It is the student's U-Net with six outputs at each cell: whether it is the centre of an object
(CenterNet: Zhou et al., Objects as Points, arXiv 1904.07850), whether it lies in an object's box,
and the distances to the four edges of that box (FCOS: Tian et al., ICCV 2019). Centres tell
touching objects apart. Their heights, not those of the mask, count objects.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import max_pool2d

from ganloc.box.iou import area, non_maximum_suppression
from ganloc.images.batches import batched, to_tensor
from ganloc.shapes import Float, Int, UInt8
from ganloc.student.unet import UNet
from ganloc.tensors import seeded

CENTRE, MASK, EDGES = 0, 1, 2  # channels; four of edges, left, top, right, bottom
PRIOR = -3.0  # bias of the centres before training: few cells are one
DISTANCE = -2.0  # logarithm of the distance to an edge before training, in sides of the image
LEAST = 0.5  # height of a centre that counts as an object
SAME = 0.5  # IoU above which two boxes are one object
SIZES = 4.0  # the score falls by e^(−z²/2) for sizes that are 4·z standard deviations off


class Finder(UNet):
    """Images → centres, masks and distances to edges, at half of the image's side.

    Args:
        size, width: of `UNet`.

    Attributes:
        sizes: mean and standard deviation of the logarithm of the sides (√area) of the objects that
            were taught.
        least: height of a centre that counts as an object.
    """

    sizes: Tensor
    least: Tensor

    def __init__(self, size: int, width: int):
        super().__init__(size, width, channels=6)
        assert self.mask.bias is not None
        self.mask.bias.data[CENTRE] = PRIOR
        self.register_buffer("sizes", torch.tensor([0.0, 1.0]))
        self.register_buffer("least", torch.tensor(LEAST))


@dataclass(frozen=True)
class Objects:
    """Objects of a set of images.

    Attributes:
        image: index of the image of each object, ascending, the highest score of each image first.
        boxes: xyxy, half-open, in fractions of the image.
        scores: 0–1, for ranking: the centre's height, less for objects of an unusual size.
        centres: height of the object's centre, 0–1.
    """

    image: Int[np.ndarray, " k"]
    boxes: Float[np.ndarray, "k 4"]
    scores: Float[np.ndarray, " k"]
    centres: Float[np.ndarray, " k"]

    def __len__(self) -> int:
        """The number of objects."""
        return len(self.image)

    def of(self, index: int) -> slice:
        """The objects of one image."""
        return slice(*np.searchsorted(self.image, [index, index + 1]).tolist())


def new_finder(size: int, width: int, seed: int, device: torch.device) -> Finder:
    """A finder with random weights, drawn from `seed`. They are equal on every device."""
    with seeded(seed):
        return Finder(size, width).to(device)


def find(
    finder: Finder, pixels: UInt8[np.ndarray, "n size size 3"], least: float | None = None
) -> Objects:
    """The objects of each image, any number of them.

    An object is a local maximum of the centres whose box overlaps no better one's.

    Args:
        finder: in evaluation mode.
        pixels: RGB, 0–255, of the finder's size.
        least: height that a centre needs; by default the finder's own.
    """
    least = finder.least.item() if least is None else least
    images, boxes, heights = [], [], []
    start = 0
    for centres, _, edges in _maps(finder, pixels):
        for index, (own, at) in enumerate(zip(centres, edges, strict=True), start):
            found, high = _peaks(own, at, least)
            images.append(np.full(len(high), index))
            boxes.append(found)
            heights.append(high)
        start += len(centres)
    image, box, height = map(np.concatenate, (images, boxes, heights))
    mean, deviation = finder.sizes.tolist()
    off = (np.log(sides(box).clip(1e-6)) - mean) / (SIZES * deviation)
    scores = height * np.exp(-(off**2) / 2.0)
    order = np.lexsort((-scores, image))
    return Objects(image[order], box[order], scores[order], height[order])


def object_masks(
    heatmaps: Float[np.ndarray, "n half half"], objects: Objects
) -> Float[np.ndarray, "k half half"]:
    """The soft mask of each object, 0–1.

    A cell belongs to the object whose centre is nearest in sides of its box, if it lies in the box.

    Args:
        heatmaps: of `soft_object_masks`, of the images of the objects.
        objects: of `find`.
    """
    half = heatmaps.shape[1]
    found = np.zeros((len(objects), half, half), np.float32)
    at = (np.arange(half) + 0.5) / half
    for index, mask in enumerate(heatmaps):
        own = objects.of(index)
        x0, y0, x1, y1 = objects.boxes[own].T[:, :, None]
        x, y = (2.0 * at - x0 - x1) / (x1 - x0), (2.0 * at - y0 - y1) / (y1 - y0)
        inside = (abs(y) <= 1.0)[:, :, None] & (abs(x) <= 1.0)[:, None, :]
        away = np.where(inside, y[:, :, None] ** 2 + x[:, None, :] ** 2, np.inf)
        nearest = away == away.min(axis=0, initial=np.inf)
        found[own] = np.where(inside & nearest, mask, 0.0)
    return found


def soft_object_masks(
    finder: Finder, pixels: UInt8[np.ndarray, "n size size 3"]
) -> Float[np.ndarray, "n half half"]:
    """The chance that each cell lies in an object's box, 0–1, at half of the finder's size."""
    return np.concatenate([masks for _, masks, _ in _maps(finder, pixels)])


def sides(boxes: Float[np.ndarray, "k 4"]) -> Float[np.ndarray, " k"]:
    """√area of each box."""
    return np.sqrt(area(boxes))


def edges_to_boxes(outputs: Float[Tensor, "n 6 half half"]) -> Float[Tensor, "n half half 4"]:
    """The box that each cell votes for, xyxy in fractions of the image."""
    half = outputs.shape[-1]
    at = (torch.arange(half, device=outputs.device) + 0.5) / half
    distances = torch.exp((outputs[:, EDGES:] + DISTANCE).clamp(-8.0, 0.0))
    left, top, right, bottom = distances.unbind(1)
    x, y = at, at[:, None]
    return torch.stack([x - left, y - top, x + right, y + bottom], dim=3)


def _maps(finder: Finder, pixels: UInt8[np.ndarray, "n size size 3"]):
    """Centres, masks and boxes of each cell: the mean over images and their mirror images."""
    device = next(finder.parameters()).device
    mirror = torch.tensor([1.0, 0.0, 1.0, 0.0], device=device)
    sign = torch.tensor([-1.0, 1.0, -1.0, 1.0], device=device)
    for part in batched(len(pixels)):
        images = to_tensor(pixels[part], device)
        with torch.no_grad():
            plain, turned = finder.outputs(images), finder.outputs(images.flip(3))
        soft = (plain[:, :EDGES].sigmoid() + turned[:, :EDGES].sigmoid().flip(3)) / 2.0
        back = mirror + sign * edges_to_boxes(turned).flip(2)[..., [2, 1, 0, 3]]
        boxes = ((edges_to_boxes(plain) + back) / 2.0).clamp(0.0, 1.0)
        yield tuple(maps.cpu().numpy() for maps in (soft[:, CENTRE], soft[:, MASK], boxes))


def _peaks(
    centres: Float[np.ndarray, "half half"],
    edges: Float[np.ndarray, "half half 4"],
    least: float,
) -> tuple[Float[np.ndarray, "k 4"], Float[np.ndarray, " k"]]:
    """Boxes and heights of the local maxima, highest first, without those that overlap."""
    highest = max_pool2d(torch.from_numpy(centres)[None], 3, 1, 1)[0].numpy()
    peaks = (centres >= highest) & (centres >= least)
    places = np.argwhere(peaks)[np.argsort(-centres[peaks], kind="stable")]
    places = places[non_maximum_suppression(edges[tuple(places.T)].astype(float), SAME)]
    boxes = np.empty((len(places), 4))
    for row, (y, x) in enumerate(places):
        around = slice(max(0, y - 1), y + 2), slice(max(0, x - 1), x + 2)
        weights = centres[around][..., None]
        boxes[row] = (edges[around] * weights).sum(axis=(0, 1)) / weights.sum()
    return boxes, centres[tuple(places.T)].astype(float)
