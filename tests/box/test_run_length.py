"""Run-length encodings, by hand and as pycocotools writes and reads them."""

import numpy as np
import pytest

from ganloc.box.run_length import encode


def test_runs_go_down_the_columns_and_begin_with_background():
    mask = np.zeros((3, 2), bool)
    mask[1:, 0] = mask[0, 1] = True
    # 1 of background, 3 of mask, 2 of background: as letters 48 + 1, 48 + 3, 48 + 2.
    assert encode(mask, 0, 0, width=2, height=3) == {"size": [3, 2], "counts": "132"}
    # 0, 1, 3, 2, of which the last is written as its difference from 1.
    assert encode(~mask, 0, 0, width=2, height=3)["counts"] == "0131"


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # their own
@pytest.mark.parametrize("seed", range(40))
def test_text_is_that_of_pycocotools(seed):
    tools = pytest.importorskip("pycocotools.mask")
    random = np.random.default_rng(seed)
    height, width = random.integers(1, 60, 2)
    window = random.random((height, width)) < random.choice([0.0, 0.02, 0.3, 0.7, 0.98, 1.0])
    top, left, below, beside = random.integers(0, 100, 4)
    whole = np.pad(window, ((top, below), (left, beside)))
    own = encode(window, int(top), int(left), whole.shape[1], whole.shape[0])
    expected = tools.encode(np.asfortranarray(whole.astype(np.uint8)))
    assert own == {"size": expected["size"], "counts": expected["counts"].decode()}
    np.testing.assert_array_equal(tools.decode(own), whole)


def test_an_empty_window_is_an_empty_mask():
    assert encode(np.zeros((0, 0), bool), 0, 0, width=4, height=5)["counts"] == "d0"  # 20 = 4 + 16
