"""File names of drawings: one for each image, on every disk."""

import hashlib
import os
import unicodedata
from collections.abc import Sequence
from pathlib import Path

# Control characters, halves of surrogate pairs, and separators of lines and paragraphs.
_UNPRINTABLE = {"Cc", "Cs", "Zl", "Zp"}
# What Windows does not allow in a name, and what it takes for a device.
_WINDOWS = os.name == "nt"
_FORBIDDEN = '<>:"|?*'
_DEVICES = {"con", "prn", "aux", "nul"} | {
    f"{port}{n}" for port in ("com", "lpt") for n in range(10)
}
_SPARE = 64  # bytes of a path that are left for temporary names
_LISTED = 10  # changed names in a message


def drawing_names(names: Sequence[str], folder: Path, taken: Sequence[str] = ()) -> tuple[str, ...]:
    """The name of each image's drawing, relative to `folder`: NAME.png if possible.

    A name is changed if the disk could not hold it, if it has control characters, if it points out
    of the folder, or if another drawing or a folder has the same name. Names that differ only in
    case or in their Unicode normal form count as the same, because many disks hold only one of
    them. A changed name ends in eight digits that depend on the image's name alone.

    Args:
        names: of images, with "/".
        folder: where the drawings go. Its disk says how long a name may be.
        taken: names that no drawing may have.

    >>> drawing_names(["a.jpg", "a.png", "A.jpg", "x/../a.jpg"], Path("drawn"))
    ('a.jpg.png', 'a.png.png', 'A.jpg~c88c8fca.png', 'x/_/a.jpg~0e66de42.png')
    """
    longest, longest_path = _limits(folder)
    wanted = [_fitting(name, longest) for name in names]
    used = {same_name(above.as_posix()) for path in wanted for above in Path(path).parents}
    used |= {same_name(name) for name in taken}
    drawn: list[str] = []
    for name, path in zip(names, wanted, strict=True):
        drawing, tries = f"{path}.png", 0
        while same_name(drawing) in used or (path != name and not tries):
            drawing, tries = _numbered(path, f"{name}{tries or ''}", longest), tries + 1
        if len(drawing.encode()) > longest_path:
            drawing = _numbered("", name, longest)
        used.add(same_name(drawing))
        drawn.append(drawing)
    return tuple(drawn)


def renamed(names: Sequence[str], drawn: Sequence[str]) -> str:
    """A message that lists drawings with another name than their image; "" if there are none.

    >>> print(renamed(["a.jpg", "x/../a.jpg"], ["a.jpg.png", "x/_/a.jpg~0e66de42.png"]))
    1 drawing has another name than its image, because the disk or another drawing needs it:
      'x/../a.jpg' is drawn in x/_/a.jpg~0e66de42.png
    """
    changed = [pair for pair in zip(names, drawn, strict=True) if pair[1] != f"{pair[0]}.png"]
    if not changed:
        return ""
    has = "drawing has" if len(changed) == 1 else "drawings have"
    its = "its image" if len(changed) == 1 else "their images"
    lines = [f"{len(changed)} {has} another name than {its}, because the disk or another drawing "
             "needs it:"]  # fmt: skip
    lines += [f"{name!r} is drawn in {path}" for name, path in changed[:_LISTED]]
    if len(changed) > _LISTED:
        lines.append(f"and {len(changed) - _LISTED} more")
    return "\n  ".join(lines)


def _fitting(name: str, longest: int) -> str:
    """A relative path whose parts the disk can hold, without "..", "/" first or last, and "//"."""
    parts = [_printable(part) for part in name.split("/") if part not in ("", ".")] or ["_"]
    room = [longest] * (len(parts) - 1) + [longest - len(".png")]
    return "/".join(_cut(part, most) for part, most in zip(parts, room, strict=True))


def _printable(part: str) -> str:
    if part == "..":
        return "_"
    forbidden = "\\" + _FORBIDDEN * _WINDOWS
    part = "".join(
        "_" if unicodedata.category(c) in _UNPRINTABLE or c in forbidden else c for c in part
    )
    if _WINDOWS:
        part = part.rstrip(". ") or "_"
        part = f"_{part}" if part.partition(".")[0].lower() in _DEVICES else part
    return part


def _numbered(path: str, name: str, longest: int) -> str:
    """The name of a drawing, made different by eight digits that stand for `name`."""
    digits = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    folder, slash, last = path.rpartition("/")
    return f"{folder}{slash}{_cut(last, longest - len('~12345678.png'))}~{digits}.png"


def _cut(part: str, most: int) -> str:
    """The part in at most so many bytes of UTF-8."""
    return part.encode()[:most].decode(errors="ignore")


def _limits(folder: Path) -> tuple[int, int]:
    """Bytes of the longest name in `folder`, and of the longest path below it."""
    here = folder.absolute()
    nearest = next(parent for parent in (here, *here.parents) if parent.is_dir())
    try:
        name, path = (os.pathconf(nearest, f"PC_{kind}_MAX") for kind in ("NAME", "PATH"))
    except (AttributeError, OSError, ValueError):  # Windows
        name, path = 255, 1024
    return name, path - len(os.fsencode(here)) - _SPARE


def same_name(path: str) -> str:
    """A text that is the same for paths that some disks do not tell apart.

    >>> same_name("É.jpg") == same_name("e\u0301.JPG")
    True
    """
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", path).casefold())
