"""Ctrl-C and SIGTERM as a flag, which a training checks when it can stop."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from signal import SIGINT, SIGTERM, Signals, getsignal, signal
from typing import Any


@contextmanager
def stop_signal() -> Iterator[Callable[[], int]]:
    """Catch the first SIGINT or SIGTERM. A second one has its usual effect.

    Python can't catch signals outside the main thread: the function then always returns 0.

    Yields:
        A function that returns the number of the signal that was received, or 0.
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
        yield lambda: came[0] if came else 0
    finally:
        for name, handler in before.items():
            signal(name, handler)
