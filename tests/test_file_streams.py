"""Pipes, devices, what must never be written to, and processes that are killed."""

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
    write_text,
    writing,
)

ROOT = hasattr(os, "geteuid") and os.geteuid() == 0


@pytest.fixture(params=["nameless", "copied"])
def ways(request, monkeypatch):
    """Both ways to write: with nameless files, and on a file system that has none."""
    if request.param == "copied":
        monkeypatch.setattr(files, "_open_nameless", lambda folder: None)


def names(folder):
    return sorted(path.name for path in folder.iterdir())


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
