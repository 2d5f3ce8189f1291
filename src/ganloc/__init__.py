"""ganloc: a box around the object in every image of a folder, without labels."""

import os
import sys

from ganloc.errors import Notice, Stopped, UserError

TYPE_CHECKING = False  # as in `typing`, whose import a fast start does without
if TYPE_CHECKING:
    from typing import Any

    from ganloc.localizer import Localization, Localizer, load

__version__ = "0.1.0"
__all__ = ["Localization", "Localizer", "Notice", "Stopped", "UserError", "load"]

# Trainings side by side would starve each other (ganloc/threads.py). OpenMP reads this when torch
# is loaded. GNU's may spin for some microseconds, with which a training alone is faster.
if "torch" not in sys.modules and "OMP_WAIT_POLICY" not in os.environ:
    os.environ["OMP_WAIT_POLICY"] = "PASSIVE"
    os.environ.setdefault("GOMP_SPINCOUNT", "4000")
WAITS_PASSIVELY = os.environ.get("OMP_WAIT_POLICY", "").upper() == "PASSIVE"


def __getattr__(name: str) -> "Any":
    """Import the names that need torch on first use, so that `ganloc --help` is fast."""
    if name in ("Localization", "Localizer", "load"):
        from ganloc import localizer

        return getattr(localizer, name)
    raise AttributeError(f"module 'ganloc' has no attribute {name!r}")
