"""Names of files: one form to compare them in, and what no name of an image is."""

import posixpath
import re
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from urllib.parse import unquote

# Folders and files of systems, cameras and network drives, in lower case. Names that start with a
# dot (.thumbnails, .AppleDouble, ._photo.jpg, .DS_Store) are hidden anyway.
_LITTER = frozenset(
    {
        *("__macosx", "@eadir", "@recycle", "@recently-snapshot", "@tmp", "@sharebin"),
        *("#recycle", "#snapshot", "$recycle.bin", "recycler", "lost+found", "found.000"),
        *("system volume information", "network trash folder", "temporary items"),
        *("thumbs.db", "ehthumbs.db", "desktop.ini", "zbthumbnail.info", "icon\r"),
        *("picasaoriginals", "ipod photo cache", "lightroom previews.lrdata"),
    }
)
# Files that hold an image and are none of the user's: thumbnails of videos and of network drives,
# and what editors and unfinished downloads leave behind.
_LEFT_BEHIND = re.compile(
    r"synophoto_.*|synofile_thumb.*"
    r"|.*(\.thm|\.lrv|\.lrprev|\.bak|\.orig|\.\w+_original|~|\.tmp|\.temp"
    r"|\.part|\.partial|\.crdownload|\.download)",
    re.IGNORECASE | re.DOTALL,
)
# A file that was uploaded to Label Studio, as it exports it, with eight digits before the name.
_UPLOADED = re.compile(r"(?:^|/)upload/\d+/[0-9a-f]{8}-([^/]+)$")


def normal_form(name: str) -> str:
    """The form in which names are compared: composed Unicode (NFC), "/", no "./" and no BOM.

    >>> normal_form(".\\\\set\\\\cafe\\u0301.jpg")
    'set/café.jpg'
    """
    composed = unicodedata.normalize("NFC", name.removeprefix("\ufeff")).replace("\\", "/")
    return composed.removeprefix("./")


def path_inside(name: str) -> str | None:
    """The path of an archive's entry below the folder that it is unpacked to.

    None if it leads out of that folder: by "..", or because it is absolute.

    >>> path_inside("set\\\\a.jpg"), path_inside("./b//../c.jpg"), path_inside("../d.jpg")
    ('set/a.jpg', 'c.jpg', None)
    """
    path = posixpath.normpath(name.replace("\\", "/"))
    leads_out = path.startswith("/") or path.split("/")[0] == ".." or re.match("[A-Za-z]:", path)
    return None if leads_out else path


def litter(path: str) -> str | None:
    """The hidden, system or left-behind file that a path leads to, or such a folder on its way.

    None if there is none. The path of a folder ends in "/".

    >>> litter("day1/@eaDir/a.jpg/THUMB.jpg"), litter("a.jpg~"), litter("day1/a.jpg")
    ('day1/@eaDir', 'a.jpg~', None)
    """
    parts = path.split("/")
    for depth, part in enumerate(parts, start=1):
        if part.startswith(".") or part.lower() in _LITTER:
            return "/".join(parts[:depth])
    return path if _LEFT_BEHIND.fullmatch(parts[-1]) else None


def printable(name: str) -> str:
    """The name on one line: line ends, control characters and broken Unicode are escaped.

    >>> printable("two\\nlines.jpg")
    'two\\\\nlines.jpg'
    """
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in name)


def first_few(names: Iterable[str], most: int = 3) -> str:
    """The first names, for a message.

    >>> first_few(["a.jpg", "b.jpg", "c.jpg", "d.jpg"])
    'a.jpg, b.jpg, c.jpg, …'
    """
    names = list(names)
    return ", ".join([*map(printable, names[:most]), *(["…"] if len(names) > most else [])])


def match_names(
    names: Sequence[str], others: Sequence[str], by_ending: bool = False
) -> list[int | None]:
    """For each name, the index of the one of `others` that means the same file; None if none does.

    Names that are equal go first, then those of equal `normal_form`, then those that are equal once
    "%20" and its like are decoded. A name that could mean several files means none.

    Args:
        names: without duplicates.
        others: likewise.
        by_ending: two paths also match if one is the end of the other and neither fits another: a
            file's name without its folder, or the absolute path of another machine. Files that were
            uploaded to Label Studio, as it names them in an export, match those of the same name.

    >>> match_names(["day1/a.jpg", "b c.jpg"], ["b%20c.jpg", "day2/a.jpg"], by_ending=True)
    [None, 0]
    >>> match_names(["day1/a.jpg"], ["/home/me/day1/a.jpg"], by_ending=True)
    [0]
    >>> match_names(["day1/a.jpg"], ["upload/4/6ad68067-a.jpg"], by_ending=True)
    [0]
    """
    found: list[int | None] = [None] * len(names)
    left = set(range(len(others)))
    keys: list[Callable[[str], str]] = [str, normal_form, _decoded]
    for key in keys:
        wanted = {at: key(name) for at, name in enumerate(names) if found[at] is None}
        for index, other in _equal(wanted, {at: key(others[at]) for at in left}):
            found[index] = other
            left.remove(other)
    if by_ending and left and None in found:
        own, offered = list(map(_decoded, names)), list(map(_decoded, others))
        matches = ((at, _UPLOADED.search(name)) for at, name in enumerate(offered))
        uploads = {at: match[1] for at, match in matches if match}
        pairs = _by_ending(own, offered)
        pairs += _equal({at: _as_uploaded(name) for at, name in enumerate(own)}, uploads)
        for index, other in pairs:
            if found[index] is None and other in left:
                found[index] = other
                left.remove(other)
    return found


def _decoded(name: str) -> str:
    return normal_form(unquote(name))


def _equal(names: Mapping[int, str], others: Mapping[int, str]) -> list[tuple[int, int]]:
    """Indices of a name and of another that is equal, where neither has a second candidate."""
    called, offered = defaultdict(list), defaultdict(list)
    for index, name in names.items():
        called[name].append(index)
    for index, other in others.items():
        offered[other].append(index)
    return [
        (own[0], offered[name][0])
        for name, own in called.items()
        if len(own) == 1 and len(offered[name]) == 1
    ]


def _by_ending(names: list[str], others: list[str]) -> list[tuple[int, int]]:
    """Pairs of which one path is the end of the other, where neither has a second candidate."""
    candidates = defaultdict(set)
    for index, other in _pairs(names, others):
        candidates[index].add(other)
    for other, index in _pairs(others, names):
        candidates[index].add(other)
    wanted_by = defaultdict(set)
    for index, found in candidates.items():
        for other in found:
            wanted_by[other].add(index)
    return [
        (index, other)
        for index, found in candidates.items()
        for other in found
        if len(found) == 1 and len(wanted_by[other]) == 1
    ]


def _as_uploaded(name: str) -> str:
    """What Label Studio calls a file, but for what it puts before the name."""
    return re.sub(r"[^-\w.]", "", posixpath.basename(name).replace(" ", "_"))


def _pairs(short: list[str], long: list[str]) -> Iterable[tuple[int, int]]:
    """Indices of a short path and a long path that ends in it."""
    called = defaultdict(list)
    for index, name in enumerate(short):
        called[name].append(index)
    for index, name in enumerate(long):
        parts = name.split("/")
        for start in range(len(parts)):
            yield from ((found, index) for found in called.get("/".join(parts[start:]), ()))
