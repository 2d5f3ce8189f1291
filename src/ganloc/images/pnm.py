"""PGM and PPM files of more than 8 bits a sample, as numbers: Pillow stretches them to 8 or 16."""

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from ganloc.images.large import file_of
from ganloc.images.samples import DeepImage, Samples

_SPACE = rb"(?:\s|#[^\n]*\n)+"
_HEADER = re.compile(rb"P([2356])" + _SPACE + _SPACE.join([rb"(\d+)"] * 3) + rb"\s")
_HEAD = 4096  # bytes that hold the header
_BAND = 2**22  # bytes read at a time


def read_pnm(data: bytes | Path) -> DeepImage | None:
    """The numbers of a file with white above 255, else None. White of 65535 is left to the set."""
    with file_of(data) as file:
        found = _HEADER.match(file.read(_HEAD))
    if not found or int(found[4]) < 256:
        return None
    kind, width, height, white = map(int, found.groups())
    channels = 3 if kind in (3, 6) else 1
    told = {} if white == 65535 else {"limits": (0.0, float(white)), "bits": white.bit_length()}

    def bands() -> Iterator[Samples]:
        rows = max(1, _BAND // (2 * width * channels))
        with file_of(data) as file:
            file.seek(found.end())
            text = _words(file.read(), width * height * channels) if kind in (2, 3) else None
            for top in range(0, height, rows):
                count = min(rows, height - top) * width * channels
                if text is None:
                    values = np.frombuffer(file.read(2 * count), ">u2").astype(np.uint16)
                else:
                    values = text[top * width * channels :][:count]
                if len(values) < count:
                    raise ValueError("image file is truncated")
                yield Samples(values.reshape(-1, width, channels), **told)

    return DeepImage.of(bands(), (width, height), np.dtype(np.uint16))


def _words(text: bytes, most: int) -> np.ndarray:
    return np.array(re.sub(rb"#[^\n]*", b"", text).split()[:most], np.uint16)
