"""Lines of text in drawings."""

from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from PIL import ImageFont

# Asked for in this order if a name has letters that Pillow's own font lacks, such as accents.
_OTHER_FONTS = ("DejaVuSans.ttf", "NotoSansCJK-Regular.ttc", "Arial Unicode.ttf", "arial.ttf",
                "msyh.ttc", "matplotlib's")  # fmt: skip
ELLIPSIS = "…"
Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


def fitted(text: str, size: int, width: int | float) -> tuple[str, Font]:
    """The text in one line that is at most so wide, shortened in its middle, and its font.

    Control characters, and letters that no font at hand has, are shown as escapes.

    Args:
        text: a file name, say.
        size: of the letters, in pixels.
        width: of the line, in pixels.

    >>> fitted("a.jpg", 12, 100.0)[0], fitted("a.jpg", 12, 0.0)[0]
    ('a.jpg', '…')
    """
    text, font = _written(text, size)
    if font.getlength(text) <= width:
        return text, font
    kept = len(text)
    while kept and font.getlength(_shortened(text, kept)) > width:
        kept -= 1
    return _shortened(text, kept), font


def _shortened(text: str, kept: int) -> str:
    end = kept // 2
    return text[: kept - end] + ELLIPSIS + text[len(text) - end :]


def _written(text: str, size: int) -> tuple[str, Font]:
    """The text as the first font that has all of its letters can show it."""
    text = "".join(c if c.isprintable() else _escaped(c) for c in text)
    own = _default(size)
    for name in (None, *_OTHER_FONTS):
        font = own if name is None else _font(name, size)
        if font and all(_has(font, letter) for letter in set(text)):
            return text, font
    return "".join(c if _has(own, c) else _escaped(c) for c in text), own


def _escaped(letter: str) -> str:
    return letter.encode("unicode_escape").decode()


@lru_cache
def _default(size: int) -> Font:
    return ImageFont.load_default(size)


@lru_cache
def _font(name: str, size: int) -> Font | None:
    """A font of the system, or matplotlib's, by its file's name; None if there is none."""
    if name == "matplotlib's":
        found = find_spec("matplotlib")
        if found is None or found.origin is None:
            return None
        name = str(Path(found.origin).parent / "mpl-data" / "fonts" / "ttf" / "DejaVuSans.ttf")
    try:
        return ImageFont.truetype(name, size)
    except OSError:
        return None


@lru_cache(4096)
def _has(font: Font, letter: str) -> bool:
    """Whether the font has the letter. What it lacks looks like what no font has."""
    if letter.isspace():
        return True
    return _glyph(font, letter) != _glyph(font, "\U0010fffe")


def _glyph(font: Font, letter: str) -> bytes:
    mask: Any = font.getmask(letter)
    return bytes(mask)
