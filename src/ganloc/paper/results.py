"""Files of results, `docs/results/NAME.json`: rows that are measured once and kept."""

import json
import os
import platform
import sys
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ganloc.errors import UserError
from ganloc.files import write_json

ResultRow = dict[str, Any]


class Results:
    """The rows of one file.

    Args:
        path: of the file, which need not exist yet.
        keys: keys whose values identify a row.
        command: the command that makes the file.

    Raises:
        UserError: the file is not a file of results.
    """

    def __init__(self, path: Path, keys: Sequence[str], command: str):
        self.path, self.keys, self.command = path, tuple(keys), command
        self.rows = read_rows(path) if path.exists() else []

    def find(self, **identity: Any) -> ResultRow | None:
        """The row with these values of `keys`; None if there is none."""
        wanted = tuple(identity[key] for key in self.keys)
        return next((row for row in self.rows if self._identity(row) == wanted), None)

    def add(self, row: ResultRow) -> None:
        """Add a row, or replace the row with the same values of `keys`, and write the file.

        Rows that another process has added are kept.
        """
        row = {**row, "date": date.today().isoformat(), "machine": machine()}
        self.rows = read_rows(self.path) if self.path.exists() else []
        kept = [old for old in self.rows if self._identity(old) != self._identity(row)]
        self.rows = [*kept, row]
        write_json(
            self.path,
            {
                "command": self.command,
                "date": row["date"],
                "machine": machine(),
                "versions": versions(),
                "rows": self.rows,
            },
        )

    def _identity(self, row: ResultRow) -> tuple[Any, ...]:
        return tuple(row.get(key) for key in self.keys)


def read_rows(path: Path) -> list[ResultRow]:
    """The rows of a file of results. Raises a UserError if it is not one."""
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))["rows"]
        if not all(isinstance(row, dict) for row in rows):
            raise TypeError
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(f"{path} is not a file of results: move it away.") from error
    return rows


def machine() -> str:
    """Operating system, processor, cores and GPU of this machine."""
    words = f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores"
    return f"{words}, {torch.cuda.get_device_name()}" if torch.cuda.is_available() else words


def versions() -> dict[str, str]:
    """Versions of Python, torch and numpy."""
    return {
        "python": ".".join(map(str, sys.version_info[:3])),
        "torch": torch.__version__,
        "numpy": np.__version__,
    }
