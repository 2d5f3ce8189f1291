"""Two classes that any network can tell apart: reddish and bluish noise."""

import numpy as np

from ganloc.images.image_set import ImageSet
from ganloc.paper.cam_recipe import ReferenceRecipe

SIZE = 16
TINY = ReferenceRecipe(size=SIZE, width=2, batch=8, iterations=8, seed=3)


def toys(count, seed=0, size=SIZE):
    rng = np.random.default_rng(seed)
    labels = np.arange(count) % 2
    pixels = rng.integers(0, 128, (count, size, size, 3))
    pixels[np.arange(count), :, :, 2 * labels] += 100
    names = tuple(f"{i}.png" for i in range(count))
    sizes = np.full((count, 2), size)
    truth = tuple(np.array([[0.0, 0.0, size, size]]) for _ in range(count))
    return ImageSet(
        pixels.astype(np.uint8), names, sizes, truth, labels=labels, classes=("red", "blue")
    )
