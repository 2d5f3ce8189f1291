"""Files are written whole or not at all, links and devices stay, and errors are one sentence."""

import json
import os
import stat

import pytest

from ganloc import files
from ganloc.errors import UserError
from ganloc.files import (
    check_writable,
    write_json,
    write_text,
    writing,
)

WRITERS = [lambda path: write_text(path, "new"), lambda path: write_json(path, {"new": 1})]
ROOT = hasattr(os, "geteuid") and os.geteuid() == 0


@pytest.fixture(params=["nameless", "copied"])
def ways(request, monkeypatch):
    """Both ways to write: with nameless files, and on a file system that has none."""
    if request.param == "copied":
        monkeypatch.setattr(files, "_open_nameless", lambda folder: None)


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_text_comes_back_as_utf8_and_takes_the_place_of_what_was_there(tmp_path, ways):
    target = tmp_path / "deep" / "er" / "a.txt"
    write_text(target, "erst\n")
    write_text(target, "β₁ 鳥\n")
    assert target.read_bytes() == "β₁ 鳥\n".encode()
    assert names(target.parent) == ["a.txt"]


def test_json_comes_back_and_can_be_read_by_people(tmp_path):
    value = {"name": "Vögel", "box": [1, 2.5, None], "nested": {"a": True}}
    write_json(tmp_path / "a.json", value)
    text = (tmp_path / "a.json").read_text(encoding="utf-8")
    assert json.loads(text) == value
    assert '  "name": "Vögel",\n' in text
    assert text.endswith("}\n")


def test_a_body_that_raises_leaves_the_old_file_and_nothing_beside_it(tmp_path, ways):
    target = tmp_path / "a.txt"
    target.write_text("old")

    def break_down():
        with writing(target) as file:
            file.write(b"half")
            file.flush()
            assert target.read_text() == "old"  # not touched before the end
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        break_down()
    assert target.read_text() == "old"
    assert names(tmp_path) == ["a.txt"]


def test_a_body_that_raises_leaves_no_new_file(tmp_path, ways):
    def break_down():
        with writing(tmp_path / "a.txt") as file:
            file.write(b"half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        break_down()
    assert names(tmp_path) == []


def test_an_unfinished_file_has_no_name(tmp_path, ways):
    with writing(tmp_path / "a.png") as file:
        file.write(b"half")
        file.flush()
        assert names(tmp_path) == []
    assert names(tmp_path) == ["a.png"]


@pytest.mark.parametrize("write", WRITERS)
def test_a_parent_that_is_a_file(write, tmp_path):
    (tmp_path / "photos").write_text("mine")
    with pytest.raises(UserError) as error:
        write(tmp_path / "photos" / "a.json")
    assert str(tmp_path / "photos" / "a.json") in str(error.value)
    assert (tmp_path / "photos").read_text() == "mine"


@pytest.mark.parametrize("write", WRITERS)
@pytest.mark.parametrize("filled", [False, True])
def test_a_folder_in_the_place_of_the_file(write, filled, tmp_path):
    target = tmp_path / "a.json"
    target.mkdir()
    if filled:
        (target / "mine").touch()
    with pytest.raises(UserError) as error:
        write(target)
    assert str(target) in str(error.value)
    assert target.is_dir()
    assert names(tmp_path) == ["a.json"]
    assert names(target) == (["mine"] if filled else [])


@pytest.mark.skipif(ROOT, reason="root may do anything")
def test_a_folder_without_the_right_to_write(tmp_path):
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(UserError, match="Permission denied"):
            write_text(tmp_path / "a.txt", "new")
    finally:
        tmp_path.chmod(0o700)


def test_a_disk_that_fills_up_is_told_with_the_path(tmp_path, ways):
    target = tmp_path / "a.txt"
    target.write_text("old")

    def fill_up():
        with writing(target) as file:
            file.write(b"half")
            raise OSError(28, "No space left on device")

    with pytest.raises(UserError, match=r"a\.txt \(No space left on device\)"):
        fill_up()
    assert target.read_text() == "old"
    assert names(tmp_path) == ["a.txt"]


def test_who_reads_the_old_file_meanwhile_reads_all_of_it(tmp_path, ways):
    target = tmp_path / "a.txt"
    target.write_text("old")
    with target.open() as reader:
        write_text(target, "new and longer")
        assert reader.read() == "old"
    assert target.read_text() == "new and longer"


def test_a_new_file_has_the_usual_mode_and_an_old_one_keeps_its_own(tmp_path, ways):
    (tmp_path / "plain").touch()
    write_text(tmp_path / "new", "1")
    assert (tmp_path / "new").stat().st_mode == (tmp_path / "plain").stat().st_mode
    (tmp_path / "new").chmod(0o600)
    write_text(tmp_path / "new", "2")
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o600


@pytest.mark.parametrize("number", [1, 200, 250, 255])
def test_a_name_as_long_as_the_disk_allows(number, tmp_path, ways):
    target = tmp_path / ("n" * number)
    check_writable(target)
    for text in ("first", "second"):
        write_text(target, text)
    assert target.read_text() == "second"
    assert names(tmp_path) == [target.name]


@pytest.mark.parametrize("there", [True, False], ids=["to a file", "to nothing yet"])
@pytest.mark.parametrize("link", ["../real/a.txt", "chain"])
def test_links_stay_and_what_they_point_to_is_written(link, there, tmp_path, ways):
    (tmp_path / "real").mkdir()
    (tmp_path / "links").mkdir()
    if there:
        (tmp_path / "real" / "a.txt").write_text("old")
    (tmp_path / "links" / "chain").symlink_to("../real/a.txt")
    path = tmp_path / "links" / "path"
    path.symlink_to(link)
    check_writable(path)
    write_text(path, "new")
    assert str(path.readlink()) == link
    assert (tmp_path / "real" / "a.txt").read_text() == "new"
    assert not (tmp_path / "real" / "a.txt").is_symlink()
    assert names(tmp_path / "links") == ["chain", "path"]


def test_another_name_of_a_file_keeps_the_old_text(tmp_path, ways):
    (tmp_path / "a").write_text("old")
    os.link(tmp_path / "a", tmp_path / "b")
    write_text(tmp_path / "a", "new")
    assert ((tmp_path / "a").read_text(), (tmp_path / "b").read_text()) == ("new", "old")


def test_a_ring_of_links_is_one_sentence(tmp_path):
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    for act in (check_writable, lambda path: write_text(path, "x")):
        with pytest.raises(UserError, match="Cannot write"):
            act(tmp_path / "a")
    assert str((tmp_path / "a").readlink()) == "b"


@pytest.mark.parametrize("number", [float("nan"), float("inf"), -float("inf")])
def test_json_knows_no_nan_and_no_infinity(number, tmp_path):
    (tmp_path / "a.json").write_text("old")
    with pytest.raises(ValueError, match="JSON compliant"):
        write_json(tmp_path / "a.json", {"deep": [{"er": number}]})
    assert (tmp_path / "a.json").read_text() == "old"


def test_json_in_ascii_is_the_same_value(tmp_path):
    value = {"é鳥": "🦋\n"}
    write_json(tmp_path / "a.json", value, ascii=True)
    assert (tmp_path / "a.json").read_bytes().isascii()
    assert json.loads((tmp_path / "a.json").read_bytes()) == value
