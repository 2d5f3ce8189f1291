"""Random crops of images, so that their middle says nothing of where the object is.

Photographers put their object in the middle, and a centred box profits from that. Here each image
becomes a random crop of itself that keeps most of the object. The true box decides which crops do,
so this is for evaluation alone.
"""

import numpy as np
from PIL import Image

from ganloc.box.iou import area
from ganloc.images.image_set import ImageSet
from ganloc.shapes import Float, Int

KEPT = 0.8  # of the area of the largest true box, at least
SMALLEST = 0.5  # side of a crop, in sides of the image
TRIES = 200


def reframed(images: ImageSet, seed: int) -> ImageSet:
    """A random crop of each image, with the true boxes in it.

    Args:
        images: with truth; of one without a true box, any crop will do.
        seed: of the crops.
    """
    assert images.truth is not None
    random = np.random.default_rng(seed)
    pixels = np.empty_like(images.pixels)
    sizes, truth = np.empty_like(images.sizes), []
    for index, (size, boxes) in enumerate(zip(images.sizes, images.truth, strict=True)):
        crop = draw_crop(size, boxes, random)
        corner = np.tile(crop[:2], 2)
        sizes[index] = crop[2:] - crop[:2]
        inside = np.clip(boxes, corner, np.tile(crop[2:], 2)) - corner
        truth.append(inside[area(inside) > 0.0])
        scaled = crop / np.tile(size, 2) * images.size
        squeezed = Image.fromarray(images.pixels[index])
        pixels[index] = squeezed.resize(
            squeezed.size, Image.Resampling.BICUBIC, tuple(scaled.tolist())
        )
    return ImageSet(pixels, images.names, sizes, tuple(truth))


def draw_crop(
    size: Int[np.ndarray, "2"],
    boxes: Float[np.ndarray, "k 4"],
    random: np.random.Generator,
    tries: int = TRIES,
) -> Int[np.ndarray, "4"]:
    """A rectangle of whole pixels that keeps `KEPT` of the largest box.

    After so many tries without one it is the whole image.
    """
    for _ in range(tries):
        sides = np.maximum(1, (random.uniform(SMALLEST, 1.0) * size).round().astype(int))
        low = (random.random(2) * (size - sides + 1)).astype(int)
        crop = np.concatenate([low, low + sides])
        if len(boxes) == 0:
            return crop
        largest = boxes[[area(boxes).argmax()]]
        kept = np.clip(largest, np.tile(low, 2), np.tile(crop[2:], 2))
        if area(kept)[0] >= KEPT * area(largest)[0]:
            return crop
    return np.array([0, 0, *size])
