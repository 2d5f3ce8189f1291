"""The progress of a training: a bar in a terminal, elsewhere a line now and then."""

import re
from io import StringIO

import pytest
from rich.console import Console

from ganloc.report import progress_bar
from ganloc.report.progress_bar import training_progress

LINE = {"iteration": 50, "discriminator_loss": 1.23456, "border_loss": 0.5,
        "images_per_second": 123.4, "seconds": 2.0}  # fmt: skip


class Terminal(StringIO):
    def isatty(self):
        return True


@pytest.fixture
def clock(monkeypatch):
    """A clock that stands still until a test sets it."""
    now = [100.0]
    monkeypatch.setattr(progress_bar.time, "perf_counter", lambda: now[0])
    return now


def test_the_bar_shows_steps_losses_and_speed(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    out = Terminal()
    with training_progress(200, Console(file=out, width=100, force_terminal=True)) as progress:
        progress(50, LINE)
        progress(150, {"student_loss": 0.25, "images_per_second": 80.0})
        progress(100, LINE)
    shown = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", out.getvalue())
    assert "100/200" in shown
    assert "D 1.235  border 0.500" in shown
    assert "123 images/s" in shown
    assert "\x1b" in out.getvalue()


def lines_of(steps, iterations=1000, clock=None, seconds=0.0, until=None, **console):
    out = StringIO()
    with training_progress(iterations, Console(file=out, width=40, **console), until) as progress:
        for step in steps:
            progress(step, LINE)
            if clock is not None:
                clock[0] += seconds
    assert not re.search(r"[\x00-\x09\x0b-\x1f]", out.getvalue())  # no control characters
    return out.getvalue().splitlines()


@pytest.mark.parametrize("console", [{}, {"force_terminal": True}])  # as by FORCE_COLOR
def test_elsewhere_a_line_every_tenth_of_the_steps_and_the_last(console, clock):
    found = lines_of(range(50, 1001, 50), **console)
    assert [line.split("/")[0] for line in found] == [str(n) for n in range(50, 951, 100)] + [
        "1000"
    ]
    assert found[0] == "50/1000  D 1.235  border 0.500  123 images/s"  # not broken at 40 columns


def test_a_slow_training_gets_a_line_every_half_minute(clock):
    steps = range(10, 101, 10)
    assert len(lines_of(steps, 10_000, clock, seconds=10.0)) == 4  # at 0, 30, 60 and 90 seconds
    assert len(lines_of(steps, 10_000, clock, seconds=29.0)) == 5
    assert len(lines_of(steps, 10_000, clock, seconds=31.0)) == 10


def test_the_time_left_is_what_was_expected_and_then_what_is_seen(clock):
    # Ten iterations of a second, then ten steps of four seconds, on a machine half as fast.
    def until(step):
        return step + 3.0 * max(0, step - 10)

    found, out = {}, StringIO()
    with training_progress(20, Console(file=out), until) as progress:
        for step in (1, 5, 10, 15, 20):
            clock[0] = 100.0 + 2.0 * until(step)
            progress(step, LINE)
    for line in out.getvalue().splitlines():
        found[line.split("/")[0]] = line.partition("images/s")[2].strip()
    assert found == {
        "1": "about 50 seconds left",  # 49 as expected
        "5": "about 2 minutes left",  # 2 × 45 seconds
        "10": "about 80 seconds left",
        "15": "about 40 seconds left",
        "20": "",
    }


def test_without_an_expectation_all_steps_are_alike(clock):
    out = StringIO()
    with training_progress(100, Console(file=out)) as progress:
        for step in (10, 20, 60):
            clock[0] += 60.0
            progress(step, LINE)
    rest = [line.partition("images/s")[2].strip() for line in out.getvalue().splitlines()]
    assert rest == ["", "about 8 minutes left", "about 2 minutes left"]
