"""The rows of a PNG as its file keeps them, for what Pillow cannot give.

Pillow halves the depth of a PNG with 16 bits a sample, and holds an image in memory as a whole.
Here a PNG is unpacked by blocks of rows at its own depth. Pillow still undoes the filters: they
work on each byte of a pixel for itself, so a block of rows is a small PNG of its own once the row
above it is put before it, and pixels of 6 or 8 bytes are two images of 3 or 4. See the PNG
specification (W3C, third edition), sections 7 to 9.
"""

import io
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from PIL import ExifTags, Image

from ganloc.images.large import file_of
from ganloc.shapes import UInt8

SIGNATURE = b"\x89PNG\r\n\x1a\n"
GREY, RGB, PALETTE, GREY_ALPHA, RGBA = 0, 2, 3, 4, 6
CHANNELS = {GREY: 1, RGB: 3, PALETTE: 1, GREY_ALPHA: 2, RGBA: 4}
_OF_BYTES = {1: GREY, 2: GREY_ALPHA, 3: RGB, 4: RGBA}  # the 8-bit colour type of so many bytes
_BLOCK = 2**22  # bytes unpacked at a time
# The seven passes of an interlaced PNG: first column and row, steps.
_ADAM7 = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2)]
_ADAM7 += [(0, 1, 1, 2)]


@dataclass(frozen=True)
class Header:
    """What the start of a PNG says.

    Attributes:
        width, height: in pixels.
        depth: bits a sample: 1, 2, 4, 8 or 16.
        colour: the colour type, a key of `CHANNELS`.
        interlaced: whether the file holds the seven passes of Adam7.
        palette, transparency: contents of PLTE and tRNS; empty if there is none.
    """

    width: int
    height: int
    depth: int
    colour: int
    interlaced: bool = False
    palette: bytes = b""
    transparency: bytes = b""

    @property
    def pixel(self) -> int:
        """Bytes a pixel, at least 1."""
        return max(1, CHANNELS[self.colour] * self.depth // 8)

    def row(self, width: int) -> int:
        """Bytes of a row of `width` pixels, without its filter."""
        return -(-width * CHANNELS[self.colour] * self.depth // 8)


def read_header(data: bytes | Path) -> Header:
    """The header of a PNG. Raises ValueError if the file is none."""
    header = None
    for kind, content in _chunks(data):
        if kind == b"IHDR":
            width, height, depth, colour, _, _, interlace = struct.unpack(">IIBBBBB", content)
            header = Header(width, height, depth, colour, interlace == 1)
        elif header and kind == b"PLTE":
            header = replace(header, palette=content)
        elif header and kind == b"tRNS":
            header = replace(header, transparency=content)
        elif kind == b"IDAT":
            break
    if header is None or header.colour not in CHANNELS:
        raise ValueError("broken PNG file")
    return header


def row_blocks(data: bytes | Path, header: Header) -> Iterator[UInt8[np.ndarray, "rows bytes"]]:
    """The unfiltered bytes of all rows in blocks, from above. The PNG must not be interlaced."""
    stride = header.row(header.width)
    before = np.zeros(stride, np.uint8)
    for rows in _filtered(data, [(stride, header.height)]):
        block = _unfilter(rows, before, header.pixel)
        before = block[-1]
        yield block


def bands_16(data: bytes | Path, header: Header) -> Iterator[np.ndarray]:
    """The samples of a PNG of 16 bits a sample, uint16 (rows, width, channels), from above."""
    channels = CHANNELS[header.colour]
    if not header.interlaced:
        yield from (_as_16(block, channels) for block in row_blocks(data, header))
        return
    places = [
        (x, y, across, down)
        for x, y, across, down in _ADAM7
        if x < header.width and y < header.height
    ]
    shapes = [
        (header.row(-(-(header.width - x) // across)), -(-(header.height - y) // down))
        for x, y, across, down in places
    ]
    parts: list[list[np.ndarray]] = [[] for _ in places]
    number = 0
    for rows in _filtered(data, shapes):
        if parts[number] and sum(map(len, parts[number])) == shapes[number][1]:
            number += 1
        before = parts[number][-1][-1] if parts[number] else np.zeros(shapes[number][0], np.uint8)
        parts[number].append(_unfilter(rows, before, header.pixel))
    values = np.empty((header.height, header.width, channels), np.uint16)
    for (x, y, across, down), part in zip(places, parts, strict=True):
        values[y::down, x::across] = _as_16(np.concatenate(part), channels)
    yield values


def image_bands(data: bytes | Path, header: Header) -> Iterator[Image.Image]:
    """A PNG that is not interlaced in bands of rows, from above, as Pillow would read each."""
    for block in row_blocks(data, header):
        rows = np.insert(block, 0, 0, axis=1)  # no filter
        yield Image.open(io.BytesIO(_png(replace(header, height=len(block)), rows)))


def orientation(data: bytes | Path) -> int:
    """The EXIF orientation of a PNG, without decoding it."""
    exif = Image.Exif()
    for kind, content in _chunks(data):
        if kind == b"eXIf":
            exif.load(content)
    return exif.get(ExifTags.Base.Orientation, 1)


def _as_16(block: UInt8[np.ndarray, "rows bytes"], channels: int) -> np.ndarray:
    return block.view(">u2").astype(np.uint16).reshape(len(block), -1, channels)


def _chunks(data: bytes | Path) -> Iterator[tuple[bytes, bytes]]:
    """The chunks of a file: kind and content. Long contents come in parts."""
    with file_of(data) as file:
        if file.read(8) != SIGNATURE:
            raise ValueError("not a PNG")
        while len(start := file.read(8)) == 8:
            left, kind = struct.unpack(">I4s", start)
            end = file.tell() + left + 4
            while part := file.read(min(left, _BLOCK)):
                left -= len(part)
                yield kind, part
            file.seek(end)


def _filtered(
    data: bytes | Path, shapes: list[tuple[int, int]]
) -> Iterator[UInt8[np.ndarray, "_ _"]]:
    """Rows as packed, each after the byte of its filter, for passes of (bytes a row, rows)."""
    unpacked, stream = bytearray(), _inflated(data)
    for stride, height in shapes:
        most = max(1, _BLOCK // (stride + 1))
        for start in range(0, height, most):
            needed = min(most, height - start) * (stride + 1)
            while len(unpacked) < needed:
                part = next(stream, None)
                if part is None:
                    raise ValueError("image file is truncated")
                unpacked += part
            yield np.frombuffer(bytes(unpacked[:needed]), np.uint8).reshape(-1, stride + 1)
            del unpacked[:needed]


def _inflated(data: bytes | Path) -> Iterator[bytes]:
    unpack = zlib.decompressobj()
    for kind, packed in _chunks(data):
        if kind != b"IDAT":
            continue
        rest = packed
        while rest:
            yield unpack.decompress(rest, _BLOCK)
            rest = unpack.unconsumed_tail
    while part := unpack.decompress(unpack.unconsumed_tail, _BLOCK):
        yield part


def _unfilter(
    rows: UInt8[np.ndarray, "rows filtered"], before: UInt8[np.ndarray, " bytes"], pixel: int
) -> UInt8[np.ndarray, "rows bytes"]:
    if pixel not in _OF_BYTES:  # the even bytes, then the odd ones
        block = np.empty((len(rows), len(before)), np.uint8)
        for part in (0, 1):
            half = np.concatenate([rows[:, :1], rows[:, 1 + part :: 2]], axis=1)
            block[:, part::2] = _unfilter(half, before[part::2], pixel // 2)
        return block
    above = np.concatenate([[0], before]).astype(np.uint8)
    header = Header(len(before) // pixel, len(rows) + 1, 8, _OF_BYTES[pixel])
    image = Image.open(io.BytesIO(_png(header, np.concatenate([above[None], rows]))))
    return np.asarray(image).reshape(len(rows) + 1, -1)[1:]


def _png(header: Header, rows: UInt8[np.ndarray, "rows filtered"]) -> bytes:
    size = struct.pack(">IIBB", header.width, header.height, header.depth, header.colour)
    parts = [(b"IHDR", size + b"\0\0\0")]
    parts += [(b"PLTE", header.palette)] if header.palette else []
    parts += [(b"tRNS", header.transparency)] if header.transparency else []
    parts += [(b"IDAT", zlib.compress(rows.tobytes(), 0)), (b"IEND", b"")]
    return SIGNATURE + b"".join(
        struct.pack(">I", len(content)) + named + struct.pack(">I", zlib.crc32(named))
        for content, named in ((content, kind + content) for kind, content in parts)
    )
