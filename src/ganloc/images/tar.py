"""A tar's files, in memory."""

import tarfile
from pathlib import Path

from ganloc.errors import UserError
from ganloc.images.archive import LARGEST_FILE, Archive, Unreadable, is_hidden

SUFFIXES = (".tar", ".tar.gz", ".tgz")


def is_tar(path: Path) -> bool:
    """Whether there is a file at `path` that is called a tar."""
    return path.is_file() and path.name.lower().endswith(SUFFIXES)


def read_tar(path: Path) -> Archive:
    """Read a tar whole, in one pass, for a compressed one can't be read at random.

    Nothing is extracted; links, devices and hidden files are left out.

    Raises:
        UserError: not a tar, a broken one, or one of more than `LARGEST_FILE` bytes.
    """
    files: dict[str, bytes] = {}
    room = LARGEST_FILE
    try:
        with tarfile.open(path) as opened:
            for member in opened:
                name = member.name.removeprefix("./")
                content = opened.extractfile(member) if member.isfile() else None
                if content is None or is_hidden(name):
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
    except Exception as error:  # a damaged tar fails in as many ways as there are compressors
        raise UserError(
            f"{path} is a broken or incomplete tar ({error}): download or make it again."
        ) from error

    def read(name: str) -> bytes:
        if name not in files:
            raise Unreadable("no such file")
        return files[name]

    return Archive(path, tuple(sorted(files)), read)
