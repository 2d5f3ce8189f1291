"""Torch's threads: how many a training uses, several trainings at a time, and forked processes.

OpenMP's threads spin while they wait for each other. Beside another busy process that costs ten
times the time and more, since the one that all wait for gets no core. `ganloc/__init__.py` asks for
waiting with hardly any spinning (OMP_WAIT_POLICY, GOMP_SPINCOUNT), which must be done before torch
is loaded. It changes no result. If torch was loaded earlier, a training on a busy machine uses
fewer threads instead.
"""

import math
import os
import warnings
from collections.abc import Generator, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

import torch

import ganloc
from ganloc.errors import Notice

USUAL = torch.get_num_threads()  # what another number is told from, which the user has set
_WITHIN = ContextVar("within", default=False)
CGROUP = Path("/sys/fs/cgroup")
VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS")

# GNU's OpenMP waits for ever for the threads of the parent, which a fork does not copy.
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=lambda: torch.set_num_threads(1))


@contextmanager
def training_threads(kept: int | None = None) -> Iterator[int]:
    """Set torch's number of threads for a training, and put the earlier number back.

    The number changes the last digits of sums, and so the boxes a little. A number that the user
    has set (OMP_NUM_THREADS, torch.set_num_threads) stays.

    Args:
        kept: the number with which a training began that is resumed; None for a new one.

    Yields:
        The number of threads.
    """
    before = torch.get_num_threads()
    if _WITHIN.get():  # `train` has chosen, and told of it, before the Localizer would
        yield before
        return
    number, reason = before, ""
    if not _set_by_user(before):
        number, reason = (kept, "") if kept else _sensible(before)
    elif kept and kept != before:
        reason = (
            f"The training began with {_counted(kept)} and goes on with {before}: its numbers will "
            "differ in the last digits."
        )
    if reason:
        warnings.warn(reason, Notice, stacklevel=4)
    torch.set_num_threads(number)
    within = _WITHIN.set(True)
    try:
        yield number
    finally:
        _WITHIN.reset(within)
        torch.set_num_threads(before)


def side_by_side(trainings: Iterable[Iterator[float]]) -> Generator[float]:
    """Run trainings at the same time, each on one thread, yielding their losses step by step.

    Threads gain more between trainings than within a step on few images. Each training gives the
    same numbers as alone on one thread.

    Args:
        trainings: iterators over the losses of steps, which share no state.
    """
    running, threads = list(trainings), torch.get_num_threads()
    try:
        with ThreadPoolExecutor(threads, "training", torch.set_num_threads, (1,)) as pool:
            while running:
                losses = list(pool.map(_step, running))
                yield from (loss for loss in losses if loss is not None)
                each = zip(running, losses, strict=True)
                running = [training for training, loss in each if loss is not None]
    finally:
        torch.set_num_threads(threads)  # some libraries have one number for all threads


def _step(training: Iterator[float]) -> float | None:
    return next(training, None)


def usable_cores() -> int:
    """The cores that this process may use, by its affinity and the quota of its container."""
    cores = os.cpu_count() or 1
    if hasattr(os, "sched_getaffinity"):
        cores = len(os.sched_getaffinity(0))
    return max(1, math.ceil(min(cores, _quota())))


def _set_by_user(number: int) -> bool:
    return number != USUAL or any(os.environ.get(name) for name in VARIABLES)


def _sensible(usual: int) -> tuple[int, str]:
    """The number of threads of a new training, and why it is lower than the cores would allow."""
    most = min(usual, usable_cores())
    if ganloc.WAITS_PASSIVELY or not hasattr(os, "getloadavg"):
        return most, ""
    free = round((os.cpu_count() or 1) - os.getloadavg()[0])
    number = max(1, min(most, free))
    if number == most:
        return most, ""
    return number, (
        f"Other programs are at work: training with {_counted(number)} of {most}. Import ganloc "
        "before torch, or set torch.set_num_threads, for a number that does not depend on them."
    )


def _quota() -> float:
    """Cores by the quota of the container (cgroup, version 2 or 1); infinite without one."""
    try:
        limit, period = (CGROUP / "cpu.max").read_text().split()
    except (OSError, ValueError):
        try:
            limit = (CGROUP / "cpu" / "cpu.cfs_quota_us").read_text()
            period = (CGROUP / "cpu" / "cpu.cfs_period_us").read_text()
        except OSError:
            return math.inf
    try:
        return int(limit) / int(period) if int(limit) > 0 else math.inf
    except (ValueError, ZeroDivisionError):  # "max"
        return math.inf


def _counted(number: int) -> str:
    return f"{number} thread" if number == 1 else f"{number} threads"
