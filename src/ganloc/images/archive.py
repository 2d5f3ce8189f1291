"""Files in a folder or a zip, listed and read in the same way."""

import os
import threading
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from ganloc.errors import UserError

LARGEST_FILE = 256 * 2**20  # bytes; guards memory against zip bombs and misnamed videos


class Unreadable(Exception):
    """A file that cannot be read. The message is a short reason without the file's name."""


@dataclass(frozen=True)
class Archive:
    """Files under one root.

    Attributes:
        path: the folder or zip, for messages.
        names: sorted paths relative to the root, with "/". Hidden files are left out.
        read: name → bytes of the file. Thread-safe. Raises Unreadable.
        locate: name → path of the file, for files too large to `read`. None if they are packed.
    """

    path: Path
    names: tuple[str, ...]
    read: Callable[[str], bytes]
    locate: Callable[[str], Path] | None = None

    def inside(self, prefix: str) -> "Archive":
        """The files whose names start with `prefix`, which is removed from the names."""
        if not prefix:
            return self
        names = tuple(n.removeprefix(prefix) for n in self.names if n.startswith(prefix))
        locate = self.locate
        return Archive(
            self.path,
            names,
            lambda name: self.read(prefix + name),
            None if locate is None else lambda name: locate(prefix + name),
        )


def open_archive(path: Path) -> Archive:
    """Open a folder or a zip. Nothing is extracted.

    A zip stays open as long as the archive is used. Links to files are followed. Links to folders
    are not, because they may form a loop.

    Raises:
        UserError: `path` does not exist, or is neither a folder nor a complete zip.
    """
    if path.is_dir():
        read, locate = lambda name: _read_file(path / name), lambda name: path / name
        return Archive(path, _folder_names(path), read, locate)
    opened = _open_zip(path)
    names = {n for n in opened.namelist() if not n.endswith("/") and not is_hidden(n)}
    lock = threading.Lock()  # ZipFile counts its readers without a lock
    return Archive(path, tuple(sorted(names)), lambda name: _read_member(opened, lock, name))


def is_hidden(name: str) -> bool:
    """Whether a file or a folder above it is hidden. ".." and absolute paths count as hidden."""
    return name.startswith("/") or any(
        part.startswith(".") or part == "__MACOSX" for part in name.split("/")
    )


def _folder_names(root: Path) -> tuple[str, ...]:
    def refuse(error: OSError) -> NoReturn:
        raise UserError(
            f"Cannot list the folder {error.filename} ({error.strerror}): "
            "make it readable or move it away."
        ) from error

    names = []
    for folder, subfolders, files in os.walk(root, onerror=refuse):
        subfolders[:] = [name for name in subfolders if not is_hidden(name)]
        inside = Path(folder).relative_to(root).as_posix()
        prefix = "" if inside == "." else inside + "/"
        names += [prefix + name for name in files if not is_hidden(name)]
    return tuple(sorted(names))


def _read_file(path: Path) -> bytes:
    try:
        if not path.is_file():  # a pipe would block for ever
            raise Unreadable("no such file" if not path.exists() else "not a regular file")
        _refuse_large(path.stat().st_size)
        return path.read_bytes()
    except OSError as error:
        raise Unreadable(error.strerror or str(error)) from error


def _read_member(opened: zipfile.ZipFile, lock: threading.Lock, name: str) -> bytes:
    try:
        with lock:
            _refuse_large(opened.getinfo(name).file_size)
            return opened.read(name)
    except KeyError as error:
        raise Unreadable("no such file") from error
    except Unreadable:
        raise
    except Exception as error:  # each compressor raises errors of its own
        raise Unreadable(f"cannot be read from the zip ({error})") from error


def _refuse_large(size: int) -> None:
    if size > LARGEST_FILE:
        raise Unreadable(f"larger than {LARGEST_FILE // 2**20} MiB")


def _open_zip(path: Path) -> zipfile.ZipFile:
    if not path.exists():
        raise UserError(f"No folder or zip at {path}: check the spelling of the path.")
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
