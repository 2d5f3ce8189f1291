"""The kind of a set's objects: their size and their colour beside the background's.

Label-free, "object" means what most clear instances of a set are. Others, such as white blood cells
among red ones, are taught as background.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ganloc.several.finder import sides
from ganloc.several.pseudo_instances import PseudoInstances
from ganloc.several.split import disc
from ganloc.shapes import Bool, Float, UInt8

OTHER = 2.5  # standard deviations of a trait beyond which an object is of another kind
NARROWEST = np.array([0.1, 0.05, 0.05, 0.05])  # standard deviations at least


@dataclass(frozen=True)
class Kind:
    """What most clear instances are like.

    Traits are the logarithm of the side (√area, in sides of the image) and the mean colour in the
    ellipse that fills the box minus the background's (0–1).

    Attributes:
        pixels: images of the set, RGB, 0–255.
        backgrounds: median colour of each image's background, 0–255.
        middle, spread: median and scaled MAD of the traits.
    """

    pixels: UInt8[np.ndarray, "n size size 3"]
    backgrounds: Float[np.ndarray, "n 3"]
    middle: Float[np.ndarray, " 4"]
    spread: Float[np.ndarray, " 4"]

    @classmethod
    def of(
        cls, pixels: UInt8[np.ndarray, "n size size 3"], found: Sequence[PseudoInstances]
    ) -> "Kind":
        """The kind of the clear instances; anything without one."""
        backgrounds = np.stack([own.background for own in found])
        rows = [
            _traits(pixels[index], own.boxes[own.clear], own.background)
            for index, own in enumerate(found)
        ]
        traits = np.concatenate(rows)
        if not len(traits):
            return cls(pixels, backgrounds, np.zeros(4), np.full(4, np.inf))
        middle = np.median(traits, axis=0)
        spread = 1.48 * np.median(abs(traits - middle), axis=0)
        return cls(pixels, backgrounds, middle, np.maximum(spread, NARROWEST))

    def alike(self, index: int, boxes: Float[np.ndarray, "k 4"]) -> Bool[np.ndarray, " k"]:
        """Which boxes of an image hold an object of this kind.

        Args:
            index: of the image.
            boxes: xyxy in fractions of it.
        """
        traits = _traits(self.pixels[index], boxes, self.backgrounds[index])
        return np.all(abs(traits - self.middle) < OTHER * self.spread, axis=1)


def _traits(
    image: UInt8[np.ndarray, "size size 3"],
    boxes: Float[np.ndarray, "k 4"],
    background: Float[np.ndarray, " 3"],
) -> Float[np.ndarray, "k 4"]:
    size, traits = len(image), np.empty((len(boxes), 4))
    traits[:, 0] = np.log(sides(boxes).clip(1e-3))
    for row, box in enumerate(boxes):
        x0, y0 = np.minimum((box[:2] * size).round(), size - 1).astype(int)
        x1, y1 = np.maximum((box[2:] * size).round(), [x0 + 1, y0 + 1]).astype(int)
        w, h = int(x1 - x0), int(y1 - y0)
        colour = image[y0:y1, x0:x1][disc(h, w)].mean(axis=0)
        traits[row, 1:] = (colour - background) / 255.0
    return traits
