"""ganloc: boxes for a folder of unlabelled images of one kind of thing."""

from ganloc.errors import UserError
from ganloc.localizer import Localization, Localizer
from ganloc.training import Stopped

load = Localizer.load

__all__ = ["Localization", "Localizer", "Stopped", "UserError", "load"]
