"""What of a folder or zip is not in the set, and the sentence that says so."""

from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple

from ganloc.images.names import first_few


class Reason(NamedTuple):
    """Why files are left out.

    Attributes:
        one: the noun of a message for one file.
        several: for more than one.
        named: whether the message names the first of them.
    """

    one: str
    several: str
    named: bool = True


class LeftOut(NamedTuple):
    """A file or folder that is left out, and why."""

    name: str
    reason: Reason


RING = Reason("linked folder in a ring", "linked folders in a ring")
LINK_TWICE = Reason("link to what is in the set already", "links to what is in the set already")
OUTSIDE = Reason("name that points out of the zip", "names that point out of the zip")
TWICE = Reason("entry of a name that comes again", "entries of names that come again")
LITTER = Reason("hidden or system item", "hidden or system items")
OTHER = Reason("other file", "other files", named=False)


def sentence(left_out: Iterable[LeftOut]) -> str:
    """One sentence that counts what is left out, by reason; "" if nothing is.

    >>> sentence([LeftOut("loop", RING), LeftOut("README", OTHER), LeftOut("a.csv", OTHER)])
    'Left out: 1 linked folder in a ring (loop), 2 other files.'
    """
    names: dict[Reason, list[str]] = defaultdict(list)
    for name, reason in left_out:
        names[reason].append(name)
    last = (LITTER, OTHER)
    order = [r for r in names if r not in last] + [r for r in last if r in names]
    counted = []
    for reason in order:
        found = sorted(names[reason])
        noun = reason.one if len(found) == 1 else reason.several
        some = f" ({first_few(found)})" if reason.named else ""
        counted.append(f"{len(found)} {noun}{some}")
    return f"Left out: {', '.join(counted)}." if counted else ""
