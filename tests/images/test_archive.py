"""Files in a folder or a zip: which, and read from any thread for as long as they are used."""

import zipfile
from concurrent.futures import ThreadPoolExecutor

import pytest

from ganloc.images.archive import LARGEST_FILE, Unreadable, open_archive

FILES = {"a.txt": b"first", "b/c.bin": bytes(range(256)) * 40, "b/d/e": b""}


@pytest.fixture(params=["folder", "zip"])
def opened(request, tmp_path):
    folder = tmp_path / "files"
    for name, content in {**FILES, ".hidden": b"x", "__MACOSX/a.txt": b"x"}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    if request.param == "folder":
        return open_archive(folder)
    with zipfile.ZipFile(tmp_path / "files.zip", "w", zipfile.ZIP_DEFLATED) as target:
        for path in folder.rglob("*"):  # folders too, as most programs write them
            target.write(path, path.relative_to(folder))
    return open_archive(tmp_path / "files.zip")


def test_every_file_but_hidden_ones_by_its_name(opened):
    assert opened.names == tuple(sorted(FILES))
    assert {name: opened.read(name) for name in opened.names} == FILES
    for name in ("gone", "b"):
        with pytest.raises(Unreadable):
            opened.read(name)


def test_the_files_below_a_folder(opened):
    inside = opened.inside("b/")
    assert inside.names == ("c.bin", "d/e")
    assert inside.read("c.bin") == FILES["b/c.bin"]
    assert inside.inside("d/").read("e") == b""
    assert opened.inside("") is opened
    assert inside.path == opened.path


def test_many_threads_read_at_once(opened):
    names = ["a.txt", "b/c.bin"] * 200
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(opened.read, names)) == [FILES[name] for name in names]


def test_a_file_that_memory_should_not_hold_is_not_read(tmp_path):
    with (tmp_path / "film.jpg").open("wb") as file:
        file.truncate(LARGEST_FILE + 1)  # a hole: takes no room on the disk
    with pytest.raises(Unreadable, match="larger than 256 MiB"):
        open_archive(tmp_path).read("film.jpg")
