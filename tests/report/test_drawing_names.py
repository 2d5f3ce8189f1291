"""Every image has its own drawing, on every disk."""

import os
import unicodedata
from pathlib import Path

import pytest

from ganloc.report import drawing_names as module
from ganloc.report.drawing_names import drawing_names, renamed, same_name

SHEETS = ("contact-sheet.png", "contact-sheet-2.png")

# Names that are kept.
PLAIN = [
    "a.jpg",
    "a.png",
    "a.jpg.png",
    "birds/a.jpg",
    "birds/far/a.jpg",
    "vögel/鳥 🦋.jpg",
    "Screenshot 9.41\u202fAM.png",  # of a Mac
    "no suffix",
    "=1+1.jpg",
    "?*:<>|\".jpg",
    "q" * 251,
    "é" * 125,
]  # fmt: skip

# Kind → names that are kept, and names that are changed, in this order.
CHANGED = {
    "case": (["a.jpg"], ["A.jpg", "a.JPG"]),
    "case of a folder": (["Birds/a.jpg"], ["birds/a.jpg"]),
    "normal form": (["é.jpg"], [unicodedata.normalize("NFD", "é.jpg")]),
    "sharp s": (["ß.jpg"], ["ss.jpg"]),
    "a folder of the drawing's name": (["b.png/a.jpg"], ["b"]),
    "above": (["x/a.jpg", "a.jpg"], ["x/../a.jpg", "../a.jpg", "../../etc/a.jpg"]),
    "absolute": (["a.jpg"], ["/a.jpg"]),
    "here": (["a.jpg", "x/a.jpg"], ["./a.jpg", "x//a.jpg", "x/./a.jpg"]),
    "control": (["a_b.jpg"], ["a\nb.jpg", "a\tb.jpg", "\x1b[31m.jpg", "a\u2028b.jpg", "\x7f.jpg"]),
    "backslash": (["a_b.jpg"], ["a\\b.jpg", "..\\b.jpg"]),
    "too long": (["q" * 251], ["q" * 252, "q" * 255]),
    "too long in bytes": (["鳥" * 82 + ".jpg"], ["鳥" * 84 + ".jpg", "鳥" * 84 + ".png"]),
    "a long name of the same case": (["q" * 251], ["Q" * 251]),
    "a long folder": (["f" * 255 + "/a.jpg"], ["f" * 256 + "/a.jpg", "f" * 300 + "/a.jpg"]),
    "a long path": (["a.jpg"], ["d/" * 2100 + "a.jpg", "d/" * 2100 + "b.jpg"]),
    "a contact sheet": (["contact-sheet-3"], ["contact-sheet", "Contact-Sheet-2"]),
    "nothing": ([], ["", "..", "."]),
}


def made(folder, drawings):
    """Write each drawing; True if all are there, each with its own text."""
    for drawing in drawings:
        path = folder / drawing
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(drawing)
    inside = folder.resolve()
    return all(
        (folder / drawing).read_text() == drawing
        and (folder / drawing).resolve().is_relative_to(inside)
        for drawing in drawings
    )


def test_plain_names_are_kept(tmp_path):
    drawings = drawing_names(PLAIN, tmp_path, SHEETS)
    assert drawings == tuple(f"{name}.png" for name in PLAIN)
    assert renamed(PLAIN, drawings) == ""
    assert made(tmp_path, drawings)


@pytest.mark.parametrize("kind", CHANGED)
def test_what_a_disk_cannot_hold_or_tell_apart_is_changed_and_told(kind, tmp_path):
    kept, changed = CHANGED[kind]
    names = [*kept, *changed]
    drawings = drawing_names(names, tmp_path, SHEETS)
    assert [name for name, drawing in zip(names, drawings, strict=True)
            if drawing != f"{name}.png"] == changed  # fmt: skip
    assert len(set(map(same_name, [*drawings, *SHEETS]))) == len(names) + len(SHEETS)
    assert made(tmp_path, drawings)
    assert all(drawing.endswith(".png") for drawing in drawings)
    said = renamed(names, drawings)
    assert said.startswith(f"{len(changed)} drawing")
    assert said.count("\n") == len(changed)
    assert all(repr(name) in said for name in changed)
    assert all(c.isprintable() or c == "\n" for c in said)


def test_a_folder_of_the_drawing_s_name_may_come_later(tmp_path):
    drawings = drawing_names(["b", "b.png/a.jpg"], tmp_path)
    assert drawings[1] == "b.png/a.jpg.png"
    assert made(tmp_path, drawings)


def test_a_changed_name_depends_on_the_image_alone(tmp_path):
    names = ["a\nb.jpg", "x/../c.jpg", "q" * 255]
    together = drawing_names(names, tmp_path)
    assert together == tuple(drawing_names([name], tmp_path)[0] for name in names)
    # The first eight digits of `printf 'a\nb.jpg' | sha256sum`.
    assert together[0] == "a_b.jpg~98e67617.png"


def test_a_name_that_another_s_digits_made_is_free_or_changed_again(tmp_path):
    (taken,) = drawing_names(["a\nb.jpg"], tmp_path)
    for names in (
        [taken.removesuffix(".png"), "a\nb.jpg"],
        ["a\nb.jpg", taken.removesuffix(".png")],
    ):
        drawings = drawing_names(names, tmp_path)
        assert len(set(drawings)) == 2


def test_the_disk_says_how_long_a_name_may_be(tmp_path, monkeypatch):
    """An encrypted home folder allows 143 bytes."""
    monkeypatch.setattr(
        os, "pathconf", lambda _, name: {"PC_NAME_MAX": 143, "PC_PATH_MAX": 4096}[name]
    )
    kept, *cut = drawing_names(["q" * 139, "q" * 140, "r" * 200], tmp_path / "not" / "yet")
    assert kept == "q" * 139 + ".png"
    assert [len(name) for name in cut] == [143, 143]


def test_on_windows_devices_and_dots_at_the_end_are_changed(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_WINDOWS", True)
    names = ["con.jpg", "aux/a.jpg", "dots./a.jpg", 'what?".jpg', "con/com1.tar.jpg", "icon.jpg"]
    *changed, kept = drawing_names(names, tmp_path)
    assert kept == "icon.jpg.png"
    stems = [drawing.rpartition("~")[0] for drawing in changed]
    assert stems == ["_con.jpg", "_aux/a.jpg", "dots/a.jpg", "what__.jpg", "_con/_com1.tar.jpg"]


def test_many_changed_names_are_counted():
    names = [f"{index}\n.jpg" for index in range(30)]
    said = renamed(names, drawing_names(names, Path("drawn")))
    assert said.startswith("30 drawings have another name than their images")
    assert said.endswith("and 20 more")
    assert said.count("\n") == 11
