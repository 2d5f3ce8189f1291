"""Ctrl-C, SIGTERM and a closed terminal as a flag, which a training checks when it can stop."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

_STOPPING = [getattr(signal, name, None) for name in ("SIGINT", "SIGTERM", "SIGHUP")]


@contextmanager
def stop_signal() -> Iterator[Callable[[], int]]:
    """Catch the first SIGINT, SIGTERM or SIGHUP. A second one has its usual effect.

    What the process ignores (SIGHUP by nohup) stays ignored. Python can't catch signals outside the
    main thread: the function then always returns 0.

    Yields:
        A function that returns the number of the signal that was received, or 0.
    """
    came: list[int] = []
    before: dict[signal.Signals, Any] = {}

    def note(number: int, _frame: object) -> None:
        came.append(number)
        for name, handler in before.items():
            signal.signal(name, handler)

    try:
        for name in filter(None, _STOPPING):  # Windows has no SIGHUP
            if signal.getsignal(name) is not signal.SIG_IGN:
                before[name] = signal.getsignal(name)
                signal.signal(name, note)
    except ValueError:
        before.clear()
    try:
        yield lambda: came[0] if came else 0
    finally:
        for name, handler in before.items():
            signal.signal(name, handler)
