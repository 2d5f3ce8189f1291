"""Names in zips that do not say how they are written."""

import struct
import zipfile
import zlib

import pytest

from ganloc.images.zip_names import decode_names


def entry(raw: bytes, flag: int = 0, extra: bytes = b"") -> zipfile.ZipInfo:
    """An entry as zipfile reads it from a zip."""
    member = zipfile.ZipInfo(raw.decode("utf-8" if flag else "cp437"))
    member.flag_bits, member.extra = flag, extra
    return member


def path_field(name: str, other: bytes) -> bytes:
    field = struct.pack("<BI", 1, zlib.crc32(other)) + name.encode()
    return struct.pack("<HH", 0x5455, 1) + b"\0" + struct.pack("<HH", 0x7075, len(field)) + field


@pytest.mark.parametrize("name", ["plain.jpg", "été.jpg", "写真/猫.jpg"])
def test_marked_and_unmarked_utf_8(name):
    for flag in (0x800, 0):
        assert decode_names([entry(name.encode(), flag)]) == ([name], None)


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("Vögel/Übung Größe.jpg", "cp437"),
        ("été à la plage.jpg", "cp437"),
        ("niño São.jpg", "cp850"),
        ("Фото/кот на крыше.jpg", "cp866"),
        ("写真/猫.jpg", "cp932"),
        ("新しいフォルダ/ソ.jpg", "cp932"),  # ソ ends in the byte of a backslash
        ("日本語のファイル名.png", "cp932"),
        ("照片/小猫.jpg", "gb2312"),
        ("사진/고양이.jpg", "euc_kr"),
        ("照片.jpg", "big5"),
    ],
)
def test_the_code_page_of_the_machine_that_zipped(name, code):
    members = [entry(name.encode(code)), entry(b"plain.jpg"), entry("é.jpg".encode(), 0x800)]
    assert decode_names(members) == ([name, "plain.jpg", "é.jpg"], code)


def test_a_name_in_unicode_beside_the_other_is_used_if_it_belongs_to_it():
    raw = "été.jpg".encode("cp850")
    assert decode_names([entry(raw, extra=path_field("été.jpg", raw))]) == (["été.jpg"], None)
    renamed = entry(raw, extra=path_field("other.jpg", b"other.jpg"))
    assert decode_names([renamed])[0] == ["été.jpg"]


def test_no_names():
    assert decode_names([]) == ([], None)
