"""Colour contrast of each pixel against the four borders, without and with a centre prior."""

import numpy as np
from rivals.setting import Setting

from ganloc.box.from_heatmap import boxes_from_heatmaps
from ganloc.heatmap.colour_contrast import CENTRE_PRIOR_THRESHOLD, THRESHOLD, colour_contrast
from ganloc.images.image_set import ImageSet


def boxes(train: ImageSet, test: ImageSet, setting: Setting, centre_prior: bool) -> np.ndarray:
    """Cut at the threshold that was chosen on the development sets."""
    heatmaps = colour_contrast(test.pixels, centre_prior)
    threshold = CENTRE_PRIOR_THRESHOLD if centre_prior else THRESHOLD
    return test.in_pixels(boxes_from_heatmaps(heatmaps, test.size, threshold))
