"""Files are written whole or not at all, links and devices stay, and errors are one sentence."""

import json
import os
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from ganloc import files
from ganloc.errors import UserError
from ganloc.files import (
    check_folder_writable,
    check_writable,
    is_stream,
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


@pytest.mark.parametrize("name", ["null", "link to null"])
def test_a_device_is_written_to_and_stays(name, tmp_path):
    path = tmp_path / name
    if name == "link to null":
        path.symlink_to(os.devnull)
    else:
        try:
            os.mknod(path, stat.S_IFCHR | 0o666, os.makedev(1, 3))
            path.open("wb").close()
        except OSError:
            pytest.skip("only root may make devices, and only on some file systems")
    before = path.lstat()
    assert is_stream(path)
    check_writable(path)
    write_text(path, "gone")
    assert path.lstat() == before
    assert names(tmp_path) == [name]
    assert stat.S_ISCHR(Path(os.devnull).stat().st_mode)


def test_a_pipe_is_written_to_and_stays(tmp_path):
    path = tmp_path / "pipe"
    os.mkfifo(path)
    check_writable(path)  # does not wait for a reader
    came = []
    reader = threading.Thread(target=lambda: came.append(path.read_bytes()))
    reader.start()
    write_text(path, "β\n")
    reader.join(10)
    assert came == ["β\n".encode()]
    assert path.is_fifo()
    assert names(tmp_path) == ["pipe"]


def test_a_body_that_raises_sends_nothing_into_a_pipe(capfd):
    def break_down():
        with writing(Path("-")) as file:
            file.write(b"half")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        break_down()
    assert capfd.readouterr().out == ""


STANDARD = ["-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1", "link"]


@pytest.mark.parametrize("into", ["file", "pipe"])
@pytest.mark.parametrize("path", STANDARD)
def test_standard_output_comes_in_order_and_is_kept(path, into, tmp_path):
    """A redirected file is neither replaced nor emptied: what the shell wrote before stays."""
    if not Path("/proc/self/fd").exists() and path.startswith("/proc"):
        pytest.skip("no /proc here")
    (tmp_path / "link").symlink_to("/dev/stdout")
    code = (
        "import sys; from pathlib import Path; from ganloc.files import *; print('first'); "
        "check_writable(Path(sys.argv[1])); write_text(Path(sys.argv[1]), 'second\\n'); "
        "print('third')"
    )
    target = tmp_path / "out.txt"
    with target.open("w") as file:
        file.write("zeroth\n")
        file.flush()
        inode = target.stat().st_ino
        to = file if into == "file" else subprocess.PIPE
        command = [sys.executable, "-c", code, path]
        done = subprocess.run(command, stdout=to, check=True, cwd=tmp_path, text=True)
    expected = "first\nsecond\nthird\n"
    if into == "pipe":
        assert done.stdout == expected
    else:
        assert target.read_text() == "zeroth\n" + expected
        assert target.stat().st_ino == inode
    assert names(tmp_path) == ["link", "out.txt"]


def test_standard_output_that_nobody_reads_is_one_sentence():
    code = (
        "from pathlib import Path; from ganloc.files import *\n"
        "try: write_text(Path('-'), 'x' * 10**6)\n"
        "except Exception as error: import sys; sys.exit(f'{type(error).__name__}: {error}')"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        said = process.stderr.read()
    assert said.startswith("UserError: Cannot write - (Broken pipe)")
    assert said.count("\n") == 1


@pytest.mark.parametrize("act", [check_writable, lambda path: write_text(path, "x")])
@pytest.mark.parametrize("kind", ["folder", "socket", "disk", "closed"])
def test_what_is_never_written_to(kind, act, tmp_path):
    path = tmp_path / kind
    if kind == "folder":
        path.mkdir()
    elif kind == "socket":
        with socket.socket(socket.AF_UNIX) as bound:
            bound.bind(str(path))
    elif kind == "disk":
        try:
            os.mknod(path, stat.S_IFBLK | 0o600, os.makedev(250, 250))
        except OSError:
            pytest.skip("only root may make devices")
    else:
        path = Path("/dev/fd/987")
    before = path.lstat() if kind != "closed" else None
    with pytest.raises(UserError, match=f"Cannot write {path}"):
        act(path)
    assert before is None or path.lstat() == before


@pytest.mark.parametrize(
    "name", ["file/a.json", "file/deep/a.json", "n" * 256, "new/" + "n" * 256, "ä" * 128, ""]
)
def test_what_cannot_be_written_is_told_before_and_nothing_is_made(name, tmp_path):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(UserError, match=r"Cannot write|not the name of a file|it is a folder"):
        check_writable(tmp_path / name)
    assert names(tmp_path) == ["file"]
    if name.startswith("file"):
        with pytest.raises(UserError, match="Cannot write"):
            check_folder_writable(tmp_path / name)


def test_what_can_be_written_is_not_made_by_the_check(tmp_path):
    check_writable(tmp_path / "new" / "folder" / "a.json")
    check_folder_writable(tmp_path / "new" / "folder")
    check_folder_writable(tmp_path)
    assert names(tmp_path) == []


@pytest.mark.skipif(ROOT, reason="root may do anything")
def test_a_locked_folder_and_a_locked_file(tmp_path):
    (tmp_path / "open.txt").write_text("old")
    (tmp_path / "locked.txt").write_text("mine")
    (tmp_path / "locked.txt").chmod(0o400)
    with pytest.raises(UserError, match="Permission denied"):
        check_writable(tmp_path / "locked.txt")
    with pytest.raises(UserError, match="Permission denied"):
        write_text(tmp_path / "locked.txt", "new")
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(UserError, match="Permission denied"):
            check_writable(tmp_path / "new.txt")
        check_writable(tmp_path / "open.txt")
        write_text(tmp_path / "open.txt", "new")  # in place: it can't be replaced
        assert (tmp_path / "open.txt").read_text() == "new"
    finally:
        tmp_path.chmod(0o700)
    assert (tmp_path / "locked.txt").read_text() == "mine"


def test_a_file_that_is_a_mount_of_its_own_is_written_in_place(tmp_path, monkeypatch, ways):
    """Renaming over a mount, such as `docker run -v boxes.json:/boxes.json`, is EBUSY."""
    target = tmp_path / "a.json"
    target.write_text("old and longer")
    inode = target.stat().st_ino

    def busy(_self, _target):
        raise OSError(16, "Device or resource busy")

    monkeypatch.setattr(Path, "replace", busy)
    write_text(target, "new")
    assert target.read_text() == "new"
    assert target.stat().st_ino == inode
    assert names(tmp_path) == ["a.json"]


@pytest.mark.parametrize("number", ["SIGTERM", "SIGINT", "SIGKILL"])
def test_a_killed_process_leaves_nothing(number, tmp_path, ways, request):
    (tmp_path / "a.json").write_text("old")
    patch = "files._open_nameless = lambda folder: None" if "copied" in request.node.name else ""
    code = f"""
import sys, time
from pathlib import Path
from ganloc import files
{patch}
with files.writing(Path(sys.argv[1])) as file:
    file.write(b"half" * 10**6)
    file.flush()
    print("half", flush=True)
    time.sleep(60)
"""
    for name in ("a.json", "b.json"):
        command = [sys.executable, "-c", code, str(tmp_path / name)]
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        with process:
            assert process.stdout is not None
            assert process.stdout.readline() == "half\n"
            assert names(tmp_path) == ["a.json"]
            process.send_signal(getattr(signal, number))
            process.wait(30)
        assert process.returncode != 0
    assert names(tmp_path) == ["a.json"]
    assert (tmp_path / "a.json").read_text() == "old"


def test_two_processes_that_write_one_file_leave_one_whole_file(tmp_path, ways):
    texts = ["a" * 100_000, "b" * 100_000]
    until = time.monotonic() + 1.0

    def write(text):
        while time.monotonic() < until:
            write_text(tmp_path / "a.txt", text)

    threads = [threading.Thread(target=write, args=(text,)) for text in texts]
    for thread in threads:
        thread.start()
    while time.monotonic() < until:
        if (tmp_path / "a.txt").exists():
            assert (tmp_path / "a.txt").read_text() in texts
    for thread in threads:
        thread.join()
    assert names(tmp_path) == ["a.txt"]


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
