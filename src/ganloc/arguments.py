"""Arguments of the Python API, checked when they are given."""

import errno
import os
from pathlib import Path
from typing import Any

import numpy as np

from ganloc.errors import UserError
from ganloc.wording import option, shown, shown_path


def as_path(name: str, value: Any) -> Path:
    """A path that was given as a text or a path; `~` stands for the user's folder.

    Args:
        name: of the argument, for messages.
        value: what was given.

    Raises:
        TypeError: it is no path.
        UserError: it is empty, or no path that this machine can have.

    >>> as_path("out", "runs/photos").as_posix()
    'runs/photos'
    """
    if not isinstance(value, str | os.PathLike) or not isinstance(os.fspath(value), str):
        raise TypeError(f"{option(name)} must be a path, not {shown(value)}.")
    text = os.fspath(value)
    if not text:
        raise UserError(f"{option(name)} is empty: give a path.")
    if "\0" in text or _is_too_long(text):
        raise UserError(
            f"{option(name)} is no path that this machine can have: {shown_path(text)}."
        )
    return expanded(text)


def expanded(path: str | os.PathLike[str]) -> Path:
    """The path, with `~` or `~name` at its start replaced by that user's folder, if there is one.

    >>> expanded("~$report.jpg").as_posix()  # a file's own name
    '~$report.jpg'
    """
    try:
        return Path(path).expanduser()
    except RuntimeError:  # there is no such user
        return Path(path)


def mode_of(path: Path) -> int:
    """What is at a path, for `stat.S_ISDIR` and `S_ISREG`; 0 if nothing is or can be there.

    >>> mode_of(Path("x" * 5_000))  # for which `Path.exists` raises an error
    0
    """
    try:
        return path.stat().st_mode
    except (OSError, ValueError):
        return 0


def as_flag(name: str, value: Any) -> bool:
    """A flag that was given as True or False.

    Raises:
        TypeError: it is anything else. A text such as "no" would count as True.

    >>> as_flag("resume", False)
    False
    """
    if not isinstance(value, bool | np.bool_):
        raise TypeError(f"{option(name)} must be True or False, not {shown(value)}.")
    return bool(value)


def _is_too_long(text: str) -> bool:
    try:
        Path(text).stat()
    except OSError as error:
        return error.errno == errno.ENAMETOOLONG
    return False
