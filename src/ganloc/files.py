"""Atomic writing: a file is either complete or not there."""

import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from ganloc.errors import UserError


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Write to a temporary file beside `path`, which is renamed to `path` at the end.

    The temporary file is removed if the body raises. `path` is then unchanged.

    Yields:
        The path of the temporary file.

    Raises:
        UserError: the folder can't be made or written to.
    """
    if not path.name:
        raise UserError(f"{path} is not the name of a file: give one.")
    temporary = path.with_name(f".{path.name}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        temporary.replace(path)
    except OSError as error:
        raise UserError(
            f"Cannot write {path} ({error.strerror or error}): choose a folder you can write to."
        ) from error
    finally:
        with suppress(OSError):
            temporary.unlink()


def write_bytes(path: Path, data: bytes) -> None:
    """Write `data` to `path` atomically (errors as in `replacing`)."""
    with replacing(path) as temporary:
        temporary.write_bytes(data)


def write_text(path: Path, text: str) -> None:
    """Write `text` to `path` as UTF-8, atomically (errors as in `replacing`)."""
    write_bytes(path, text.encode("utf-8"))


def write_json(path: Path, value: Any) -> None:
    """Write `value` to `path` as indented JSON, atomically (errors as in `replacing`)."""
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False) + "\n")
