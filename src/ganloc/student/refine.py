"""Refinement: the student reads a crop around each box, at the resolution of the file.

Images are resized to the network's size, where a small object has only a few pixels. A crop around
the first box shows the object larger. For small boxes the crop zooms in further than any training
view (random_views.py). It helped on butterflies (docs/log.md); we have no explanation.
"""

import numpy as np

from ganloc.images.batches import CUT, batched
from ganloc.images.decode import WHOLE
from ganloc.images.gather import CropReader
from ganloc.shapes import Float, Int
from ganloc.student.self_training import student_boxes
from ganloc.student.unet import UNet

ROUNDS = 2
MARGIN = 1.5  # side of the crop, in sides of the box


def refine_boxes(
    student: UNet,
    boxes: Float[np.ndarray, "n 4"],
    sizes: Int[np.ndarray, "n 2"],
    read_crops: CropReader,
) -> Float[np.ndarray, "n 4"]:
    """Refine each box `ROUNDS` times: the student finds it again in a crop around the last box.

    A box is kept if its image is no larger than the network, or if its crop is the whole image.

    Args:
        student: in evaluation mode.
        boxes: xyxy, half-open, in fractions of the image.
        sizes: width and height of each original, in pixels.
        read_crops: indices and crops → pixels at the student's size (images/gather.py).

    Returns:
        Boxes, xyxy, half-open, in fractions of the image.

    A student whose masks are constant returns the crops: 1.5 × 1.5 times the first box. The second
    image is no larger than the network.

    >>> student = UNet(size=32, width=1).eval()
    >>> _ = student.mask.weight.data.zero_()
    >>> def read_crops(indices, crops):
    ...     return np.zeros((len(indices), 32, 32, 3), np.uint8)
    >>> boxes = np.array([[0.4, 0.4, 0.6, 0.6], [0.4, 0.4, 0.6, 0.6]])
    >>> refine_boxes(student, boxes, np.array([[640, 480], [32, 32]]), read_crops).round(3)
    array([[0.275, 0.275, 0.725, 0.725],
           [0.4  , 0.4  , 0.6  , 0.6  ]])
    """
    refined = boxes.copy()
    larger = np.flatnonzero((sizes > student.size).any(axis=1))
    for part in batched(len(larger), CUT):
        chosen = larger[part]
        for _ in range(ROUNDS):
            crops = crops_around(refined[chosen])
            shows_more = (crops != WHOLE).any(axis=1)
            chosen, crops = chosen[shows_more], crops[shows_more]
            if not len(chosen):
                break
            within = student_boxes(student, read_crops(chosen, crops))
            corner, sides = crops[:, :2], crops[:, 2:] - crops[:, :2]
            refined[chosen] = np.tile(corner, 2) + within * np.tile(sides, 2)
    return refined


def crops_around(boxes: Float[np.ndarray, "n 4"]) -> Float[np.ndarray, "n 4"]:
    """Scale each box by `MARGIN` around its centre, then shift and cut it into the image.

    >>> crops_around(np.array([[0.4, 0.4, 0.6, 0.8], [0.0, 0.0, 0.2, 0.8]])).round(3)
    array([[0.35, 0.3 , 0.65, 0.9 ],
           [0.  , 0.  , 0.3 , 1.  ]])
    """
    sides = (MARGIN * (boxes[:, 2:] - boxes[:, :2])).clip(None, 1.0)
    low = ((boxes[:, :2] + boxes[:, 2:] - sides) / 2.0).clip(0.0, 1.0 - sides)
    return np.concatenate([low, low + sides], axis=1)
