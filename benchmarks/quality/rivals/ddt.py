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
from ganloc.images.pictures import Pictures

BATCH = 32


def boxes(train: Pictures, test: Pictures, setting: Setting, layer: str) -> np.ndarray:
    """The direction is found on all of `train`; a box holds the largest positive component."""
    assert setting.squeezenet is not None
    weights = load_weights(setting.squeezenet, setting.device)

    def maps_of(pictures: Pictures) -> Iterator[Tensor]:
        for start in range(0, len(pictures), BATCH):
            part = as_input(pictures.pixels[start : start + BATCH], setting.device)
            yield feature_maps(weights, part, layer)

    moments = Moments()
    for maps in maps_of(train):
        moments.add(maps)
    direction = principal_direction(moments)
    heatmaps = torch.cat([ddt_heatmaps(maps, direction) for maps in maps_of(test)])
    return positive_boxes(heatmaps.cpu().numpy(), test)


def positive_boxes(heatmaps: np.ndarray, pictures: Pictures) -> np.ndarray:
    """The largest box around positive pixels; the whole picture where there is none."""
    masks = resize(heatmaps, pictures.size) > 0.0
    masks |= ~masks.any(axis=(1, 2), keepdims=True)
    return largest_boxes(masks) * np.tile(pictures.sizes, 2) / pictures.size
