"""Evaluation of saved heatmaps, of ganloc or of any other method."""

import numpy as np

from ganloc.box.from_heatmap import boxes_from_heatmaps
from ganloc.errors import UserError
from ganloc.heatmap.heatmap_files import SavedHeatmaps
from ganloc.images.image_set import ImageSet
from ganloc.images.names import match_names, printable
from ganloc.metrics.baselines import centre, whole_image
from ganloc.metrics.rows import Row, evaluate_boxes, evaluate_heatmaps
from ganloc.shapes import Int


def evaluate_saved(
    saved: SavedHeatmaps, images: ImageSet, threshold: float | None = None
) -> list[Row]:
    """Evaluate saved heatmaps, beside two constant boxes.

    Heatmaps that are constant or not finite get no credit. A Notice counts them.

    Args:
        saved: one heatmap for each of `images`, in any order. Names are matched however they are
            written (`match_names`).
        images: with truth.
        threshold: ratio of the maximum. By default the file's `threshold` and `otsu` are used.

    Returns:
        A row named after the reading, then `whole-image` and `centre`.

    Raises:
        UserError: the heatmaps are of other images, the threshold is not in [0, 1), or no image has
            a true box.
    """
    assert images.truth is not None
    heatmaps = saved.heatmaps[_places(saved, images)]
    sizes, truth = images.sizes, images.truth
    rule = (saved.threshold, saved.otsu) if threshold is None else (threshold, False)
    boxes = images.in_pixels(boxes_from_heatmaps(heatmaps, heatmaps.shape[1], *rule))
    return [
        evaluate_heatmaps(saved.reading, heatmaps, boxes, truth, sizes, images.names),
        evaluate_boxes("whole-image", whole_image(sizes), truth),
        evaluate_boxes("centre", centre(sizes), truth),
    ]


def _places(saved: SavedHeatmaps, images: ImageSet) -> Int[np.ndarray, " n"]:
    """The index of each image's heatmap."""
    place = {name: index for index, name in enumerate(saved.names)}
    if len(place) < len(saved.names):
        twice = next(name for i, name in enumerate(saved.names) if place[name] != i)
        raise UserError(f"The heatmaps name {printable(twice)} twice: save one an image.")
    found = match_names(images.names, saved.names)
    used = set(found)
    without = [name for name, index in zip(images.names, found, strict=True) if index is None]
    unused = [name for index, name in enumerate(saved.names) if index not in used]
    for unmatched, count, said in [
        (without, len(images), "There is no heatmap of"),
        (unused, len(saved.names), "There are heatmaps but no images of"),
    ]:
        if unmatched:
            raise UserError(
                f"{said} {len(unmatched)} of {count} names (the first is "
                f"{printable(unmatched[0])}): give the images of the heatmaps."
            )
    places = np.array([index for index in found if index is not None], dtype=np.int64)
    differ = np.flatnonzero((saved.sizes[places] != images.sizes).any(axis=1))
    if len(differ):
        name, size = images.names[differ[0]], images.sizes[differ[0]]
        said = saved.sizes[places[differ[0]]]
        raise UserError(
            f"The heatmaps say that {name} is {said[0]}×{said[1]} pixels and it is "
            f"{size[0]}×{size[1]}: give the images of the heatmaps."
        )
    return places
