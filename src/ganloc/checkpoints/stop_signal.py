"""Ctrl-C and SIGTERM as a question that a training asks when it can stop."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from signal import SIGINT, SIGTERM, Signals, getsignal, signal
from typing import Any


@contextmanager
def stop_signal() -> Iterator[Callable[[], bool]]:
    """A function that tells whether SIGINT or SIGTERM came; a second one kills as usual.

    Outside the main thread, where Python can't catch signals, it always says no.
    """
    came: list[int] = []
    before: dict[Signals, Any] = {}

    def note(number: int, _frame: object) -> None:
        came.append(number)
        for name, handler in before.items():
            signal(name, handler)

    try:
        for name in (SIGINT, SIGTERM):
            before[name] = getsignal(name)
            signal(name, note)
    except ValueError:
        before.clear()
    try:
        yield lambda: bool(came)
    finally:
        for name, handler in before.items():
            signal(name, handler)
