"""The process of `ganloc` and `python -m ganloc`, which a signal ends without a traceback."""

import os
import signal
import sys
from collections.abc import Callable
from types import FrameType

_SIGNALS = [signal.SIGINT, signal.SIGTERM, getattr(signal, "SIGHUP", signal.SIGTERM)]


def main() -> None:
    """Run the command of this process.

    The first signal ends a command, which cleans up. (A training catches it itself, and saves.) A
    second one, or one outside of a command, ends the process at once. The exit status is 128 + the
    signal's number.
    """
    _on_signal(_quit)  # imports take seconds, and there is nothing to clean up
    from ganloc import cli

    _on_signal(_unwind)
    try:
        cli.main()
    finally:
        _on_signal(_quit)


def _on_signal(handler: Callable[[int, FrameType | None], None]) -> None:
    for number in _SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:  # as nohup does
            signal.signal(number, handler)


def _unwind(number: int, _frame: FrameType | None) -> None:
    _on_signal(_quit)
    if number == signal.SIGINT:
        raise KeyboardInterrupt
    sys.exit(128 + number)


def _quit(number: int, _frame: FrameType | None) -> None:
    os.write(2, b"ganloc: stopped.\n")
    os._exit(128 + number)


if __name__ == "__main__":
    main()
