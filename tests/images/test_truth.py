import json
import warnings

import numpy as np
import pytest

from ganloc.box.detections import Detections
from ganloc.box.formats import write_coco
from ganloc.errors import Notice, UserError
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
            annotation("x", [0, 0, 100, 50], iscrowd=0),
            annotation(9, [5, 5, 5, 5]),
        ],
    )
    given = images("a.png", "b.png")
    with pytest.warns(Notice, match=r"truth\.json: 1 entry of other images \(elsewhere\.png\)\.$"):
        found = read_coco(path, given)
    assert found.truth is not None
    assert found.truth[0].tolist() == [[1, 2, 4, 6], [0, 0, 100, 50]]
    assert found.truth[1].tolist() == [[10.5, 0, 30.75, 50]]
    assert found.pixels is given.pixels
    assert given.truth is None


def test_no_annotation_and_crowds_give_no_boxes(write):
    path = write([image(1, "a.png"), image(2, "b.png")], [annotation(2, [0, 0, 9, 9], iscrowd=1)])
    with pytest.warns(Notice, match=r": 1 crowd left out \(b\.png\)\.$"):
        found = read_coco(path, images("a.png", "b.png")).truth
    assert found is not None
    assert [boxes.shape for boxes in found] == [(0, 4), (0, 4)]


def test_the_whole_name_goes_before_the_base_name(write):
    path = write(
        [image(1, "one/a.png"), image(2, "two\\a.png"), image(3, "/old/new/b.png")],
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
        (["day1/a.png"], ["day2/a.png"], r"1 of 1 images .*day2/a\.png"),
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
        ([image(1, "a.png")], [annotation(1, [0, 0, float("nan"), 1])], "nan is not finite"),
        ([image(1, "a.png")], [annotation(1, [0, float("inf"), 9, 9])], "inf is not finite"),
        ([image(1, "a.png")], [annotation(1, [0, 10**400, 9, 9])], "too large"),
        ([image(1, "a.png")], [annotation(1, [0, None, 9, 9])], "no number is None"),
        ([image(1, "a.png")], [annotation(1, [0, True, 9, 9])], "no number is True"),
        ([image(1, "a.png")], [annotation(1, [0, "left", 9, 9])], "left"),
        ([image(1, "a.png")], [annotation(1, [0, 0, 9, 9], iscrowd="maybe")], "iscrowd is 'maybe'"),
        ([image(1, "a.png")], [annotation(1, [0, 0, 9, 9], iscrowd=2)], "iscrowd is 2"),
        ([image(1, "a.png")], [annotation(1, [0, 0, 9, 9], iscrowd=[])], "iscrowd"),
        ([image(1, "a.png", width=9.5, height=3)], [], "images.*9.5"),
        ([image(1, "a.png", width=9, height=3), image(2, "a.png")], [], "another size"),
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


def read(path, *names, category=None):
    """The boxes of each image, and the parts of what was told."""
    with warnings.catch_warnings(record=True) as given:
        warnings.simplefilter("always")
        found = read_coco(path, images(*(names or ("a.png",))), category).truth
    assert found is not None
    told = "".join(str(notice.message) for notice in given)
    return [boxes.tolist() for boxes in found], told.removeprefix(f"{path}: ").rstrip(".")


def boxes_of_one(write, *bboxes, **more):
    return read(write([image(1, "a.png")], [annotation(1, bbox, **more) for bbox in bboxes]))


@pytest.mark.parametrize("crowd", [0, False, None, "0", "false", "False", ""])
def test_no_crowd(write, crowd):
    assert boxes_of_one(write, [5, 5, 20, 20], iscrowd=crowd)[0] == [[[5, 5, 25, 25]]]


@pytest.mark.parametrize("crowd", [1, True, "1", "true"])
def test_a_crowd(write, crowd):
    assert boxes_of_one(write, [5, 5, 20, 20], iscrowd=crowd) == ([[]], "1 crowd left out (a.png)")


def test_numbers_as_text_are_read_and_told(write):
    found, said = boxes_of_one(write, ["5", "5.5", "20", 20])
    assert found == [[[5, 5.5, 25, 25.5]]]
    assert said == "1 box with numbers written as text, read (a.png)"
    path = write([image(1, "a.png", width="100", height="50")], [])
    assert read(path) == ([[]], "")


def test_duplicates(write):
    entries = [image(1, "a.png"), image(2, "a.png")]
    rows = [annotation(1, [5, 5, 20, 20], id=7), annotation(2, [5, 5, 20, 20], id=7)]
    found, said = read(write(entries, [*rows, annotation(2, [6, 5, 20, 20], id=8)]))
    assert found == [[[5, 5, 25, 25], [6, 5, 26, 25]]]
    assert said == (
        "names of images that stand there again: 1 (boxes are joined); "
        "ids of annotations that stand there again: 1 (boxes are kept); "
        "1 box that stands there twice left out (a.png)"
    )


def of_categories(write, categories):
    rows = [annotation(1, [n, 5, 20, 20], category_id=c) for n, c in enumerate((3, 3, 4))]
    path = write([image(1, "a.png")], rows)
    path.write_text(json.dumps({**json.loads(path.read_text()), "categories": categories}))
    return path


def test_several_categories_are_told_of_and_one_is_chosen(write):
    path = of_categories(write, [{"id": 3, "name": "bird"}, {"id": 4, "name": "cat"}])
    every, said = read(path)
    assert len(every[0]) == 3
    assert said == "2 categories (bird 2, cat 1) all count: choose one by category"
    assert read(path, category="cat") == ([[[2, 5, 22, 25]]], "")
    with pytest.raises(UserError, match=r"no boxes of the category 'dog'.*\(bird 2, cat 1\)"):
        read(path, category="dog")


def test_categories_without_a_name_go_by_their_id(write):
    path = of_categories(write, [])
    assert read(path, category="4") == ([[[2, 5, 22, 25]]], "")


@pytest.mark.parametrize("category", [{"name": "x"}, {"id": 3}, "x", {"id": [], "name": "x"}])
def test_a_malformed_category(write, category):
    with pytest.raises(UserError, match=r"malformed row in categories"):
        read(of_categories(write, [category]))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_byte_order_marks(write, encoding):
    path = write([image(1, "é.png")], [annotation(1, [5, 5, 20, 20])])
    text = json.dumps(json.loads(path.read_text()), ensure_ascii=False)
    path.write_bytes(text.encode(encoding))
    assert read(path, "é.png") == ([[[5, 5, 25, 25]]], "")


def test_names_as_other_programs_write_them(write):
    names = ["cafe\u0301.png", "my photo.png", "set/a.png", "caf\u00e9 2.png"]
    entries = ["caf\u00e9.png", "my%20photo.png", "set\\a.png", "./cafe\u0301%202.png"]
    rows = [annotation(key, [key + 2, 5, 20, 20]) for key in range(4)]
    path = write([image(key, name) for key, name in enumerate(entries)], rows)
    found, said = read(path, *names)
    assert [boxes[0][0] for boxes in found] == [2, 3, 4, 5]
    assert said == ""


ODD = ("a b.png", "a%20b.png", "caf\u00e9.png", "cafe\u0301.png", "back\\slash.png", "./dot.png")
ODDER = (
    "two\nlines.png",
    "\ufeffmark.png",
    "100%.png",
    "日/本.png",
    "a",
    "d/a",
    '"q".png',
    " .png",
)


def test_what_ganloc_writes_is_read_back_whatever_the_names(tmp_path):
    given = images(*ODD, *ODDER)
    boxes = np.random.default_rng(0).random((len(given), 2, 2)).cumsum(1).reshape(-1, 4) / 2
    found = Detections.one_each(boxes, np.zeros((len(given), 4, 4)), np.ones(len(given)))
    write_coco(tmp_path / "boxes.json", given, found)
    read_back, said = read(tmp_path / "boxes.json", *given.names)
    assert said == ""
    np.testing.assert_allclose(np.concatenate(read_back), given.in_pixels(boxes), atol=0.0051)
