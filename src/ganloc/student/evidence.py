"""Evidence for and against a box, without a label: colours around it, and other views of the image.

A box is likely right if its colours stand out from those around it, if colours alone lead to nearly
the same box, if the student's mask fills it firmly, and if the student finds it again in other
views of the image.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch.nn.functional import affine_grid, grid_sample

from ganloc.box.from_heatmap import boxes_from_heatmaps, component_boxes, cut
from ganloc.box.iou import iou
from ganloc.heatmap.colour_contrast import colour_contrast, with_centre_prior
from ganloc.images.batches import CUT, batched, to_tensor
from ganloc.shapes import Bool, Float, Int, UInt8
from ganloc.student.random_views import filled_boxes
from ganloc.student.train_student import THRESHOLD
from ganloc.student.unet import UNet

CORE, AROUND = 0.7, 1.4  # of the box's sides, whose colours are compared
CUTS = (0.3, 0.4, 0.5, 0.6, 0.7)  # ratios of the maximum, at which colour contrast is cut to boxes


@dataclass(frozen=True)
class View:
    """A square part of the image.

    Attributes:
        side: in sides of the image. Beyond the image it is padded by reflection.
        x, y: of the view's centre, −1 (left, top) to 1, the image's centre being 0.
    """

    side: float
    x: float = 0.0
    y: float = 0.0

    def in_image(self, boxes: Float[np.ndarray, "n 4"]) -> Float[np.ndarray, "n 4"]:
        """Boxes in fractions of the whole image, clipped, from boxes in fractions of the view.

        >>> View(0.5, x=0.5).in_image(np.array([[0.0, 0.0, 1.0, 0.5]]))
        array([[0.5 , 0.25, 1.  , 0.5 ]])
        """
        corner = (1.0 + np.array([self.x, self.y] * 2) - self.side) / 2.0
        return (corner + self.side * boxes).clip(0.0, 1.0)


WHOLE = View(1.0)
VIEWS = (View(0.8, -0.2, -0.2), View(0.8, 0.2, 0.2), View(1.25))
EVIDENCE = ("contrast", "colour", "firmness", "views")


def evidence(
    student: UNet,
    pixels: UInt8[np.ndarray, "n size size 3"],
    masks: Float[np.ndarray, "n size size"],
    boxes: Float[np.ndarray, "k 4"],
    image: Int[np.ndarray, " k"] | None = None,
    several: bool = False,
) -> Float[np.ndarray, "k 4"]:
    """The evidence for each box, a column for each of `EVIDENCE`.

    - contrast: mean colour contrast (heatmap/colour_contrast.py) in the middle of the box minus
      that around it, −1 to 1;
    - colour: mean IoU with the boxes that colour contrast is cut to at `CUTS`, 0–1;
    - firmness: mean of the student's soft mask in the box, 0–1;
    - views: mean IoU with the student's boxes in `VIEWS`, 0–1.

    Args:
        student: in evaluation mode.
        pixels: RGB, 0–255, of the student's size.
        masks: of the student, 0–1.
        boxes: xyxy, half-open, in fractions of the image.
        image: index of each box's image. By default there is one box an image.
        several: compare a box with that of any component, the nearest, not with the largest box.
    """
    image = np.arange(len(boxes)) if image is None else image
    found = np.empty((len(boxes), len(EVIDENCE)))
    for part in batched(len(boxes), CUT):
        shown, own = np.unique(image[part], return_inverse=True)
        found[part] = _of_part(student, pixels[shown], masks[shown], boxes[part], own, several)
    return found


def _of_part(
    student: UNet,
    pixels: UInt8[np.ndarray, "n size size 3"],
    masks: Float[np.ndarray, "n size size"],
    boxes: Float[np.ndarray, "k 4"],
    own: Int[np.ndarray, " k"],
    several: bool,
) -> Float[np.ndarray, "k 4"]:
    heatmaps, size = colour_contrast(pixels), student.size
    central = with_centre_prior(heatmaps)
    match = _nearest_iou if several else _iou_with_largest
    colours = [match(boxes, own, central, size, ratio, WHOLE) for ratio in CUTS]
    views = [
        match(boxes, own, masks_in(view, student, pixels), size, THRESHOLD, view) for view in VIEWS
    ]
    columns = (
        contrast(heatmaps[own], boxes),
        np.mean(colours, axis=0),
        _mean(masks[own], inside(boxes, size)),
        np.mean(views, axis=0),
    )
    return np.stack(columns, axis=1)


@torch.no_grad()
def masks_in(
    view: View, student: UNet, pixels: UInt8[np.ndarray, "n size size 3"]
) -> Float[np.ndarray, "n h w"]:
    """The student's masks in a view, 0–1."""
    device, found = next(student.parameters()).device, []
    place = torch.tensor([[view.side, 0.0, view.x], [0.0, view.side, view.y]], device=device)
    for part in batched(len(pixels)):
        images = to_tensor(pixels[part], device)
        grid = affine_grid(place.expand(len(images), 2, 3), list(images.shape), align_corners=False)
        shown = grid_sample(images, grid, padding_mode="reflection", align_corners=False)
        found.append(student(shown).sigmoid().cpu().numpy())
    return np.concatenate(found)


def _iou_with_largest(
    boxes: Float[np.ndarray, "k 4"],
    own: Int[np.ndarray, " k"],
    heatmaps: Float[np.ndarray, "n h w"],
    size: int,
    threshold: float,
    view: View,
) -> Float[np.ndarray, " k"]:
    """The IoU of each box with the largest box of its heatmap, which is of a view.

    Args:
        boxes: xyxy, half-open, in fractions of the whole image.
        own: index of each box's heatmap.
        heatmaps: of the view.
        size: at which heatmaps are cut.
        threshold: at which they are cut.
        view: of the image.
    """
    found = view.in_image(boxes_from_heatmaps(heatmaps, size, threshold))
    return iou(boxes, found[own])


def _nearest_iou(
    boxes: Float[np.ndarray, "k 4"],
    own: Int[np.ndarray, " k"],
    heatmaps: Float[np.ndarray, "n h w"],
    size: int,
    threshold: float,
    view: View,
) -> Float[np.ndarray, " k"]:
    """The highest IoU of each box with a component's box (arguments as `_iou_with_largest`)."""
    image, found = component_boxes(cut(heatmaps, size, threshold))
    found = np.split(view.in_image(found / size), np.searchsorted(image, range(1, len(heatmaps))))
    return np.array(
        [
            iou(np.broadcast_to(box, found[index].shape), found[index]).max()
            for box, index in zip(boxes, own, strict=True)
        ]
    )


def contrast(
    heatmaps: Float[np.ndarray, "n size size"], boxes: Float[np.ndarray, "n 4"]
) -> Float[np.ndarray, " n"]:
    """The mean colour contrast in the box's `CORE` minus that beyond the box, in `AROUND`.

    It is 0 where no pixel is around: such a box covers the whole image.

    Args:
        heatmaps: of `colour_contrast`.
        boxes: xyxy, half-open, in fractions of the image.
    """
    size = heatmaps.shape[1]
    core, own, around = (inside(scaled(boxes, side), size) for side in (CORE, 1.0, AROUND))
    around &= ~own
    difference = _mean(heatmaps, core) - _mean(heatmaps, around)
    return np.where(around.any(axis=(1, 2)), difference, 0.0)


def _mean(
    heatmaps: Float[np.ndarray, "n size size"], where: Bool[np.ndarray, "n size size"]
) -> Float[np.ndarray, " n"]:
    """The mean of each heatmap over some pixels; 0 for no pixel."""
    total = np.where(where, heatmaps, 0.0).sum(axis=(1, 2), dtype=float)
    return total / where.sum(axis=(1, 2)).clip(1)


def inside(boxes: Float[np.ndarray, "n 4"], size: int) -> Bool[np.ndarray, "n size size"]:
    """Whether the centre of each pixel lies in the box, which is in fractions of the image."""
    return filled_boxes(torch.from_numpy(boxes), size).numpy() > 0


def scaled(boxes: Float[np.ndarray, "n 4"], factor: float) -> Float[np.ndarray, "n 4"]:
    """Boxes with `factor` times their sides and the same centre, which may reach out.

    >>> scaled(np.array([[0.25, 0.0, 0.75, 0.5]]), 2.0)
    array([[ 0.  , -0.25,  1.  ,  0.75]])
    """
    centre, half = (boxes[:, :2] + boxes[:, 2:]) / 2.0, (boxes[:, 2:] - boxes[:, :2]) / 2.0
    return np.concatenate([centre - factor * half, centre + factor * half], axis=1)
