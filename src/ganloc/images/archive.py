"""Files in a folder or a zip, listed and read in the same way."""

import stat
import threading
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from functools import partial
from io import BufferedIOBase
from pathlib import Path
from typing import cast

from ganloc.errors import UserError
from ganloc.images.left_out import LITTER, OUTSIDE, TWICE, LeftOut
from ganloc.images.names import litter, path_inside, printable
from ganloc.images.walk import Stamp, list_folder
from ganloc.images.zip_names import decode_names

LARGEST_FILE = 256 * 2**20  # bytes; guards memory against zip bombs and misnamed videos


class Unreadable(Exception):
    """A file that cannot be read. The message is a short reason without the file's name."""


@dataclass(frozen=True)
class Archive:
    """Files under one root.

    Attributes:
        path: the folder or zip, for messages.
        names: sorted paths relative to the root, with "/". Hidden and system files are left out.
        open: name → the file, which can be sought in. Thread-safe. Raises Unreadable.
        left_out: what is below the root but not among `names`.
        remarks: sentences on names that were guessed.
        stamps: size and time of the last change of each file of a folder when it was listed.
        on_disk: whether `path / name` is the file of a name.
    """

    path: Path
    names: tuple[str, ...]
    open: Callable[[str], AbstractContextManager[BufferedIOBase]]
    left_out: tuple[LeftOut, ...] = ()
    remarks: tuple[str, ...] = ()
    stamps: Mapping[str, Stamp] = field(default_factory=dict)
    on_disk: bool = False

    def read(self, name: str) -> bytes:
        """The bytes of a file. Thread-safe. Raises Unreadable."""
        with self.open(name) as file:
            try:
                content = file.read(LARGEST_FILE + 1)
            except Unreadable:
                raise
            except Exception as error:  # each compressor raises errors of its own
                raise _not_read(error) from error
        _refuse_large(len(content))
        return content

    def inside(self, prefix: str) -> "Archive":
        """The files whose names start with `prefix`, which is removed from the names."""
        if not prefix:
            return self
        names = tuple(n.removeprefix(prefix) for n in self.names if n.startswith(prefix))
        return Archive(self.path, names, lambda name: self.open(prefix + name))


def open_archive(path: Path) -> Archive:
    """Open a folder or a zip. Nothing is extracted.

    A zip stays open as long as the archive is used. Links are followed, but no file is listed
    twice and no ring of links is entered. Names of a zip have "/" for the backslashes of Windows;
    those that point out of it are left out.

    Raises:
        UserError: `path` does not exist, or is neither a folder nor a complete zip.
    """
    if not path.is_dir():
        return _zip_archive(path)
    listing = list_folder(path)
    return Archive(
        path,
        tuple(sorted(listing.stamps)),
        lambda name: _open_file(path / name),
        tuple(listing.left_out),
        stamps=listing.stamps,
        on_disk=True,
    )


def one_file(path: Path) -> Archive:
    """A file as an archive of its own."""
    root = path.parent
    return Archive(root, (path.name,), lambda name: _open_file(root / name), on_disk=True)


def _open_file(path: Path) -> BufferedIOBase:
    try:
        if not stat.S_ISREG(path.stat().st_mode):  # a pipe would block for ever
            raise Unreadable("not a regular file")
        return path.open("rb")
    except FileNotFoundError as error:
        raise Unreadable("no such file") from error
    except OSError as error:
        raise Unreadable(error.strerror or str(error)) from error


def _zip_archive(path: Path) -> Archive:
    opened = _open_zip(path)
    entries = [entry for entry in opened.infolist() if not entry.filename.endswith(("/", "\\"))]
    names, guessed = decode_names(entries)
    members: dict[str, zipfile.ZipInfo] = {}
    hidden: set[str] = set()
    left_out = []
    for name, entry in zip(names, entries, strict=True):
        inside = path_inside(name)
        if inside is None:
            left_out.append(LeftOut(name, OUTSIDE))
        elif found := litter(inside):
            hidden.add(found)
        else:
            if inside in members:
                left_out.append(LeftOut(inside, TWICE))
            members[inside] = entry  # the last one counts, as where a zip is unpacked
    remark = _guess(path, names, guessed) if guessed else ()
    left_out += [LeftOut(name, LITTER) for name in sorted(hidden)]
    read = partial(_open_member, opened, threading.Lock(), members)
    return Archive(path, tuple(sorted(members)), read, tuple(left_out), remark)


def _guess(path: Path, names: list[str], code: str) -> tuple[str, ...]:
    first = next(name for name in names if not name.isascii())
    return (
        f"{path} does not say how its names are written: they were read as {code} "
        f"(the first is {printable(first)}).",
    )


@contextmanager
def _open_member(
    opened: zipfile.ZipFile, lock: threading.Lock, members: dict[str, zipfile.ZipInfo], name: str
) -> Iterator[BufferedIOBase]:
    if name not in members:
        raise Unreadable("no such file")
    _refuse_large(members[name].file_size)
    try:
        with lock:  # ZipFile counts its readers without a lock
            file = cast(zipfile.ZipExtFile, opened.open(members[name]))
    except Exception as error:  # a damaged header, a password, an unknown compressor
        raise _not_read(error) from error
    try:
        yield file
    finally:
        with lock:
            file.close()


def _not_read(error: Exception) -> Unreadable:
    if isinstance(error, OSError) and error.strerror:
        return Unreadable(error.strerror)
    return Unreadable(f"cannot be read from the zip ({error})")


def _refuse_large(size: int) -> None:
    if size > LARGEST_FILE:
        raise Unreadable(f"larger than {LARGEST_FILE // 2**20} MiB")


def _open_zip(path: Path) -> zipfile.ZipFile:
    if not path.exists():
        raise UserError(f"No folder or zip at {path}: check the spelling of the path.")
    if not path.is_file():
        raise UserError(f"{path} is neither a file nor a folder: give a folder or zip of images.")
    try:
        return zipfile.ZipFile(path)
    except zipfile.BadZipFile as error:
        if path.suffix.lower() == ".zip":
            raise UserError(
                f"{path} is a broken or incomplete zip ({error}): download or make it again."
            ) from error
        raise UserError(
            f"{path} is neither a folder nor a zip: give a folder or zip of images."
        ) from error
    except OSError as error:
        raise UserError(
            f"Cannot open {path} ({error.strerror or error}): make the file readable."
        ) from error
