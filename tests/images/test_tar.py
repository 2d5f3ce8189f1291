import gzip
import io
import tarfile
from pathlib import Path

import pytest

from ganloc.errors import UserError
from ganloc.images.archive import LARGEST_FILE, Unreadable
from ganloc.images.tar import is_tar, read_tar


def member(name: str, size: int = 0, type: bytes = tarfile.REGTYPE) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.size, info.type = size, type
    return info


@pytest.fixture
def packed(tmp_path) -> Path:
    path = tmp_path / "some.tgz"
    with tarfile.open(path, "w:gz") as target:
        for name in ("./b/x.bin", "a.bin", ".hidden", "b/._x.bin", "../out.bin"):
            target.addfile(member(name, 3), io.BytesIO(name[-3:].encode()))
        target.addfile(member("folder", type=tarfile.DIRTYPE))
        target.addfile(member("pipe", type=tarfile.FIFOTYPE))
        for type in (tarfile.SYMTYPE, tarfile.LNKTYPE):
            link = member(f"link{type.decode()}", type=type)
            link.linkname = "a.bin"
            target.addfile(link)
    return path


def test_regular_files_by_name(packed):
    archive = read_tar(packed)
    assert archive.path == packed
    assert archive.names == ("a.bin", "b/x.bin")
    assert [archive.read(name) for name in archive.names] == [b"bin", b"bin"]
    with pytest.raises(Unreadable, match="no such file"):
        archive.read("link2")
    assert archive.inside("b/").read("x.bin") == b"bin"


def test_is_tar(packed, tmp_path):
    assert is_tar(packed)
    (tmp_path / "folder.tar").mkdir()
    assert not is_tar(tmp_path / "folder.tar")
    assert not is_tar(tmp_path / "gone.tar.gz")
    (tmp_path / "images.zip").touch()
    assert not is_tar(tmp_path / "images.zip")


@pytest.mark.parametrize(
    "content", [b"", b"not a tar", gzip.compress(b"not a tar either", mtime=0)]
)
def test_no_tar(content, tmp_path):
    path = tmp_path / "some.tar.gz"
    path.write_bytes(content)
    with pytest.raises(UserError, match=r"some\.tar\.gz is a broken or incomplete tar"):
        read_tar(path)


def test_a_download_that_broke_off(tmp_path):
    path = tmp_path / "some.tar"
    with tarfile.open(path, "w") as target:
        target.addfile(member("a.bin", 2000), io.BytesIO(bytes(2000)))
    whole = path.read_bytes()
    for data in (whole[:1500], gzip.compress(whole)[:-20]):
        path.write_bytes(data)
        with pytest.raises(UserError, match=r"some\.tar is a broken or incomplete tar"):
            read_tar(path)


@pytest.mark.parametrize(
    ("second", "message"),
    [
        (LARGEST_FILE - 2, r"some\.tar unpacks to more than 256 MiB: extract it"),
        (LARGEST_FILE - 3, r"some\.tar is a broken or incomplete tar"),  # but not too large
    ],
)
def test_more_than_memory_should_hold(second, message, tmp_path):
    """A file of 3 bytes, and one that is said to have `second` more; it is refused unread."""
    path = tmp_path / "some.tar"
    with tarfile.open(path, "w") as target:
        target.addfile(member("a.bin", 3), io.BytesIO(b"abc"))
    content = path.read_bytes()[:1024]  # a header and a block
    path.write_bytes(content + member("b.bin", second).tobuf() + b"the beginning")
    with pytest.raises(UserError, match=message):
        read_tar(path)
