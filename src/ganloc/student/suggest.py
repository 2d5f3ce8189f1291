"""Suggestions: the images in which a box that the user draws helps most.

A few hints must stand for the whole set. So the set is cut into as many clusters as hints are
wanted, and the most typical image of each is suggested (Hacohen, Dekel and Weinshall, Active
Learning on a Budget: Opposite Strategies Suit High and Low Budgets, ICML 2022).
"""

import warnings
from collections.abc import Collection

import numpy as np
import torch
from scipy.cluster.vq import kmeans2

from ganloc.errors import UserError
from ganloc.images.batches import batched, to_tensor
from ganloc.images.image_set import ImageSet
from ganloc.shapes import Float, Int
from ganloc.student.unet import UNet
from ganloc.wording import option, shown

NEIGHBOURS = 20  # within a cluster, by which an image is typical
TRIES = 5  # of k-means


def suggest(
    student: UNet, images: ImageSet, count: int, seed: int, hinted: Collection[str] = ()
) -> list[int]:
    """The indices of images to draw boxes in, those of the largest clusters first.

    Args:
        student: in evaluation mode.
        images: the set, of the student's size.
        count: images to suggest, at least 1. Fewer come back if there are not so many.
        seed: of the clusters.
        hinted: names of images that have a hint. Their clusters are left out.

    Raises:
        UserError: `count` is below 1.
    """
    if count < 1:
        raise UserError(f"{option('count')} is {shown(count)}: ask for at least one image.")
    features = _features(student, images)
    known = np.array([name in hinted for name in images.names])
    clusters = _clusters(features, min(len(images), count + int(known.sum())), seed)
    sizes = np.bincount(clusters)
    free = [c for c in np.argsort(-sizes, kind="stable") if not known[clusters == c].any()]
    found = [_most_typical(features, np.flatnonzero(clusters == c)) for c in free if sizes[c]]
    return found[:count]


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


def _clusters(
    features: Float[np.ndarray, "n channels"], count: int, seed: int
) -> Int[np.ndarray, " n"]:
    """The cluster of each image; the best of some tries of k-means."""
    best, least = np.zeros(len(features), np.int64), np.inf
    for number in range(TRIES):
        random = np.random.default_rng((seed, number))
        first = random.choice(len(features), count, replace=False)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # of empty clusters
            centres, clusters = kmeans2(features, features[first], minit="matrix")
        spread = float(((features - centres[clusters]) ** 2).sum())
        if spread < least:
            best, least = clusters.astype(np.int64), spread
    return best


def _most_typical(features: Float[np.ndarray, "n channels"], members: Int[np.ndarray, " m"]) -> int:
    """The member of a cluster that is nearest to its nearest neighbours in the cluster."""
    own = features[members]
    distances = np.sort(((own[:, None] - own[None]) ** 2).sum(axis=2) ** 0.5, axis=1)
    return int(members[distances[:, 1 : NEIGHBOURS + 1].sum(axis=1).argmin()])
