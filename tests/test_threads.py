"""Threads: what is chosen, what stays, and trainings beside each other and in forked processes."""

import os
import subprocess
import sys
import warnings
from pathlib import Path
from threading import Barrier

import pytest
import torch

import ganloc
from ganloc import threads
from ganloc.errors import Notice
from ganloc.threads import side_by_side, training_threads, usable_cores

ENVIRONMENT = {k: v for k, v in os.environ.items() if not k.startswith(("OMP_", "MKL_", "GOMP_"))}
ENVIRONMENT["PYTHONPATH"] = str(Path(ganloc.__file__).parents[1])


@pytest.fixture
def machine(monkeypatch):
    """Sets cores, load and threads as of a process that has set none, and puts them back."""
    before = torch.get_num_threads()

    def become(cores=8, load=0.0, usual=8, waits=True):
        for name in threads.VARIABLES:
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setattr(threads, "usable_cores", lambda: cores)
        monkeypatch.setattr(os, "cpu_count", lambda: cores)
        monkeypatch.setattr(os, "getloadavg", lambda: (load, 0.0, 0.0))
        monkeypatch.setattr(threads, "USUAL", usual)
        monkeypatch.setattr(ganloc, "WAITS_PASSIVELY", waits)
        torch.set_num_threads(usual)

    yield become
    torch.set_num_threads(before)


def chosen(kept=None):
    before = torch.get_num_threads()
    with training_threads(kept) as number:
        assert torch.get_num_threads() == number
        with training_threads(kept) as within:  # the command's choice is the Localizer's
            assert within == number
    assert torch.get_num_threads() == before
    return number


@pytest.mark.parametrize(
    ("settings", "number"),
    [
        ({}, 8),
        ({"load": 7.0}, 8),  # who waits without spinning does not starve, nor starves others
        ({"cores": 3}, 3),  # a container's quota
        ({"cores": 8, "usual": 4}, 4),  # torch counts no hyperthreads
    ],
)
def test_a_thread_a_core(settings, number, machine):
    machine(**settings)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert chosen() == number


@pytest.mark.parametrize(("load", "number"), [(5.4, 3), (7.9, 1), (20.0, 1)])
def test_where_threads_spin_only_free_cores_are_used_and_told_of(load, number, machine):
    machine(load=load, waits=False)
    with pytest.warns(Notice, match=f"training with {number} threads? of 8"):
        assert chosen() == number


def test_where_threads_spin_on_an_idle_machine_nothing_is_told(machine):
    machine(load=0.3, waits=False)
    assert chosen() == 8


@pytest.mark.parametrize("variable", ["OMP_NUM_THREADS", "MKL_NUM_THREADS", None])
def test_a_number_that_the_user_has_set_stays(variable, machine, monkeypatch):
    machine(cores=2, load=9.0, waits=False)
    if variable is None:
        torch.set_num_threads(5)
    else:
        monkeypatch.setenv(variable, "8")
    assert chosen() == (5 if variable is None else 8)


def test_a_resumed_training_keeps_its_number(machine):
    machine(cores=2, load=9.0, waits=False)
    assert chosen(kept=6) == 6
    torch.set_num_threads(5)
    with pytest.warns(Notice, match="began with 6 threads and goes on with 5: .* last digits"):
        assert chosen(kept=6) == 5
    assert chosen(kept=5) == 5


@pytest.mark.parametrize(
    ("files", "cores"),
    [
        ({}, 8),
        ({"cpu.max": "max 100000\n"}, 8),
        ({"cpu.max": "250000 100000\n"}, 3),
        ({"cpu.max": "10000 100000\n"}, 1),
        ({"cpu/cpu.cfs_quota_us": "-1\n", "cpu/cpu.cfs_period_us": "100000\n"}, 8),
        ({"cpu/cpu.cfs_quota_us": "200000\n", "cpu/cpu.cfs_period_us": "100000\n"}, 2),
        ({"cpu.max": "nonsense"}, 8),
    ],
)
def test_the_cores_of_a_container(files, cores, tmp_path, monkeypatch):
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.setattr(threads, "CGROUP", tmp_path)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)), raising=False)
    assert usable_cores() == cores


@pytest.mark.parametrize(
    ("code", "policy", "said"),
    [
        ("import ganloc", None, "True PASSIVE 4000"),
        ("import torch, ganloc", None, "False None None"),
        ("import ganloc", "ACTIVE", "False ACTIVE None"),
        ("import ganloc", "PASSIVE", "True PASSIVE None"),
        ("import torch, ganloc", "PASSIVE", "True PASSIVE None"),
        ("import os; os.environ['GOMP_SPINCOUNT'] = '7'; import ganloc", None, "True PASSIVE 7"),
    ],
)
def test_who_waits_passively(code, policy, said):
    own = {} if policy is None else {"OMP_WAIT_POLICY": policy}
    asked = "os.environ.get('OMP_WAIT_POLICY'), os.environ.get('GOMP_SPINCOUNT')"
    code += f"; import os; print(ganloc.WAITS_PASSIVELY, {asked})"
    command = [sys.executable, "-c", code]
    found = subprocess.run(command, env=ENVIRONMENT | own, capture_output=True, text=True)
    assert found.stdout.strip() == said, found.stderr


FORKED = """
import multiprocessing, os, sys, warnings
warnings.simplefilter("ignore")
import torch
torch.set_num_threads(2)
import ganloc
from ganloc.images.synthetic import draw_images
images = draw_images(20, 32, 0)
few = {"iterations": 1, "student_iterations": 1, "discriminator_width": 8, "student_width": 8}
own = ganloc.Localizer(device="cpu", size=32, **few).fit(images)
before = [one.box for one in own.localize(images)]
context = multiprocessing.get_context("fork")
with context.Pool(2) as pool:
    found = pool.map_async(own.localize, [images, images]).get(timeout=100)
assert [[one.box for one in part] for part in found] == [before, before]
print(torch.get_num_threads())
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_worker_localizes_after_its_parent_used_torch():
    command = [sys.executable, "-c", FORKED]
    found = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, timeout=200)
    assert found.stdout == "2\n", found.stderr


def test_trainings_side_by_side_meet_in_each_step_and_use_one_thread_each(two_threads):
    both = Barrier(2, timeout=30)  # broken, and so an error, if one waits for the other to end

    def training(number):
        for step in range(3):
            both.wait()
            assert torch.get_num_threads() == 1
            yield 10.0 * number + step

    assert list(side_by_side([training(0), training(1)])) == [0.0, 10.0, 1.0, 11.0, 2.0, 12.0]


def test_trainings_side_by_side_may_end_at_different_steps(two_threads):
    trainings = [iter([1.0, 2.0, 3.0]), iter([]), iter([4.0]), iter([5.0, 6.0])]
    assert list(side_by_side(trainings)) == [1.0, 4.0, 5.0, 2.0, 6.0, 3.0]


def test_an_error_of_a_training_side_by_side_is_raised(two_threads):
    def failing():
        yield 1.0
        raise ValueError("out of memory")

    found = []
    with pytest.raises(ValueError, match="out of memory"):
        found.extend(side_by_side([iter([2.0, 3.0]), failing()]))
    assert found == [2.0, 1.0]


def test_a_stop_of_trainings_side_by_side_leaves_the_threads_as_they_were(two_threads):
    losses = side_by_side([iter([1.0, 2.0])])
    next(losses)
    losses.close()
