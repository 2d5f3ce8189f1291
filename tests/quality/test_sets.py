"""Names of sets, and what a `+` behind them changes."""

import numpy as np
import pytest
import sets
from sets import load_set, others_of, plain_and_change, some_of

from ganloc.errors import UserError
from ganloc.images.synthetic import draw_images
from ganloc.images.tiny_imagenet import DEVELOPMENT_SETS, SETS
from tiny_archives import make_tiny_imagenet


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("bear", ("bear", "")),
        ("bear+reframed", ("bear", "reframed")),
        ("bear+20images", ("bear", "20images")),
        ("bear+30%others", ("bear", "30%others")),
    ],
)
def test_a_name_and_its_change(name, expected):
    assert plain_and_change(name) == expected


@pytest.mark.parametrize(
    "change",
    ["cropped", "0images", "-1images", "images", "20", "0%others", "100%others", "%others"],
)
def test_changes_that_there_are_not(change):
    with pytest.raises(UserError, match="200images"):
        plain_and_change(f"bear+{change}")


def test_the_exam_is_refused_under_any_change():
    for change in ("", "+reframed", "+20images", "+30%others"):
        with pytest.raises(UserError, match="six sets"):
            sets.refuse_exam(f"bottle{change}")
    sets.refuse_exam("bear+20images")


def test_fewer_images_are_among_more():
    images = draw_images(30, 32, seed=0)
    few, more = (some_of(images, count, "drawn+") for count in (5, 20))
    assert (len(few), len(more)) == (5, 20)
    assert set(few.names) < set(more.names)
    assert list(few.names) == sorted(few.names)
    assert few.names != images.names[:5]
    index = images.names.index(few.names[3])
    np.testing.assert_array_equal(few.pixels[3], images.pixels[index])
    with pytest.raises(UserError, match="only 30"):
        some_of(images, 31, "drawn+31images")


def test_training_images_are_fewer_and_test_images_stay(tmp_path):
    archive = make_tiny_imagenet(tmp_path / "tiny.zip", SETS["bear"], train=4, val=3)
    train, test = load_set("bear+5images", 32, archive, {})
    whole, same = load_set("bear", 32, archive, {})
    assert train is not None
    assert whole is not None
    assert (len(whole), len(train)) == (12, 5)
    assert set(train.names) < set(whole.names)
    np.testing.assert_array_equal(test.pixels, same.pixels)


def test_others_are_mixed_in_and_test_images_stay(tmp_path):
    everything = [each for name in DEVELOPMENT_SETS for each in SETS[name]]
    archive = make_tiny_imagenet(tmp_path / "tiny.zip", everything, train=4, val=3)
    train, test = load_set("bear+25%others", 32, archive, {})
    whole, same = load_set("bear", 32, archive, {})
    assert train is not None
    assert whole is not None
    assert len(train) == len(whole) * 4 // 3
    assert set(whole.names) <= set(train.names)
    np.testing.assert_array_equal(test.pixels, same.pixels)


def test_others_share_no_class_with_the_set(tmp_path):
    everything = [each for name in DEVELOPMENT_SETS for each in SETS[name]]
    archive = make_tiny_imagenet(tmp_path / "tiny.zip", everything, train=1, val=1)
    assert len(others_of(SETS["bear"], 32, archive)) == len(everything) - 3
    assert len(others_of(SETS["bear"][:1], 32, archive)) == len(everything) - 3
    assert len(others_of((), 32, archive)) == len(everything)
