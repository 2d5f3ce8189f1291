"""Fixtures that several test files use."""

import pytest
import torch


@pytest.fixture(scope="module")
def one_thread():
    """Sums are split over threads, so equality bit for bit needs the same number everywhere."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
