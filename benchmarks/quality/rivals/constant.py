"""The same box in every image."""

import numpy as np
from rivals.setting import Setting

from ganloc.images.image_set import ImageSet
from ganloc.metrics.baselines import centre


def boxes(train: ImageSet, test: ImageSet, setting: Setting, fraction: float) -> np.ndarray:
    """A centred box of `fraction` of both sides; 1 is the whole image."""
    return centre(test.sizes, fraction)
