"""Signals to a process of ganloc at every moment: no traceback, and a status that says which."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import ganloc

ENVIRONMENT = {
    **os.environ,
    "OMP_NUM_THREADS": "1",
    "PYTHONPATH": str(Path(ganloc.__file__).parents[1]),
}

# What `python -m ganloc` runs, which tells where it is and waits there.
IN_IMPORT = """
import sys, types
class Slow:
    def find_spec(self, name, path=None, target=None):
        if name == "tyro":
            import time
            print("here", flush=True)
            time.sleep(60)
sys.meta_path.insert(0, Slow())
from ganloc.__main__ import main
main()
"""
IN_COMMAND = """
import sys, time
from ganloc import cli
from ganloc.__main__ import main
def slow():
    try:
        print("here", flush=True)
        time.sleep(60)
    finally:
        print("cleaned up", flush=True)
        {later}
cli.COMMANDS["demo"] = slow
sys.argv = ["ganloc", "demo"]
main()
"""
AT_THE_END = """
import sys, time, atexit
from ganloc import cli
from ganloc.__main__ import main
def wait():
    print("here", flush=True)
    time.sleep(60)
atexit.register(wait)
cli.COMMANDS["demo"] = lambda: None
sys.argv = ["ganloc", "demo"]
main()
"""
INT, TERM = signal.SIGINT, signal.SIGTERM


@pytest.fixture(autouse=True)
def _heeds_interrupts():
    """A job of a shell ignores SIGINT, and its children would."""
    usual = signal.signal(INT, signal.default_int_handler)
    yield
    signal.signal(INT, usual)


def ended_by(code, *numbers):
    """Exit status and output of a process that gets signals, each after it printed a line."""
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen([sys.executable, "-c", code], env=ENVIRONMENT, **pipes) as process:
        assert process.stdout is not None
        said = []
        for number in numbers:
            said.append(process.stdout.readline().strip())
            process.send_signal(number)
        output, errors = process.communicate(timeout=60)
    return process.returncode, [*said, *output.split("\n")[:-1]], errors


@pytest.mark.parametrize(
    ("code", "numbers", "status", "said"),
    [
        (IN_IMPORT, [INT], 130, ["here"]),
        (IN_IMPORT, [TERM], 143, ["here"]),
        (IN_COMMAND.format(later=""), [INT], 130, ["here", "cleaned up"]),
        (IN_COMMAND.format(later=""), [TERM], 143, ["here", "cleaned up"]),
        (IN_COMMAND.format(later="time.sleep(60)"), [INT, INT], 130, ["here", "cleaned up"]),
        (IN_COMMAND.format(later="time.sleep(60)"), [INT, TERM], 143, ["here", "cleaned up"]),
        (IN_COMMAND.format(later="time.sleep(60)"), [TERM, INT], 130, ["here", "cleaned up"]),
        (AT_THE_END, [INT], 130, ["here"]),
        (AT_THE_END, [TERM], 143, ["here"]),
    ],
)
def test_a_signal_ends_without_a_traceback(code, numbers, status, said):
    found = ended_by(code, *numbers)
    assert found[:2] == (status, said)
    assert found[2] in ("", "ganloc: stopped.\n")


@pytest.mark.parametrize("seconds", [0.1, 0.3, 0.6])
def test_an_interrupt_at_whatever_moment_of_the_start(seconds):
    command = [sys.executable, "-m", "ganloc", "train", "typo", "--out", "new"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, env=ENVIRONMENT, **pipes) as process:
        time.sleep(seconds)
        process.send_signal(INT)
        process.send_signal(INT)
        _, errors = process.communicate(timeout=60)
    if "__main__.py" in errors or "cli.py" in errors or "Traceback" not in errors:
        # else Python itself was still starting
        assert "Traceback" not in errors
        # A shell shows -2 as 130 too: Python was ending, and had given its handlers back.
        assert process.returncode in (130, 2, -INT)


def test_an_interrupt_that_was_ignored_from_the_start_stays_ignored():
    signal.signal(INT, signal.SIG_IGN)
    code = IN_COMMAND.format(later="").replace("time.sleep(60)", "time.sleep(0.2)")
    assert ended_by(code, INT)[:2] == (0, ["here", "cleaned up"])


@pytest.mark.parametrize("arguments", [["--help"], ["train", "--help"], ["--version"]])
def test_a_reader_that_has_enough_is_no_error(arguments):
    command = [sys.executable, "-m", "ganloc", *arguments]
    with subprocess.Popen(
        command, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        process.stdout.close()
        assert process.stderr is not None
        assert process.stderr.read() == b""
    assert process.returncode in (0, 141)
