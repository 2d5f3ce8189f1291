"""Deep descriptor transforming on SqueezeNet's ImageNet features: *pretrained*."""

from collections.abc import Iterator

import numpy as np
import torch
from rivals.setting import Setting
from rivals.squeezenet import as_input, feature_maps, load_weights
from torch import Tensor

from ganloc.box.from_heatmap import largest_boxes, resize
from ganloc.heatmap.ddt import ddt_heatmaps, principal_direction
from ganloc.heatmap.moments import Moments
from ganloc.images.batches import batched
from ganloc.images.image_set import ImageSet

BATCH = 32


def boxes(train: ImageSet, test: ImageSet, setting: Setting, layer: str) -> np.ndarray:
    """The direction is found on all of `train`; a box holds the largest positive component."""
    assert setting.squeezenet is not None
    weights = load_weights(setting.squeezenet, setting.device)

    def maps_of(images: ImageSet) -> Iterator[Tensor]:
        for part in batched(len(images), BATCH):
            yield feature_maps(weights, as_input(images.pixels[part], setting.device), layer)

    moments = Moments()
    for maps in maps_of(train):
        moments.add(maps)
    direction = principal_direction(moments)
    heatmaps = torch.cat([ddt_heatmaps(maps, direction) for maps in maps_of(test)])
    return positive_boxes(heatmaps.cpu().numpy(), test)


def positive_boxes(heatmaps: np.ndarray, images: ImageSet) -> np.ndarray:
    """The largest box around positive pixels; the whole image where there is none."""
    masks = resize(heatmaps, images.size) > 0.0
    masks |= ~masks.any(axis=(1, 2), keepdims=True)
    return images.in_pixels(largest_boxes(masks) / images.size)
