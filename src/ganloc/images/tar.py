"""The files of a tar, read into memory."""

import tarfile
from io import BufferedIOBase, BytesIO
from pathlib import Path

from ganloc.errors import UserError
from ganloc.images.archive import LARGEST_FILE, Archive, Unreadable
from ganloc.images.names import litter, path_inside

SUFFIXES = (".tar", ".tar.gz", ".tgz")


def is_tar(path: Path) -> bool:
    """Whether `path` is a file with the name of a tar."""
    return path.is_file() and path.name.lower().endswith(SUFFIXES)


def read_tar(path: Path) -> Archive:
    """Read a whole tar in one pass: a compressed tar has no random access.

    Nothing is extracted. Links, devices, hidden and system files, and names that point out of the
    tar are left out.

    Raises:
        UserError: the file is not a tar, is broken, or holds more than `LARGEST_FILE` bytes.
    """
    files: dict[str, bytes] = {}
    room = LARGEST_FILE
    try:
        with tarfile.open(path) as opened:
            for member in opened:
                name = path_inside(member.name)
                content = opened.extractfile(member) if member.isfile() else None
                if content is None or name is None or litter(name):
                    continue
                room -= member.size
                if room < 0:
                    raise UserError(
                        f"{path} unpacks to more than {LARGEST_FILE // 2**20} MiB: "
                        "extract it and give the folder."
                    )
                files[name] = content.read()
    except UserError:
        raise
    except Exception as error:  # each compressor raises errors of its own
        raise UserError(
            f"{path} is a broken or incomplete tar ({error}): download or make it again."
        ) from error

    def open_member(name: str) -> BufferedIOBase:
        if name not in files:
            raise Unreadable("no such file")
        return BytesIO(files[name])

    return Archive(path, tuple(sorted(files)), open_member)
