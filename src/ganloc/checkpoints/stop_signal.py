"""Ctrl-C and SIGTERM as a flag, which a training checks when it can stop."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from signal import SIGINT, SIGTERM, Signals, getsignal, signal
from typing import Any


@contextmanager
def stop_signal() -> Iterator[Callable[[], bool]]:
    """Catch the first SIGINT or SIGTERM. A second one has its usual effect.

    Python can't catch signals outside the main thread: the function then always returns False.

    Yields:
        A function that returns whether a signal was received.
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
