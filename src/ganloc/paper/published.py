"""The paper's numbers."""

from ganloc.paper.budgets import METHODS

_METHODS = METHODS["table3"]

# Table 3: GT-known Loc in percent, each at the checkpoint that is best on the test images.
_TABLE3 = {
    "artiodactyla": (41.4, 43.0, 54.4, 44.0, 53.4),
    "bottle": (36.0, 36.4, 38.0, 41.0, 34.3),
    "bird": (49.4, 52.3, 58.0, 60.6, 57.0),
    "cat": (66.3, 71.8, 78.0, 76.5, 80.4),
    "dog": (55.0, 60.8, 63.0, 63.0, 65.5),
    "vehicle": (54.0, 61.7, 75.0, 68.0, 74.1),
}


def published(set_name: str, method: str) -> float | None:
    """The cell of Table 3; None if the paper has none.

    >>> published("bird", "sn-dcgan")
    58.0
    """
    if set_name not in _TABLE3 or method not in _METHODS:
        return None
    return _TABLE3[set_name][_METHODS.index(method)]
