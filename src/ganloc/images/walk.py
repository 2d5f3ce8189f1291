"""The files below a folder: links followed, no file twice, litter left out."""

import os
from dataclasses import dataclass, field
from pathlib import Path

from ganloc.errors import UserError
from ganloc.images.left_out import LINK_TWICE, LITTER, RING, LeftOut
from ganloc.images.names import litter

Stamp = tuple[int, int]  # size in bytes and time of the last change in nanoseconds


@dataclass
class Listing:
    """The files below a folder.

    Attributes:
        stamps: of each file, by its path relative to the folder, with "/".
        left_out: what isn't listed, and why.
    """

    stamps: dict[str, Stamp] = field(default_factory=dict)
    left_out: list[LeftOut] = field(default_factory=list)


def list_folder(root: Path) -> Listing:
    """List the files below a folder.

    Links are followed after everything else, so that a file has its own name if it has one. A link
    is left out if what it leads to is listed already, or if it leads to a folder above itself.

    Raises:
        UserError: a folder can't be listed.
    """
    top = os.path.realpath(root)
    listing = Listing()
    folders, files = {top}, set()  # real paths that are listed already
    links: list[tuple[str, str, str]] = []  # name, real path, real path of the folder it is in
    todo = [("", top)]

    def add(name: str, path: str, is_folder: bool) -> None:
        if path in folders or path in files:
            listing.left_out.append(LeftOut(name, LINK_TWICE))
        elif is_folder:
            folders.add(path)
            todo.append((name + "/", path))
        else:
            files.add(path)
            listing.stamps[name] = stamp(root / name)

    while todo or links:
        if todo:
            prefix, real = todo.pop()
            for name, entry in _entries(root, prefix):
                path = os.path.join(real, entry.name)  # noqa: PTH118
                is_folder = entry.is_dir()
                if litter(name + "/" if is_folder else name):
                    listing.left_out.append(LeftOut(name, LITTER))
                elif entry.is_symlink() or (is_folder and os.path.realpath(path) != path):
                    links.append((name, os.path.realpath(path), real))
                else:  # below a linked folder it may be listed already
                    add(name, path, is_folder)
            continue
        links.sort(reverse=True)
        name, target, parent = links.pop()
        is_folder = os.path.isdir(target)  # noqa: PTH112
        if is_folder and (_is_above(target, parent) or _is_above(target, top)):
            listing.left_out.append(LeftOut(name, RING))
        else:
            add(name, target, is_folder)
    return listing


def stamp(path: Path) -> Stamp:
    """Size and time of the last change; (-1, -1) if the file can't be looked at."""
    try:
        found = path.stat()
    except OSError:
        return (-1, -1)
    return (found.st_size, found.st_mtime_ns)


def _entries(root: Path, prefix: str) -> list[tuple[str, os.DirEntry[str]]]:
    try:
        with os.scandir(root / prefix) as entries:
            return [(prefix + entry.name, entry) for entry in entries]
    except OSError as error:
        raise UserError(
            f"Cannot list the folder {root / prefix} ({error.strerror or error}): "
            "make it readable or move it away."
        ) from error


def _is_above(folder: str, other: str) -> bool:
    """Whether `folder` is `other` or holds it."""
    return other == folder or other.startswith(folder.rstrip(os.sep) + os.sep)
