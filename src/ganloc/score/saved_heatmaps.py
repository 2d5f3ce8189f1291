"""The rows of heatmaps that were saved, by this or any other method."""

import numpy as np

from ganloc.box.from_heatmap import boxes_from_heatmaps
from ganloc.errors import UserError
from ganloc.heatmap.files import SavedHeatmaps
from ganloc.images.pictures import Pictures
from ganloc.score.baselines import centre, whole_image
from ganloc.score.table import Row, score_boxes, score_heatmaps
from ganloc.shapes import Int


def score_saved(
    saved: SavedHeatmaps, pictures: Pictures, threshold: float | None = None
) -> list[Row]:
    """Score saved heatmaps where they stand, beside the boxes that need none.

    Args:
        saved: one heatmap for each of `pictures`, in any order.
        pictures: with truth.
        threshold: a ratio of the maximum, in place of the file's rule.

    Returns:
        A row named after the reading, then `whole-image` and `centre`.

    Raises:
        UserError: the heatmaps are not those of `pictures`, the threshold is not in [0, 1), or no
            picture has a true box.
    """
    assert pictures.truth is not None
    heatmaps = saved.heatmaps[_places(saved, pictures)]
    sizes, truth = pictures.sizes, pictures.truth
    rule = (saved.threshold, saved.otsu) if threshold is None else (threshold, False)
    boxes = boxes_from_heatmaps(heatmaps, heatmaps.shape[1], sizes, *rule)
    return [
        score_heatmaps(saved.reading, heatmaps, boxes, truth, sizes),
        score_boxes("whole-image", whole_image(sizes), truth),
        score_boxes("centre", centre(sizes), truth),
    ]


def _places(saved: SavedHeatmaps, pictures: Pictures) -> Int[np.ndarray, " n"]:
    """Where each picture's heatmap stands."""
    place = {name: index for index, name in enumerate(saved.names)}
    if len(place) < len(saved.names):
        twice = next(name for i, name in enumerate(saved.names) if place[name] != i)
        raise UserError(f"The heatmaps name {twice} twice: save one a picture.")
    for names, others, said in [
        (pictures.names, set(place), "There is no heatmap of"),
        (saved.names, set(pictures.names), "There are heatmaps but no pictures of"),
    ]:
        odd = [name for name in names if name not in others]
        if odd:
            raise UserError(
                f"{said} {len(odd)} of {len(names)} names (the first is {odd[0]}): score the very "
                "pictures that the heatmaps were made of."
            )
    places = np.array([place[name] for name in pictures.names])
    differ = np.flatnonzero((saved.sizes[places] != pictures.sizes).any(axis=1))
    if len(differ):
        name, size = pictures.names[differ[0]], pictures.sizes[differ[0]]
        said = saved.sizes[places[differ[0]]]
        raise UserError(
            f"The heatmaps say that {name} is {said[0]}×{said[1]} pixels and it is "
            f"{size[0]}×{size[1]}: score the very pictures that the heatmaps were made of."
        )
    return places
