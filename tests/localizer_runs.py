"""What tests of the Localizer share: photos of noise, and the settings of a tiny training."""

import numpy as np
from PIL import Image

TINY = {"size": 32, "generator_width": 2, "discriminator_width": 2, "batch": 2, "iterations": 2,
        "student_iterations": 2, "student_width": 2}  # fmt: skip
# Wider, higher and smaller than the networks' 32×32.
SIZES = {"a/wide.png": (90, 30), "b.png": (20, 71), "c.png": (9, 7), "d.png": (32, 32)}


def write_photos(folder):
    """Images of noise in a folder; gives the folder."""
    random = np.random.default_rng(0)
    (folder / "a").mkdir()
    for name, (width, height) in SIZES.items():
        pixels = random.integers(0, 256, (height, width, 3), np.uint8)
        Image.fromarray(pixels).save(folder / name)
    return folder
