"""Files of several pages or frames: multi-page TIFFs, animations, bursts."""

import re
from pathlib import Path
from typing import IO, Any, cast

from PIL import Image
from PIL.TiffImagePlugin import ImageFileDirectory_v2

from ganloc.images.large import file_of

_SUBFILE, _COMPRESSION, _DESCRIPTION = 254, 259, 270
_REDUCED_OR_MASK = 0b101  # bits of the tag NewSubfileType: a thumbnail or a mask of another page
_NUMBERED = re.compile(r"(.+)#([1-9][0-9]*)")
_IMAGEJ = re.compile(r"ImageJ=.*?\bimages=([0-9]+)", re.DOTALL)
_MOST_VIRTUAL = 10**6


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


def page_frames(data: bytes | Path, image: Image.Image) -> list[int]:
    """The frames of a file, open as `image`, that are images of their own, counted from 0.

    Thumbnails and masks of other pages are left out.
    """
    if image.format == "TIFF":
        return tiff_frames(data)
    count = getattr(image, "n_frames", 1)
    if image.format == "MPO" and count > 1:
        entries: Any = image.mpinfo[0xB002]  # pyright: ignore[reportAttributeAccessIssue]
        kinds = [str(entry["Attribute"]["MPType"]) for entry in entries]
        return [n for n, kind in enumerate(kinds) if n == 0 or "Thumbnail" not in kind]
    return list(range(count))


def tiff_frames(data: bytes | Path) -> list[int]:
    """As `page_frames`, of a TIFF whose pages Pillow need not know.

    A page that is damaged counts, so that reading it says so. The pages of a stack of ImageJ that
    has a single directory lie one after another behind it.
    """
    kinds: list[int] = []
    seen: set[int] = set()
    virtual = 1
    with file_of(data) as file:
        header = file.read(16)
        header = header if header[2:4] in (b"+\0", b"\0+") else header[:8]
        at = ImageFileDirectory_v2(header).next
        while at and at not in seen:
            seen.add(at)
            directory = ImageFileDirectory_v2(header)
            try:
                file.seek(at)
                directory.load(cast(IO[bytes], file))
                kinds.append(int(directory.get(_SUBFILE, 0)))
                if len(kinds) == 1:
                    virtual = _of_imagej(directory)
            except Exception:  # damaged in any way
                kinds.append(0)
                break
            at = directory.next
    if len(kinds) <= 1:
        return list(range(virtual))
    return [frame for frame, kind in enumerate(kinds) if not kind & _REDUCED_OR_MASK] or [0]


def _of_imagej(directory: ImageFileDirectory_v2) -> int:
    """The images of an uncompressed stack, by the description that ImageJ writes; else 1."""
    found = _IMAGEJ.match(str(directory.get(_DESCRIPTION, "")))
    plain = directory.get(_COMPRESSION, 1) == 1
    return min(max(int(found[1]), 1), _MOST_VIRTUAL) if found and plain else 1
