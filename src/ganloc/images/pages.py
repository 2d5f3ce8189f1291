"""Files of several pages or frames: multi-page TIFFs, animations, bursts."""

import re
from typing import Any

from PIL import Image

_REDUCED_OR_MASK = 0b101  # bits of the tag NewSubfileType: a thumbnail or a mask of another page
_SUBFILE = 254
_NUMBERED = re.compile(r"(.+)#([1-9][0-9]*)")


def page_name(name: str, page: int) -> str:
    """The name of a page, counted from 0, of a file with several.

    >>> page_name("stack.tif", 2)
    'stack.tif#3'
    """
    return f"{name}#{page + 1}"


def split_page(name: str) -> tuple[str, int] | None:
    """The file and the page of a `page_name`; None if it is none.

    >>> split_page("stack.tif#3"), split_page("stack.tif")
    (('stack.tif', 2), None)
    """
    found = _NUMBERED.fullmatch(name)
    return (found[1], int(found[2]) - 1) if found else None


def page_frames(image: Image.Image) -> list[int]:
    """The frames of an open file that are images of their own, by Pillow's count from 0.

    Thumbnails and masks of other pages are left out.
    """
    count = getattr(image, "n_frames", 1)
    if count == 1:
        return [0]
    if image.format == "TIFF":
        frames = [frame for frame in range(count) if not _subfile(image, frame) & _REDUCED_OR_MASK]
        image.seek(0)
        return frames or [0]
    if image.format == "MPO":
        entries: Any = image.mpinfo[0xB002]  # pyright: ignore[reportAttributeAccessIssue]
        kinds = [str(entry["Attribute"]["MPType"]) for entry in entries]
        return [n for n, kind in enumerate(kinds) if n == 0 or "Thumbnail" not in kind]
    return list(range(count))


def _subfile(image: Image.Image, frame: int) -> int:
    image.seek(frame)
    return int(image.tag_v2.get(_SUBFILE, 0))  # pyright: ignore[reportAttributeAccessIssue]
