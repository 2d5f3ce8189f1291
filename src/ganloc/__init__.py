"""ganloc: boxes for a folder of unlabelled pictures of one kind of thing."""

from ganloc.errors import UserError
from ganloc.localizer import Localization, Localizer

load = Localizer.load

__all__ = ["Localization", "Localizer", "UserError", "load"]
