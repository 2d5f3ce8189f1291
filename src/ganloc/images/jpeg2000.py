"""JPEG 2000 of more than 8 bits a sample, as numbers.

Pillow stretches grey to 16 bits, and shows white as black in colour of more than 8 bits, as well as
any signed number wrongly. Those are read by imagecodecs.
"""

import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from ganloc.images.archive import Unreadable
from ganloc.images.large import file_of
from ganloc.images.samples import DeepImage, Samples

_SIZE = b"\xff\x4f\xff\x51"  # start of a code stream, and its first marker
_HEAD = 2**20  # bytes that hold the boxes before the code stream
_YCC = b"colr\x01\0\0\0\0\0\x12"  # brightness and colour differences


@dataclass(frozen=True)
class _Components:
    count: int
    bits: int
    signed: bool


def read_jpeg2000(data: bytes | Path, image: Image.Image) -> DeepImage | None:
    """The numbers of a file that Pillow has opened; None if it has 8 bits a sample.

    Raises:
        Unreadable: it needs imagecodecs, or is of a kind that is not read.
    """
    with file_of(data) as file:
        head = file.read(_HEAD)
    own = _components(head)
    if own is None or (own.bits <= 8 and not own.signed):
        return None
    told = 0 if own.bits == 16 else own.bits
    if own.count == 1 and not own.signed and own.bits <= 16 and image.mode.startswith("I;16"):
        values = np.asarray(image)[..., None] >> (16 - own.bits)
        return DeepImage.of(iter([Samples(values, bits=told)]), image.size, values.dtype)
    try:
        from imagecodecs import jpeg2k_decode
    except ImportError as error:
        raise Unreadable(
            "a JPEG 2000 of more than 8 bits that needs `pip install ganloc[tiff]`"
        ) from error
    if own.count > 4 or _YCC in head:
        raise Unreadable("a JPEG 2000 of more than 8 bits that is neither grey nor RGB")
    values = np.atleast_3d(jpeg2k_decode(data.read_bytes() if isinstance(data, Path) else data))
    alpha = values[..., -1] if own.count in (2, 4) else None
    colours = values if alpha is None else values[..., :-1]
    samples = Samples(colours, alpha, opaque=2.0**own.bits - 1, bits=told)
    return DeepImage.of(iter([samples]), (values.shape[1], values.shape[0]), values.dtype)


def _components(head: bytes) -> _Components | None:
    """The components by the marker SIZ (ISO 15444-1, A.5.1); None without it."""
    at = head.find(_SIZE)
    if at < 0 or len(head) < at + 43:
        return None
    (count,) = struct.unpack(">H", head[at + 40 : at + 42])
    depths = head[at + 42 : at + 42 + 3 * count : 3]
    bits = [(depth & 127) + 1 for depth in depths]
    return _Components(count, max(bits), any(depth & 128 for depth in depths))
