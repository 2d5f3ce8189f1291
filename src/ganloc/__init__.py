"""ganloc: a box around the object in every image of a folder, without labels."""

from typing import TYPE_CHECKING, Any

from ganloc.errors import Notice, Stopped, UserError

if TYPE_CHECKING:
    from ganloc.localizer import Localization, Localizer, load

__all__ = ["Localization", "Localizer", "Notice", "Stopped", "UserError", "load"]


def __getattr__(name: str) -> Any:
    """Import the names that need torch on first use, so that `ganloc --help` is fast."""
    if name in ("Localization", "Localizer", "load"):
        from ganloc import localizer

        return getattr(localizer, name)
    raise AttributeError(f"module 'ganloc' has no attribute {name!r}")
