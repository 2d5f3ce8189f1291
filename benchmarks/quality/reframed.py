"""Images cut anew, so that the middle means nothing.

Photographers put their object in the middle, and a centred box profits from that. Here each image
becomes a random part of itself that keeps most of the object. The true box says which parts those
are: what comes out is for scoring, and so is what it is fitted on.
"""

import numpy as np
from PIL import Image

from ganloc.box.iou import area
from ganloc.images.image_set import ImageSet
from ganloc.shapes import Float, Int

KEPT = 0.8  # of the area of the largest true box, at least
SMALLEST = 0.5  # side of a part, in sides of the image
TRIES = 200  # then the image stays whole


def reframed(images: ImageSet, seed: int) -> ImageSet:
    """A random part of each image, of its shape, with the true boxes in it.

    Args:
        images: with truth; one without a true box may become any part.
        seed: of the parts.
    """
    assert images.truth is not None
    random = np.random.default_rng(seed)
    pixels = np.empty_like(images.pixels)
    sizes, truth = np.empty_like(images.sizes), []
    for index, (size, boxes) in enumerate(zip(images.sizes, images.truth, strict=True)):
        part = draw_crop(size, boxes, random)
        corner = np.tile(part[:2], 2)
        sizes[index] = part[2:] - part[:2]
        inside = np.clip(boxes, corner, np.tile(part[2:], 2)) - corner
        truth.append(inside[area(inside) > 0.0])
        scaled = part / np.tile(size, 2) * images.size
        squeezed = Image.fromarray(images.pixels[index])
        pixels[index] = squeezed.resize(
            squeezed.size, Image.Resampling.BICUBIC, tuple(scaled.tolist())
        )
    return ImageSet(pixels, images.names, sizes, tuple(truth))


def draw_crop(
    size: Int[np.ndarray, "2"], boxes: Float[np.ndarray, "k 4"], random: np.random.Generator
) -> Int[np.ndarray, "4"]:
    """A rectangle of whole pixels that keeps `KEPT` of the largest box; else the whole image."""
    for _ in range(TRIES):
        sides = np.maximum(1, (random.uniform(SMALLEST, 1.0) * size).round().astype(int))
        low = (random.random(2) * (size - sides + 1)).astype(int)
        part = np.concatenate([low, low + sides])
        if len(boxes) == 0:
            return part
        largest = boxes[[area(boxes).argmax()]]
        kept = np.clip(largest, np.tile(low, 2), np.tile(part[2:], 2))
        if area(kept)[0] >= KEPT * area(largest)[0]:
            return part
    return np.array([0, 0, *size])
