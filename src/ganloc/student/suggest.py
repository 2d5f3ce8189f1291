"""Suggestions: the images in which a box that the user draws helps most.

A few hints must reach what the set holds. So each suggested image is the one that is farthest from
all that were chosen before, by what the student sees in it (farthest-first traversal: Gonzalez,
Clustering to Minimize the Maximum Intercluster Distance, 1985; for learning: Sener and Savarese,
Active Learning for Convolutional Neural Networks: A Core-Set Approach, ICLR 2018).
"""

from collections.abc import Collection

import numpy as np
import torch

from ganloc.errors import UserError
from ganloc.images.batches import batched, to_tensor
from ganloc.images.image_set import ImageSet
from ganloc.shapes import Float
from ganloc.student.unet import UNet
from ganloc.wording import option, shown


def suggest(student: UNet, images: ImageSet, count: int, hinted: Collection[str] = ()) -> list[int]:
    """The indices of images to draw boxes in. A smaller count gives the first of the same list.

    Args:
        student: in evaluation mode.
        images: the set, of the student's size.
        count: images to suggest, at least 1. Fewer come back if there are not so many.
        hinted: names of images that have a hint. What lies near them comes last.

    Raises:
        UserError: `count` is below 1.
    """
    if count < 1:
        raise UserError(f"{option('count')} is {shown(count)}: ask for at least one image.")
    known = [index for index, name in enumerate(images.names) if name in hinted]
    return farthest(_features(student, images), known, min(count, len(images) - len(known)))


def farthest(places: Float[np.ndarray, "n d"], chosen: Collection[int], count: int) -> list[int]:
    """The index of the place that is farthest from all chosen ones, again and again.

    Args:
        places: points.
        chosen: indices of those that are chosen already. Without any, the first is the place that
            is nearest to the mean.
        count: how many to choose, at most as many as are left.

    >>> farthest(np.array([[0.0], [4.0], [5.0], [16.0]]), chosen=(), count=4)
    [2, 3, 0, 1]
    """
    found: list[int] = []
    distances = np.full(len(places), np.inf)

    def choose(index: int) -> None:
        np.minimum(distances, ((places - places[index]) ** 2).sum(axis=1), out=distances)
        distances[index] = -1.0

    for index in chosen:
        choose(index)
    while len(found) < count:
        if found or len(chosen):
            found.append(int(distances.argmax()))
        else:
            found.append(int(((places - places.mean(axis=0)) ** 2).sum(axis=1).argmin()))
        choose(found[-1])
    return found


def _features(student: UNet, images: ImageSet) -> Float[np.ndarray, "n channels"]:
    """Mean of the student's coarsest maps over each image, standardised."""
    device = next(student.parameters()).device
    parts = []
    with torch.no_grad():
        for part in batched(len(images)):
            maps = to_tensor(images.pixels[part], device)
            for block in student.down:
                maps = block(maps)
            parts.append(maps.mean(dim=(2, 3)).double().cpu().numpy())
    features = np.concatenate(parts)
    return (features - features.mean(axis=0)) / (features.std(axis=0) + 1e-9)
