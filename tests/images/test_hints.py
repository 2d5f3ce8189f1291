"""Hints: which images have one, and what is no hint."""

import json

import numpy as np
import pytest

from ganloc.errors import Notice, UserError
from ganloc.images.hints import as_hints, hints_of, read_hints
from ganloc.images.image_set import ImageSet

NAMES = ("day1/a.jpg", "day1/b.jpg", "day2/a.jpg", "day2/c.jpg")


@pytest.fixture
def images():
    pixels = np.arange(4, dtype=np.uint8)[:, None, None, None] * np.ones((1, 8, 8, 3), np.uint8)
    return ImageSet(pixels, NAMES, np.array([[100, 80]] * 4))


def coco(folder, boxes, names=None):
    """A COCO file of images and boxes (x, y, width, height)."""
    names = list(boxes) if names is None else names
    rows = [
        {"id": i, "file_name": name, "width": 100, "height": 80} for i, name in enumerate(names)
    ]
    annotations = [
        {"id": 10 * i + k, "image_id": i, "category_id": 1, "bbox": box}
        for i, name in enumerate(names)
        for k, box in enumerate(boxes.get(name, []))
    ]
    content = {
        "images": rows,
        "annotations": annotations,
        "categories": [{"id": 1, "name": "bird"}],
    }
    path = folder / "hints.coco.json"
    path.write_text(json.dumps(content))
    return path


def test_only_images_with_a_box_are_hints(images, tmp_path):
    path = coco(tmp_path, {"day2/c.jpg": [[10, 20, 30, 40]], "day1/b.jpg": [[0, 0, 5, 5]]})
    hints = read_hints(path, images)
    assert hints.names == ("day1/b.jpg", "day2/c.jpg")
    assert [boxes.tolist() for boxes in hints.truth] == [[[0, 0, 5, 5]], [[10, 20, 40, 60]]]
    assert hints.pixels[:, 0, 0, 0].tolist() == [1, 3]


def test_images_that_nobody_looked_at_say_nothing_unless_told_so(images, tmp_path):
    path = coco(tmp_path, {"day1/b.jpg": [[0, 0, 50, 50]]}, list(NAMES))
    with pytest.warns(Notice, match="3 images without a box .*not used: give None in place"):
        assert read_hints(path, images).names == ("day1/b.jpg",)
    hints = read_hints(path, images, no_object=True)
    assert hints.names == NAMES
    assert [len(boxes) for boxes in hints.truth] == [0, 1, 0, 0]


def test_one_category_counts(images, tmp_path):
    path = coco(tmp_path, {"day1/b.jpg": [[0, 0, 50, 50]]})
    assert len(read_hints(path, images, "bird")) == 1
    with pytest.raises(UserError, match="no boxes of the category 'cat'"):
        read_hints(path, images, "cat")


@pytest.mark.parametrize(
    ("boxes", "message"),
    [
        ({"elsewhere.jpg": [[0, 0, 5, 5]]}, "no entry for any of the 4 images .*elsewhere.jpg"),
        ({"a.jpg": [[0, 0, 5, 5]]}, "no entry for any"),  # of day1 or of day2?
        ({"day1/a.jpg": []}, "no box of these images that counts"),
        ({"day1/a.jpg": [[0.1, 0.1, 0.5, 0.5]]}, "fractions"),
    ],
)
def test_a_file_that_holds_no_hint_of_these_images(boxes, message, images, tmp_path):
    with pytest.raises(UserError, match=message):
        read_hints(coco(tmp_path, boxes), images)


def test_a_dict_of_boxes(images):
    hints = hints_of(
        {"day2/c.jpg": [[1, 2, 3, 4], [5, 6, 100, 80]], "b.jpg": (0, 0, 9.5, 9)}, images
    )
    assert hints.names == ("day1/b.jpg", "day2/c.jpg")
    assert [boxes.tolist() for boxes in hints.truth] == [
        [[0, 0, 9.5, 9]],
        [[1, 2, 3, 4], [5, 6, 100, 80]],
    ]


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ([("a", (0, 0, 5, 5))], TypeError, "hints is a list: give a dict"),
        ({"a.jpg": (0, 0, 5, 5)}, UserError, "could be several"),
        ({"x.jpg": (0, 0, 5, 5)}, UserError, "x.jpg.*write them as the set does, such as day1/a"),
        ({"b.jpg": None}, UserError, "no box"),
        ({}, UserError, "no box"),
        ({"b.jpg": (0, 0, 5)}, TypeError, "hint of b.jpg is a tuple: give x0, y0, x1, y1"),
        ({"b.jpg": "box"}, TypeError, "hint of b.jpg is 'box'"),
        ({"b.jpg": (0, 0, 101, 5)}, UserError, "its image is 100×80"),
        ({"b.jpg": (5, 5, 5, 9)}, UserError, "x0 < x1"),
        ({"b.jpg": (float("nan"), 0, 5, 5)}, UserError, "its image is"),
        ({"b.jpg": (0.1, 0.2, 0.5, 0.9)}, UserError, "fractions"),
    ],
)
def test_what_is_no_hint(given, error, message, images):
    with pytest.raises(error, match=message):
        hints_of(given, images)


def test_hints_as_a_user_gives_them(images, tmp_path):
    path = coco(tmp_path, {"day1/b.jpg": [[0, 0, 50, 50]]})
    for given in (str(path), path, {"day1/b.jpg": (0, 0, 50, 50)}):
        hints = as_hints(given, images)
        assert hints.names == ("day1/b.jpg",)
        assert hints.truth[0].tolist() == [[0, 0, 50, 50]]
        assert as_hints(hints, images) is hints
