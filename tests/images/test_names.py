"""Names: one form for every comparison, and what no image is called."""

import unicodedata

import pytest

from ganloc.images.names import (
    first_few,
    litter,
    match_names,
    normal_form,
    path_inside,
    printable,
)

LOOSE = unicodedata.normalize("NFD", "vögel/straße é.jpg")  # as macOS writes it
TIGHT = "vögel/straße é.jpg"


@pytest.mark.parametrize(
    "name", [LOOSE, "vögel\\straße é.jpg", "./" + TIGHT, ".\\" + LOOSE, "\ufeff" + TIGHT]
)
def test_every_spelling_has_one_form(name):
    assert name != TIGHT
    assert normal_form(name) == TIGHT


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("set\\photo.jpg", "set/photo.jpg"),
        ("./a//b/./c.jpg", "a/b/c.jpg"),
        ("a/../b.jpg", "b.jpg"),
        ("../a.jpg", None),
        ("a/../../b.jpg", None),
        ("..\\a.jpg", None),
        ("/a.jpg", None),
        ("//server/a.jpg", None),
        ("\\\\server\\a.jpg", None),
        ("C:\\photos\\a.jpg", None),
        ("c:a.jpg", None),
        ("..a.jpg", "..a.jpg"),
        ("12:30.jpg", "12:30.jpg"),
    ],
)
def test_where_an_entry_of_an_archive_lies(name, path):
    assert path_inside(name) == path


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("@eaDir/a.jpg/SYNOPHOTO_THUMB_M.jpg", "@eaDir"),
        ("day/$RECYCLE.BIN/$R1.jpg", "day/$RECYCLE.BIN"),
        ("#recycle/a.jpg", "#recycle"),
        ("System Volume Information/a", "System Volume Information"),
        ("lost+found/#12", "lost+found"),
        ("day/._a.jpg", "day/._a.jpg"),
        ("day/Thumbs.db", "day/Thumbs.db"),
        (".DS_Store", ".DS_Store"),
        ("__MACOSX/a.jpg", "__MACOSX"),
        ("DCIM/.thumbnails/1.jpg", "DCIM/.thumbnails"),
        ("a/.AppleDouble/a.jpg", "a/.AppleDouble"),
        ("MVI_1.THM", "MVI_1.THM"),  # a JPEG beside a video
        ("a.jpg~", "a.jpg~"),
        ("a.jpg.bak", "a.jpg.bak"),
        ("a.jpg_original", "a.jpg_original"),
        ("a.jpg.crdownload", "a.jpg.crdownload"),
        ("a.jpg", None),
        ("dog_original/a.jpg", None),
        ("birds.bak/a.jpg", None),
        ("recycle/thumbs/a.jpg", None),
        ("lost/found.jpg", None),
    ],
)
def test_litter(name, found):
    assert litter(name) == found


def test_messages_stay_on_one_line():
    assert printable("a\nb\t\x1b[31m\udcff é.jpg") == "a\\nb\\t\\x1b[31m\\udcff é.jpg"
    assert first_few(["a", "b\n", "c"]) == "a, b\\n, c"


@pytest.mark.parametrize(
    ("name", "other"),
    [
        (TIGHT, LOOSE),
        (LOOSE, TIGHT),
        ("set/a.jpg", "set\\a.jpg"),
        ("my photo.jpg", "my%20photo.jpg"),
        ("my%20photo.jpg", "my photo.jpg"),
        (LOOSE, "v%C3%B6gel/stra%C3%9Fe%20%C3%A9.jpg"),
        ("100%.jpg", "100%.jpg"),
    ],
)
@pytest.mark.parametrize("by_ending", [False, True])
def test_spellings_of_one_file(name, other, by_ending):
    assert match_names([name, "else.jpg"], ["third.jpg", other], by_ending) == [1, None]


def test_equal_names_go_before_equal_forms():
    names = [TIGHT, LOOSE, "a b.jpg", "a%20b.jpg"]
    assert match_names(names, names[::-1]) == [3, 2, 1, 0]


def test_what_could_be_two_files_is_none():
    assert match_names(["é"], ["./é", "e\u0301"]) == [None]
    assert match_names(["./é", "e\u0301"], ["é"]) == [None, None]


@pytest.mark.parametrize(
    ("names", "others", "found"),
    [
        (["a.jpg"], ["day1/a.jpg"], [0]),
        (["day1/a.jpg"], ["a.jpg"], [0]),
        (["day1/a.jpg"], ["/home/me/day1/a.jpg"], [0]),
        (["day1/a.jpg"], ["C:\\me\\day1\\a.jpg"], [0]),
        (["day 1/a.jpg"], ["https://host/day%201/a.jpg"], [0]),
        (["day2/a.jpg"], ["day1/a.jpg"], [None]),  # another folder
        (["xa.jpg"], ["a.jpg"], [None]),
        (["a.jpg"], ["day1/a.jpg", "day2/a.jpg"], [None]),
        (["day1/a.jpg", "day2/a.jpg"], ["a.jpg"], [None, None]),
        (["day1/a.jpg", "day2/a.jpg"], ["a.jpg", "day1/a.jpg"], [1, None]),
        (["day1/a.jpg", "day2/a.jpg"], ["x/day2/a.jpg", "x/day1/a.jpg"], [1, 0]),
        # as Label Studio exports what was uploaded to it
        (["day1/a.jpg"], ["../data/media/upload/4/6ad68067-a.jpg"], [0]),
        (["my photo (1).jpg"], ["upload/4/6ad68067-my_photo_1.jpg"], [0]),
        (["käse & brot.jpg"], ["/data/upload/5/b4b7cbbe-k%C3%A4se__brot.jpg"], [0]),
        (["a.jpg"], ["upload/4/6ad68067-a.jpg", "upload/4/b4810dcb-a.jpg"], [None]),
        (["day1/a.jpg", "day2/a.jpg"], ["upload/4/6ad68067-a.jpg"], [None, None]),
        (["6ad68067-a.jpg", "a.jpg"], ["upload/4/6ad68067-a.jpg"], [0, None]),
        (["a.jpg"], ["upload/4/6ad68067-a.jpg", "x/a.jpg"], [1]),
        (["a.jpg"], ["upload/4/6ad6806-a.jpg"], [None]),
        (["a.jpg"], ["20230101-a.jpg"], [None]),  # a date
    ],
)
def test_ends_of_paths(names, others, found):
    assert match_names(names, others, by_ending=True) == found
    assert match_names(names, others) == [1 if n in others else None for n in names]
