"""Writing files: complete or not there, and links and devices stay what they are."""

import errno
import json
import os
import secrets
import shutil
import stat
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO, cast

from ganloc.errors import UserError

STANDARD_OUTPUT = Path("-")
_IN_MEMORY = 64 * 2**20  # bytes for a pipe or device that are kept in memory, not in a file


@contextmanager
def writing(path: Path) -> Iterator[BinaryIO]:
    """Write a file that takes the place of `path` when the body ends.

    If the body raises or the process is killed, `path` stays as it was, and nothing is left beside
    it: the new file has no name before it is complete. (Killed within the instant between its
    naming and its renaming, or while a copy is made on file systems without nameless files, a
    process leaves a hidden file, `.….tmp`.)

    A link stays a link, and what it points to is written. The mode of an earlier file is kept.
    `-`, which is standard output, `/dev/stdout`, pipes and devices are written to and never
    replaced. They get all bytes at the end of the body.

    Yields:
        A binary file.

    Raises:
        UserError: the folder can't be made or written to, or `path` is a folder, a disk or a
            socket.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     with writing(Path(folder) / "new" / "a.txt") as file:
    ...         _ = file.write(b"complete")
    ...     (Path(folder) / "new" / "a.txt").read_text()
    'complete'
    """
    with _told(path):
        open_stream, target = _stream(path), Path(os.path.realpath(path))
        if open_stream is None and _only_in_place(target):
            open_stream = lambda: target.open("wb")  # noqa: E731
        if open_stream is None:
            target.parent.mkdir(parents=True, exist_ok=True)
            with _replacing(target) as file:
                yield file
        else:
            with tempfile.SpooledTemporaryFile(_IN_MEMORY) as file:
                yield cast(BinaryIO, file)
                file.seek(0)
                with open_stream() as stream:
                    shutil.copyfileobj(file, stream)


def check_writable(path: Path) -> None:
    """Check that `writing` can write `path`, before a long computation. Nothing is made.

    Raises:
        UserError: it cannot.
    """
    with _told(path):
        if _stream(path) is None:
            target = Path(os.path.realpath(path))
            if not _only_in_place(target):
                _check_folder(target.parent)
            _may_have_name(target)
        elif path.exists() and not os.access(path, os.W_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))


def check_folder_writable(folder: Path) -> None:
    """Check that files can be written in `folder`, which may not exist yet. Nothing is made.

    Raises:
        UserError: they cannot.
    """
    with _told(folder):
        target = Path(os.path.realpath(folder))
        _check_folder(target)
        _may_have_name(target)


def is_stream(path: Path) -> bool:
    """Whether `path` is standard output, a pipe or a device, which `writing` does not replace.

    Raises:
        UserError: it is a folder, a disk or a socket.

    >>> is_stream(Path("-")), is_stream(Path("boxes.json"))
    (True, False)
    """
    with _told(path):
        return _stream(path) is not None


def write_bytes(path: Path, data: bytes) -> None:
    """Write `data` to `path` (errors as in `writing`)."""
    with writing(path) as file:
        file.write(data)


def write_text(path: Path, text: str) -> None:
    """Write `text` to `path` as UTF-8 (errors as in `writing`)."""
    write_bytes(path, text.encode("utf-8"))


def write_json(path: Path, value: Any, ascii: bool = False) -> None:
    """Write `value` to `path` as indented JSON (errors as in `writing`).

    Args:
        path: the file.
        value: of dicts, lists, texts and finite numbers.
        ascii: escape all other characters, for programs that do not read JSON as UTF-8.

    Raises:
        ValueError: a number is NaN or infinite, which JSON does not know.
    """
    text = json.dumps(value, indent=2, ensure_ascii=ascii, allow_nan=False)
    write_text(path, text + "\n")


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """Turn an OSError into a UserError that names `path`."""
    if not path.name:
        raise UserError(f"{path} is not the name of a file: give one.")
    try:
        yield
    except OSError as error:
        raise UserError(
            f"Cannot write {path} ({error.strerror or error}): choose a place you can write to."
        ) from error


def _stream(path: Path) -> Callable[[], BinaryIO] | None:
    """A function that opens `path` if it is a stream; None for a file, which may not exist yet."""
    if path == STANDARD_OUTPUT:
        return _standard_output
    if (number := _descriptor(path)) is not None:
        os.fstat(number)  # raises an OSError if it is closed
        # A copy of the descriptor: what was written before and is written after stays in order.
        return lambda: os.fdopen(os.dup(number), "wb")
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return None
    if stat.S_ISREG(mode):
        return None
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, "it is a folder")
    if not (stat.S_ISCHR(mode) or stat.S_ISFIFO(mode)):
        kind = "a disk" if stat.S_ISBLK(mode) else "neither a file nor a pipe"
        raise OSError(errno.EINVAL, f"it is {kind}")
    return lambda: os.fdopen(os.open(path, os.O_WRONLY), "wb")


def _standard_output() -> BinaryIO:
    if sys.stdout is None:
        raise OSError(errno.EBADF, "standard output is closed")
    sys.stdout.flush()
    try:
        return os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    except ValueError:  # another object in its place, as in a test
        return os.fdopen(os.dup(1), "wb")


def _descriptor(path: Path) -> int | None:
    """The number of an open descriptor of this process that `path` names, such as /dev/stdout."""
    here = Path(os.path.abspath(path))  # noqa: PTH100 - absolute() would keep ".."
    for _ in range(40):  # as many links as Linux follows
        if here.name.isdecimal() and _is_descriptors(here.parent):
            return int(here.name)
        if not here.is_symlink():
            return None
        here = here.parent / here.readlink()
    return None


def _is_descriptors(folder: Path) -> bool:
    for known in ("/dev/fd", "/proc/self/fd"):
        with suppress(OSError):
            if folder.samefile(known):
                return True
    return False


def _only_in_place(target: Path) -> bool:
    """Whether a file can be written but not replaced, because its folder is locked."""
    if not target.is_file():
        return False
    if not os.access(target, os.W_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    return not os.access(target.parent, os.W_OK | os.X_OK)


def _check_folder(folder: Path) -> None:
    """Raise an OSError if `folder` is no folder to write in, and can't become one."""
    nearest = next(parent for parent in (folder, *folder.parents) if parent.exists())
    if not nearest.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
    if not os.access(nearest, os.W_OK | os.X_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))


def _may_have_name(target: Path) -> None:
    """Raise an OSError if a part of the path that does not exist yet has a name too long."""
    nearest = next(parent for parent in target.parents if parent.is_dir())
    for part in target.relative_to(nearest).parts:
        with suppress(FileNotFoundError):
            (nearest / part).lstat()


@contextmanager
def _replacing(target: Path) -> Iterator[BinaryIO]:
    """Write to a file without a name, which becomes `target` at the end.

    A complete file has a hidden name for a moment, because only renaming replaces a file at once.
    """
    hidden = target.with_name(f".{secrets.token_hex(8)}.tmp")
    try:
        with _open_nameless(target.parent) or tempfile.TemporaryFile() as file:
            yield file
            file.flush()
            try:
                _give_name(file, hidden)
            except OSError:  # no nameless files here, or none that can be given a name
                file.seek(0)
                with hidden.open("xb") as copy:
                    shutil.copyfileobj(file, copy)
        if target.exists():
            hidden.chmod(stat.S_IMODE(target.stat().st_mode))
        try:
            hidden.replace(target)
        except OSError as error:
            if error.errno != errno.EBUSY:
                raise
            shutil.copyfile(hidden, target)  # mounted on its own, as `docker -v file:file` does
    finally:
        with suppress(OSError):
            hidden.unlink()


def _open_nameless(folder: Path) -> BinaryIO | None:
    """A file in `folder` that vanishes with the process unless it is given a name."""
    if hasattr(os, "O_TMPFILE"):
        with suppress(OSError):
            return os.fdopen(os.open(folder, os.O_TMPFILE | os.O_RDWR, 0o666), "w+b")
    return None


def _give_name(file: BinaryIO, name: Path) -> None:
    # Only with a folder's descriptor does Python follow the link to the nameless file.
    folder = os.open(name.parent, os.O_RDONLY)
    try:
        os.link(f"/proc/self/fd/{file.fileno()}", name.name, dst_dir_fd=folder)
    finally:
        os.close(folder)
