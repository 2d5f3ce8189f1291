"""The names in a zip, decoded by what fits.

A zip says of a name only whether it is UTF-8. Without that mark it should be code page 437, but
programs write the code page of their machine, or UTF-8 all the same.
"""

import struct
import unicodedata
import zipfile
import zlib
from collections.abc import Sequence

_UTF8_FLAG = 0x800
_UNICODE_PATH = 0x7075  # Info-ZIP's extra field: version, CRC-32 of the other name, UTF-8
# Of equally good ones, the first: the format's own, then those of Windows in other countries.
_CODES = ("cp437", "cp850", "cp866", "cp1252", "cp932", "euc_kr", "gb2312", "big5")
# Scripts that stand beside each other within a word.
_JAPANESE = {"HIRAGANA", "KATAKANA", "KATAKANA-HIRAGANA", "CJK"}


def decode_names(members: Sequence[zipfile.ZipInfo]) -> tuple[list[str], str | None]:
    """The name of each entry, and the code that was guessed for those without a mark.

    All names without a mark have one code: UTF-8 if all are valid UTF-8, or the code whose text
    looks most like words. None if nothing was guessed.
    """
    names = [_marked_name(member) for member in members]
    unmarked = [_raw(member) for member, name in zip(members, names, strict=True) if name is None]
    code = _code_of(b"/".join(unmarked))
    decoded = [
        _raw(member).decode(code, "replace") if name is None else name
        for member, name in zip(members, names, strict=True)
    ]
    return decoded, None if code == "utf-8" else code


def _raw(member: zipfile.ZipInfo) -> bytes:
    return member.filename.encode("cp437")  # zipfile decodes every name without a mark so


def _marked_name(member: zipfile.ZipInfo) -> str | None:
    """The name if the zip tells how to read it."""
    if member.flag_bits & _UTF8_FLAG or member.filename.isascii():
        return member.filename
    extra = member.extra
    while len(extra) >= 4:
        kind, length = struct.unpack("<HH", extra[:4])
        field, extra = extra[4 : 4 + length], extra[4 + length :]
        if kind == _UNICODE_PATH and len(field) > 5:
            (checksum,) = struct.unpack("<I", field[1:5])
            if checksum == zlib.crc32(_raw(member)):  # else the entry was renamed since
                return field[5:].decode("utf-8", "replace")
    return None


def _code_of(raw: bytes) -> str:
    texts = {}
    for code in ("utf-8", *_CODES):
        try:
            texts[code] = raw.decode(code)
        except UnicodeDecodeError:
            continue
    if "utf-8" in texts:
        return "utf-8"
    return max(texts, key=lambda code: _likeness(texts[code]))


def _likeness(text: str) -> float:
    """How much the text looks like words, at most 1.

    Each letter that isn't ASCII counts for it. Frames and other symbols count against it, and so
    do letters that differ in script from the letter before, and capitals after small letters.
    """
    points = 0
    before = ""
    for letter in text:
        if not letter.isalpha():
            points -= not letter.isascii()
        elif not letter.isascii():
            odd = _is_rare(letter) or (before and not _go_together(before, letter))
            points += -1 if odd else 1
        before = letter if letter.isalpha() else ""
    return points / sum(not letter.isascii() for letter in text)


def _go_together(before: str, letter: str) -> bool:
    scripts = {_script(before), _script(letter)}
    same = len(scripts) == 1 or scripts <= _JAPANESE
    return same and not (before.islower() and letter.isupper())


def _is_rare(letter: str) -> bool:
    """Letters that names hardly have: ª, º, half-width Katakana, single letters of Hangul."""
    rare = ("HALFWIDTH ", "FEMININE ", "MASCULINE ", "HANGUL LETTER ")
    return unicodedata.name(letter, "").startswith(rare)


def _script(letter: str) -> str:
    return unicodedata.name(letter, "").partition(" ")[0]
