"""Files are written whole or not at all, and what can't be written is one sentence."""

import json
import os

import pytest

from ganloc.errors import UserError
from ganloc.files import replacing, write_json, write_text

WRITERS = [lambda path: write_text(path, "new"), lambda path: write_json(path, {"new": 1})]


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_text_comes_back_as_utf8_and_takes_the_place_of_what_was_there(tmp_path):
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


def test_a_body_that_raises_leaves_the_old_file_and_nothing_beside_it(tmp_path):
    target = tmp_path / "a.txt"
    target.write_text("old")

    def break_down():
        with replacing(target) as temporary:
            temporary.write_text("half")
            assert target.read_text() == "old"  # not touched before the end
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        break_down()
    assert target.read_text() == "old"
    assert names(tmp_path) == ["a.txt"]


def test_a_body_that_raises_leaves_no_new_file(tmp_path):
    def break_down():
        with replacing(tmp_path / "a.txt") as temporary:
            temporary.write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        break_down()
    assert names(tmp_path) == []


def test_the_temporary_file_is_in_the_same_folder_and_hidden(tmp_path):
    # Renaming is atomic only within one file system, and readers skip hidden names.
    with replacing(tmp_path / "a.png") as temporary:
        assert temporary.parent == tmp_path
        assert temporary.name.startswith(".")
        temporary.touch()
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


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may do anything")
def test_a_folder_without_the_right_to_write(tmp_path):
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(UserError, match="Permission denied"):
            write_text(tmp_path / "a.txt", "new")
    finally:
        tmp_path.chmod(0o700)


def test_a_disk_that_fills_up_is_told_with_the_path(tmp_path):
    target = tmp_path / "a.txt"
    target.write_text("old")

    def fill_up():
        with replacing(target) as temporary:
            temporary.write_text("half")
            raise OSError(28, "No space left on device")

    with pytest.raises(UserError, match=r"a\.txt \(No space left on device\)"):
        fill_up()
    assert target.read_text() == "old"
    assert names(tmp_path) == ["a.txt"]


def test_who_reads_the_old_file_meanwhile_reads_all_of_it(tmp_path):
    target = tmp_path / "a.txt"
    target.write_text("old")
    with target.open() as reader:
        write_text(target, "new and longer")
        assert reader.read() == "old"
    assert target.read_text() == "new and longer"
