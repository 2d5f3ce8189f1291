import json

import numpy as np
import pytest

from ganloc.errors import UserError
from ganloc.images.image_set import ImageSet
from ganloc.images.truth import read_coco


def images(*names: str) -> ImageSet:
    count = len(names)
    sizes = np.array([[100, 50]] * count).reshape(-1, 2)
    return ImageSet(np.zeros((count, 4, 4, 3), np.uint8), names, sizes)


def image(key, name, **more):
    return {"id": key, "file_name": name, **more}


def annotation(key, bbox, **more):
    return {"image_id": key, "bbox": bbox, "category_id": 1, **more}


@pytest.fixture
def write(tmp_path):
    def to_file(entries, annotations):
        path = tmp_path / "truth.json"
        path.write_text(json.dumps({"images": entries, "annotations": annotations}))
        return path

    return to_file


def test_boxes_are_corners_and_stay_with_their_image(write):
    path = write(
        [image(7, "b.png"), image("x", "a.png", width=100, height=50), image(9, "elsewhere.png")],
        [
            annotation("x", [1, 2, 3, 4]),
            annotation(7, [10.5, 0, 20.25, 50]),
            annotation("x", [0, 0, 100, 50], category_id=2, iscrowd=0),
            annotation(9, [5, 5, 5, 5]),
        ],
    )
    given = images("a.png", "b.png")
    found = read_coco(path, given)
    assert found.truth is not None
    assert found.truth[0].tolist() == [[1, 2, 4, 6], [0, 0, 100, 50]]
    assert found.truth[1].tolist() == [[10.5, 0, 30.75, 50]]
    assert found.pixels is given.pixels
    assert given.truth is None


def test_no_annotation_and_crowds_give_no_boxes(write):
    path = write([image(1, "a.png"), image(2, "b.png")], [annotation(2, [0, 0, 9, 9], iscrowd=1)])
    found = read_coco(path, images("a.png", "b.png")).truth
    assert found is not None
    assert [boxes.shape for boxes in found] == [(0, 4), (0, 4)]


def test_the_whole_name_goes_before_the_base_name(write):
    path = write(
        [image(1, "one/a.png"), image(2, "two\\a.png"), image(3, "old/b.png")],
        [annotation(key, [key, 0, 1, 1]) for key in (1, 2, 3)],
    )
    found = read_coco(path, images("new/b.png", "one/a.png", "two/a.png")).truth
    assert found is not None
    assert [boxes[0, 0] for boxes in found] == [3, 1, 2]


@pytest.mark.parametrize(
    ("entries", "names", "missing"),
    [
        (["a.png"], ["a.png", "b.png", "c.png"], r"2 of 3 images .*b\.png"),
        (["one/a.png", "two/a.png"], ["a.png"], r"1 of 1 images .*a\.png"),
        (["a.png"], ["a.png", "other/a.png"], r"1 of 2 images .*other/a\.png"),
    ],
)
def test_images_without_an_entry(write, entries, names, missing):
    path = write([image(key, name) for key, name in enumerate(entries)], [])
    with pytest.raises(UserError, match=missing):
        read_coco(path, images(*names))


def test_another_size_is_refused(write):
    path = write([image(1, "a.png", width=50, height=100)], [])
    with pytest.raises(UserError, match=r"a\.png is 50×100 pixels and it is 100×50"):
        read_coco(path, images("a.png"))


@pytest.mark.parametrize(
    ("entries", "annotations", "culprit"),
    [
        ([{"id": 1}], [], "images.*file_name"),
        ([image(1, 5)], [], "images"),
        ([image(1, "a.png"), image(1, "b.png")], [], "also that of a.png"),
        ([image(1, "a.png")], [annotation("1", [0, 0, 1, 1])], "annotations"),
        ([image(1, "a.png")], [{"image_id": 1}], "annotations.*bbox"),
        ([image(1, "a.png")], [annotation(1, [0, 0, 1])], "annotations"),
        ([image(1, "a.png")], [annotation(1, [0, 0, -1, 1])], r"no box is \[0, 0, -1, 1\]"),
        ([image(1, "a.png")], [annotation(1, [0, 0, float("nan"), 1])], "no box is"),
        ([image(1, "a.png")], [annotation(1, None)], "annotations"),
        ([image(1, "a.png")], ["oops"], "annotations.*oops"),
        ({}, [], "no list of images"),
        ([], None, "no list of annotations"),
    ],
)
def test_malformed_rows(write, entries, annotations, culprit):
    path = write(entries, annotations)
    with pytest.raises(UserError, match=rf"truth\.json.*{culprit}"):
        read_coco(path, images("a.png"))


@pytest.mark.parametrize("content", [b"{", b"\xff\xfe\x00", b"[1]", b"", b"[" * 100_000])
def test_not_coco(tmp_path, content):
    path = tmp_path / "truth.json"
    path.write_bytes(content)
    with pytest.raises(UserError, match=r"truth\.json"):
        read_coco(path, images("a.png"))


def test_no_file(tmp_path):
    with pytest.raises(UserError, match=r"No truth file at .*gone\.json"):
        read_coco(tmp_path / "gone.json", images("a.png"))
    with pytest.raises(UserError, match="Cannot read"):
        read_coco(tmp_path, images("a.png"))
