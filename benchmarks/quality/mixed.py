"""Images of other things mixed among those of one kind, as in a folder that is not clean."""

import numpy as np

from ganloc.errors import UserError
from ganloc.images.image_set import ImageSet
from ganloc.shapes import Bool


def mixed(
    own: ImageSet, others: ImageSet, percent: int, seed: int
) -> tuple[ImageSet, Bool[np.ndarray, " n"]]:
    """All of `own` and so many of `others` that they are a percentage of both, in random order.

    Args:
        own: with truth or without.
        others: they show no object of the kind, so they get no true boxes.
        percent: 0–99.
        seed: of which others, and of the order.

    Returns:
        The images, and which of them are the others'.

    Raises:
        UserError: there are too few others.
    """
    random = np.random.default_rng(seed)
    count = round(len(own) * percent / (100 - percent))
    if count > len(others):
        raise UserError(f"{percent} % others need {count}, and there are only {len(others)}.")
    some = others.subset(random.permutation(len(others))[:count])
    both = ImageSet(
        np.concatenate([own.pixels, some.pixels]),
        own.names + tuple(f"other/{name}" for name in some.names),
        np.concatenate([own.sizes, some.sizes]),
        None if own.truth is None else (*own.truth, *(np.empty((0, 4)) for _ in range(count))),
    )
    order = random.permutation(len(both))
    return both.subset(order), order >= len(own)
