"""Folders with other images among their own."""

import numpy as np
import pytest
from mixed import mixed

from ganloc.errors import UserError
from ganloc.images.synthetic import draw_images


def test_so_many_others_in_random_order_and_without_boxes():
    own, others = draw_images(30, 32, seed=0), draw_images(50, 32, seed=1)
    both, foreign = mixed(own, others, percent=25, seed=0)
    assert len(both) == 40
    assert foreign.sum() == 10
    assert both.truth is not None
    assert [len(boxes) == 0 for boxes in both.truth] == foreign.tolist()
    assert [name.startswith("other/") for name in both.names] == foreign.tolist()
    assert not foreign[:30].all()
    assert foreign[:30].any()
    index = int(np.flatnonzero(foreign)[3])
    source = others.names.index(both.names[index].removeprefix("other/"))
    np.testing.assert_array_equal(both.pixels[index], others.pixels[source])
    again, _ = mixed(own, others, percent=25, seed=1)
    assert again.names != both.names


def test_without_truth_there_is_none():
    own, others = draw_images(30, 32, seed=0), draw_images(50, 32, seed=1)
    both, _ = mixed(own.unlabelled(), others, percent=10, seed=0)
    assert both.truth is None
    assert len(both) == 33


def test_more_others_than_there_are():
    own, others = draw_images(30, 32, seed=0), draw_images(5, 32, seed=1)
    with pytest.raises(UserError, match="need 8, and there are only 5"):
        mixed(own, others, percent=20, seed=0)
