"""Images of many megapixels: how many are taken, and how they are read in bounded memory."""

import io
import os
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import Image

from ganloc.errors import UserError
from ganloc.images.archive import Unreadable

LARGE = 2**30 // 12  # pixels; larger images are reduced while they are read. Pillow warns here
MOST_MEGAPIXELS = 500.0  # of an image; more may be a decompression bomb
VARIABLE = "GANLOC_MAX_MEGAPIXELS"  # another limit

_AT_ONCE = 2 * LARGE  # pixels that all threads together decode at a time
_BAND = 2**22  # pixels converted at a time
_turn, _taken = threading.Condition(), 0
_lifted, _before = 0, Image.MAX_IMAGE_PIXELS


def file_of(data: bytes | Path) -> io.BytesIO | io.BufferedReader:
    """A file to read from the start: bytes in memory, or an open file."""
    return data.open("rb") if isinstance(data, Path) else io.BytesIO(data)


def most_pixels() -> float:
    """The most pixels of an image that is read.

    Raises:
        UserError: the environment variable is no positive number.
    """
    given = os.environ.get(VARIABLE, "")
    try:
        megapixels = float(given) if given else MOST_MEGAPIXELS
    except ValueError:
        megapixels = float("nan")
    if not megapixels > 0:
        raise UserError(f"{VARIABLE}={given} is no number of megapixels: give one such as 1000.")
    return megapixels * 1e6


def check_size(size: tuple[int, int]) -> None:
    """Refuse an image (width, height) with too many pixels. Raises Unreadable."""
    pixels = size[0] * size[1]
    if pixels > most_pixels():
        raise Unreadable(
            f"{pixels / 1e6:,.0f} megapixels, more than {most_pixels() / 1e6:,g}: if it is no "
            f"decompression bomb, set {VARIABLE}={-(-pixels // 10**6)}"
        )


@contextmanager
def room_to_decode(pixels: int) -> Iterator[None]:
    """Wait until other threads decode so few pixels that memory stays bounded."""
    global _taken
    wanted = min(pixels, _AT_ONCE)
    with _turn:
        _turn.wait_for(lambda: _taken + wanted <= _AT_ONCE)
        _taken += wanted
    try:
        yield
    finally:
        with _turn:
            _taken -= wanted
            _turn.notify_all()


@contextmanager
def pillow_reads_large() -> Iterator[None]:
    """Let Pillow open large images. `check_size` is what refuses bombs then.

    Pillow's limit is one for the program. It is back once the last thread is out of here.
    """
    global _lifted, _before
    with _turn:
        if not _lifted:
            _before, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
        _lifted += 1
    try:
        yield
    finally:
        with _turn:
            _lifted -= 1
            if not _lifted:
                Image.MAX_IMAGE_PIXELS = _before


def factor_for(size: tuple[int, int], at_least: int) -> int:
    """By how much to reduce an image while it is read; 1 if it is not large.

    >>> factor_for((4000, 3000), at_least=256), factor_for((20000, 20000), at_least=256)
    (1, 78)
    """
    width, height = size
    if width * height <= LARGE:
        return 1
    factor = max(1, min(size) // at_least)
    while -(-width // factor) * -(-height // factor) > LARGE:
        factor += 1
    return factor


def reduced(bands: Iterable[Image.Image], factor: int) -> Image.Image:
    """An RGB image, given in bands of rows from above, at 1/factor of its size."""
    done: list[np.ndarray] = []
    waiting: list[np.ndarray] = []
    for band in bands:
        waiting.append(np.asarray(band))
        if sum(map(len, waiting)) >= factor:
            block = np.concatenate(waiting)
            whole = len(block) // factor * factor
            done.append(_reduce(block[:whole], factor))
            waiting = [block[whole:]]
    if sum(map(len, waiting)):
        done.append(_reduce(np.concatenate(waiting), factor))
    return Image.fromarray(np.concatenate(done))


def bands_of(image: Image.Image) -> Iterator[Image.Image]:
    """An image in bands of rows, from above, in its own mode."""
    rows = max(1, _BAND // image.width)
    for top in range(0, image.height, rows):
        band = image.crop((0, top, image.width, min(top + rows, image.height)))
        band.info |= image.info
        yield band


def _reduce(block: np.ndarray, factor: int) -> np.ndarray:
    return block if factor == 1 else np.asarray(Image.fromarray(block).reduce(factor))
