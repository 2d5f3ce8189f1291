"""Fixtures that several test files use."""

import dataclasses
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from cli_runs import images_truth_and_run
from ganloc import method
from ganloc.student import learn_hints


@pytest.fixture(scope="module")
def one_thread():
    """Sums are split over threads, so equality bit for bit needs the same number everywhere."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def two_threads():
    """Torch with two threads, whatever the machine, put back and checked at the end."""
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    with ThreadPoolExecutor(1) as pool:  # a later thread takes the number that is set for all
        assert pool.submit(torch.get_num_threads).result() == torch.get_num_threads() == 2
    torch.set_num_threads(before)


@pytest.fixture(scope="session", autouse=True)
def students_count_as_learned():
    """Students of a few steps learn nothing, and would not be delivered (method.py)."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(method, "learned", lambda boxes, taught: 0.1)
        yield


@pytest.fixture
def short_hints(monkeypatch):
    """Trainings by hints of two steps each."""
    starts = learn_hints.STARTS.items()
    own = {name: dataclasses.replace(start, steps=2) for name, start in starts}
    monkeypatch.setattr(learn_hints, "STARTS", own)
    monkeypatch.setattr(learn_hints, "FINAL_STEPS", 2)


@pytest.fixture(scope="session")
def work(tmp_path_factory):
    """Images, their truth and a run on them (cli_runs.py), to be read alone."""
    folder = tmp_path_factory.mktemp("work")
    images_truth_and_run(folder)
    return folder
