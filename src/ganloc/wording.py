"""How messages name what the user typed: options on the command line, arguments in Python."""

import os
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

_ON_COMMAND_LINE = ContextVar("on_command_line", default=False)


@contextmanager
def on_command_line() -> Iterator[None]:
    """Within it, messages speak of options. `cli.main` runs every command in it."""
    before = _ON_COMMAND_LINE.set(True)
    try:
        yield
    finally:
        _ON_COMMAND_LINE.reset(before)


def either(command_line: str, python: str) -> str:
    """The first wording on the command line, the second in Python."""
    return command_line if _ON_COMMAND_LINE.get() else python


def option(name: str, value: Any = None) -> str:
    """A setting as the user writes it, with a value if one is given.

    >>> option("student_rounds"), option("border_weight", 1), option("select", True)
    ('student_rounds', 'border_weight=1', 'select=True')
    >>> with on_command_line():
    ...     option("student_rounds"), option("border_weight", 1), option("select", False)
    ('--student-rounds', '--border-weight 1', '--no-select')
    """
    dashed = name.replace("_", "-")
    if value is None:
        return either(f"--{dashed}", name)
    flag = f"--{dashed}" if value else f"--no-{dashed}"
    return either(flag if isinstance(value, bool) else f"--{dashed} {value}", f"{name}={value!r}")


def listed(choices: Collection[Any], last: str = "or") -> str:
    """Choices as an enumeration in English.

    >>> listed(["red", "green", "blue"])
    'red, green or blue'
    """
    *others, end = map(str, choices)
    return f"{', '.join(others)} {last} {end}" if others else end


def shown(value: Any) -> str:
    """A value in a message: short ones as Python writes them, others by their type alone.

    >>> shown("3"), shown(None), shown([0] * 1000)
    ("'3'", 'None', 'a list')
    """
    if isinstance(value, str | int | float | None):
        try:
            text = repr(value)
        except ValueError:  # Python writes no whole number of more than 4,300 digits
            text = "a number of thousands of digits"
        return text if len(text) <= 60 else f"{text[:50]}…"
    name = type(value).__qualname__
    return f"{'an' if name[:1].lower() in 'aeiou' else 'a'} {name}"


def shown_path(path: str | os.PathLike[str]) -> str:
    """A path in a message, in quotes and on one line; of one too long for any disk, its start.

    >>> shown_path("my photos/"), shown_path("x" * 5_000)[-3:]
    ("'my photos/'", "x'…")
    """
    text = os.fspath(path)
    return repr(text) if len(text) < 1_000 else f"{text[:50]!r}…"
