"""The files below a folder, through links."""

import os
from pathlib import Path

import pytest

from ganloc.errors import UserError
from ganloc.images.left_out import LINK_TWICE, LITTER, RING, LeftOut, sentence
from ganloc.images.walk import list_folder


def make(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(name)
    return root


def link(root: Path, name: str, target: str) -> None:
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    (root / name).symlink_to(target)


def found(root: Path) -> tuple[list[str], list[LeftOut]]:
    listing = list_folder(root)
    return sorted(listing.stamps), sorted(listing.left_out)


def test_linked_folders_and_files_elsewhere_are_followed(tmp_path):
    make(tmp_path, "photos/a", "more/b", "more/deep/c", "single/d")
    link(tmp_path, "photos/linked", "../more")
    link(tmp_path, "photos/d", "../single/d")
    link(tmp_path, "more/on", "../single")  # a link below a link; d is in the set by then
    names, left_out = found(tmp_path / "photos")
    assert names == ["a", "d", "linked/b", "linked/deep/c"]
    assert left_out == [LeftOut("linked/on/d", LINK_TWICE)]


@pytest.mark.parametrize("target", [".", "..", "../..", "/"])
def test_a_ring_is_not_entered(tmp_path, target):
    make(tmp_path, "photos/a/b", "beside")
    link(tmp_path, "photos/a/loop", target)
    assert found(tmp_path / "photos") == (["a/b"], [LeftOut("a/loop", RING)])


def test_a_ring_of_two_folders_elsewhere(tmp_path):
    make(tmp_path, "photos/a", "x/b", "y/c")
    link(tmp_path, "photos/x", "../x")
    link(tmp_path, "x/y", "../y")
    link(tmp_path, "y/x", "../x")
    names, left_out = found(tmp_path / "photos")
    assert names == ["a", "x/b", "x/y/c"]
    assert left_out == [LeftOut("x/y/x", LINK_TWICE)]


def test_no_file_comes_twice_and_each_keeps_its_own_name(tmp_path):
    make(tmp_path, "photos/real/b", "photos/real/in/c", "photos/z")
    link(tmp_path, "photos/a", "z")  # before z in the order of names
    link(tmp_path, "photos/also", "real")
    link(tmp_path, "photos/inner", "real/in")
    names, left_out = found(tmp_path / "photos")
    assert names == ["real/b", "real/in/c", "z"]
    assert left_out == [LeftOut(name, LINK_TWICE) for name in ("a", "also", "inner")]


def test_a_folder_that_holds_a_linked_one(tmp_path):
    make(tmp_path, "photos/a", "x/b", "x/in/c")
    link(tmp_path, "photos/1", "../x/in")
    link(tmp_path, "photos/2", "../x")
    names, left_out = found(tmp_path / "photos")
    assert names == ["1/c", "2/b", "a"]
    assert left_out == [LeftOut("2/in", LINK_TWICE)]


def test_the_root_may_be_a_link_itself(tmp_path):
    make(tmp_path, "real/a", "real/in/b")
    link(tmp_path, "photos", "real")
    assert found(tmp_path / "photos") == (["a", "in/b"], [])


def test_a_link_to_nothing_is_listed_so_that_reading_tells(tmp_path):
    link(tmp_path, "gone.jpg", "nowhere")
    assert found(tmp_path) == (["gone.jpg"], [])


def test_hard_links_are_files_of_their_own(tmp_path):
    make(tmp_path, "a")
    os.link(tmp_path / "a", tmp_path / "b")
    assert found(tmp_path) == (["a", "b"], [])


def test_litter_is_counted_and_its_folders_are_not_entered(tmp_path):
    make(tmp_path, "a", "@eaDir/a/1", "@eaDir/a/2", "in/Thumbs.db", ".git/x/y", "b_original/c")
    names, left_out = found(tmp_path)
    assert names == ["a", "b_original/c"]
    assert left_out == [LeftOut(n, LITTER) for n in (".git", "@eaDir", "in/Thumbs.db")]
    assert sentence(left_out) == "Left out: 3 hidden or system items (.git, @eaDir, in/Thumbs.db)."


def test_a_folder_that_cannot_be_listed(tmp_path, monkeypatch):
    make(tmp_path, "a", "locked/b")
    scandir = os.scandir

    def refuse(path):
        if Path(path).name == "locked":
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr("ganloc.images.walk.os.scandir", refuse)
    with pytest.raises(UserError, match=r"Cannot list the folder .*locked .*Permission denied"):
        list_folder(tmp_path)
