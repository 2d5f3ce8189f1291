"""The readings of a discriminator that are compared: the package's, and DDT on its own features."""

from dataclasses import replace

import numpy as np
import torch

from ganloc.discriminator.reflection_padding import DEEP, reflection_padded_maps
from ganloc.heatmap.calibrate import CALIBRATION_IMAGES
from ganloc.heatmap.ddt import principal_direction
from ganloc.heatmap.moments import Moments
from ganloc.heatmap.readings import READINGS
from ganloc.images.batches import batched, to_tensor
from ganloc.images.image_set import ImageSet, every_nth
from ganloc.model import Model
from ganloc.shapes import Float

DDT = "ddt"
LIKE_DDT = "lda-multilayer"  # reads the same layers, with the same averaging, prior and cut
COMPARED = (*READINGS, DDT)


def reading_boxes(
    model: Model, train: ImageSet, test: ImageSet, reading: str
) -> Float[np.ndarray, "n 4"]:
    """The box of every image of `test`, xyxy, half-open, in pixels of the originals.

    Args:
        model: whose discriminator is read.
        train: the images that it was trained on.
        test: images of the same size.
        reading: one of `COMPARED`.
    """
    if reading == DDT:
        model, reading = with_principal_directions(model, train), LIKE_DDT
    return test.in_pixels(model.detect(test, reading).boxes)


@torch.no_grad()
def with_principal_directions(model: Model, train: ImageSet) -> Model:
    """A model that reads by DDT's principal directions in place of the LDA directions.

    DDT also subtracts the features' mean, which moves a whole heatmap up or down. Every heatmap is
    stretched to 0–1 afterwards, so this makes no difference.
    """
    moments = [Moments() for _ in range(DEEP)]
    pixels = every_nth(train.pixels, CALIBRATION_IMAGES)
    for part in batched(len(pixels)):
        images = to_tensor(pixels[part], model.device)
        for sums, maps in zip(
            moments, reflection_padded_maps(model.discriminator, images), strict=True
        ):
            sums.add(maps)
    axes = tuple(principal_direction(sums).axis.float() for sums in moments)
    return replace(model, statistics=replace(model.statistics, lda=axes))
