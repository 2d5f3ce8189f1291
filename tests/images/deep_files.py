"""A scene, and deep PNGs and TIFFs, written by hand: no writer here keeps 16 bits of colour."""

import struct
import zlib

import numpy as np

from ganloc.images.decode import open_rgb
from ganloc.images.folder import load_folder

GREY, RGB, GREY_ALPHA, RGBA = 0, 2, 4, 6
SIDE = 40
SCENE = np.kron(np.random.default_rng(0).integers(0, 256, (5, 5, 3)), np.ones((8, 8, 1), np.int64))
SCENE[0, 0], SCENE[-1, -1] = 0, 255
GREYS = SCENE[..., :1]


def shown(data, scale=None):
    """The pixels of a file's bytes, 0–255, at the side of the scene."""
    return np.asarray(open_rgb(data, SIDE, scale)[0]).astype(int)


def load(folder, files, **options):
    """The set of files that are written to a folder."""
    for name, data in files.items():
        (folder / name).write_bytes(data)
    return load_folder(folder, SIDE, **options)


def deep(scene, bits, kind="u2"):
    """A scene of 0–255 in samples of so many bits."""
    return np.round(scene * ((2.0**bits - 1) / 255)).astype(kind)


def png_16(samples, colour, filters=(0,), interlaced=False, extra=()):
    """A PNG of 16 bits a sample.

    Args:
        samples: uint16 (height, width, channels).
        colour: GREY, RGB, GREY_ALPHA or RGBA.
        filters: of the rows, in turn: 0 none, 1 sub, 2 up, 3 average, 4 Paeth.
        interlaced: write the seven passes of Adam7.
        extra: further chunks (name, content) before the pixels.
    """
    height, width = samples.shape[:2]
    passes = [(0, 0, 1, 1)]
    if interlaced:
        passes = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4)]
        passes += [(1, 0, 2, 2), (0, 1, 1, 2)]
    rows = b""
    for x, y, across, down in passes:
        part = samples[y::down, x::across]
        if part.size:
            rows += _filtered(part.astype(">u2"), filters)
    header = struct.pack(">IIBBBBB", width, height, 16, colour, 0, 0, int(interlaced))
    chunks = [(b"IHDR", header), *extra, (b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        for name, data in chunks
    )


def _filtered(part, filters):
    pixel = 2 * part.shape[2]
    bytes_of = np.frombuffer(part.tobytes(), np.uint8).reshape(len(part), -1)
    above, written = [0] * bytes_of.shape[1], b""
    for number, row in enumerate(bytes_of.tolist()):
        kind = filters[number % len(filters)]
        written += bytes([kind])
        for place, value in enumerate(row):
            left = row[place - pixel] if place >= pixel else 0
            corner = above[place - pixel] if place >= pixel else 0
            guess = [0, left, above[place], (left + above[place]) // 2]
            guess.append(_paeth(left, above[place], corner))
            written += bytes([(value - guess[kind]) % 256])
        above = row
    return written


def _paeth(left, above, corner):
    """PNG specification, 9.4."""
    estimate = left + above - corner
    return min((left, above, corner), key=lambda value: abs(estimate - value))


def tiff(samples, photometric=1, extra=(), tags=(), bits=None, order="<", tile=None, predict=False):
    """A TIFF of one strip without compression, or of compressed strips or tiles.

    Args:
        samples: (height, width, channels), of the type to write.
        photometric: 0 min-is-white, 1 min-is-black, 2 RGB.
        extra: ExtraSamples: 0 unknown, 1 or 2 alpha.
        tags: further tags (tag, type, value): 2 text, 3 uint16, 11 float, 12 double.
        bits: BitsPerSample if not that of the type.
        order: "<" or ">".
        tile: side of tiles, which are deflated; None for one plain strip.
        predict: horizontal differences before deflating tiles.
    """
    samples = np.asarray(samples)
    samples = samples if samples.ndim == 3 else samples[..., None]
    height, width, channels = samples.shape
    kind = {"u": 1, "i": 2, "f": 3, "c": 6}[samples.dtype.kind]
    stored = samples.astype(samples.dtype.newbyteorder(order))
    parts = [stored.tobytes()] if tile is None else list(_tiles(stored, tile, predict))
    fields = [(256, 4, [width]), (257, 4, [height])]
    fields += [(258, 3, [bits or 8 * samples.itemsize] * channels)]
    fields += [(259, 3, [1 if tile is None else 8]), (262, 3, [photometric])]
    fields += [(277, 3, [channels]), (339, 3, [kind] * channels)]
    fields += [(338, 3, list(extra))] if extra else []
    fields += [(317, 3, [2])] if predict else []
    fields += [(tag, kind, value) for tag, kind, value in tags]
    where, sizes = (273, 279) if tile is None else (324, 325)
    fields += [(278, 4, [height])] if tile is None else [(322, 4, [tile]), (323, 4, [tile])]
    lengths = [len(part) for part in parts]
    starts = [8 + sum(lengths[:number]) for number in range(len(parts))]
    fields += [(where, 4, starts), (sizes, 4, lengths)]
    return _with_directory(b"".join(parts), sorted(fields), order)


def _tiles(stored, side, predict):
    height, width, channels = stored.shape
    for top in range(0, height, side):
        for left in range(0, width, side):
            tile = np.zeros((side, side, channels), stored.dtype)
            part = stored[top : top + side, left : left + side]
            tile[: part.shape[0], : part.shape[1]] = part
            if predict:
                tile[:, 1:] -= tile[:, :-1].copy()
            yield zlib.compress(tile.tobytes())


_TYPES = {3: "H", 4: "I", 11: "f", 12: "d"}


def _with_directory(pixels, fields, order):
    pixels += b"\0" * (len(pixels) % 2)
    place = 8 + len(pixels)
    rows, values = b"", b""
    behind = place + 2 + 12 * len(fields) + 4
    for tag, kind, value in fields:
        data = (
            value.encode() + b"\0"
            if kind == 2
            else struct.pack(f"{order}{len(value)}{_TYPES[kind]}", *value)
        )
        count = len(data) if kind == 2 else len(value)
        if len(data) > 4:
            at = struct.pack(f"{order}I", behind + len(values))
            values += data + b"\0" * (len(data) % 2)
        else:
            at = data.ljust(4, b"\0")
        rows += struct.pack(f"{order}HHI", tag, kind, count) + at
    start = b"II*\0" if order == "<" else b"MM\0*"
    directory = struct.pack(f"{order}H", len(fields)) + rows + b"\0" * 4
    return start + struct.pack(f"{order}I", place) + pixels + directory + values
