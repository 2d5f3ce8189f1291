"""Files of an archive → ImageSet, decoded on several threads."""

import os
import shutil
import tempfile
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial

import numpy as np
from PIL import Image

from ganloc.errors import Notice, UserError
from ganloc.images.archive import Archive, Unreadable
from ganloc.images.decode import WHOLE, decode, open_rgb, quiet_pillow
from ganloc.images.image_set import ImageSet
from ganloc.images.names import printable
from ganloc.shapes import Float, Int, UInt8

LIMIT_BYTES = 512 * 2**20  # more pixels than this are kept in a file, not in memory
_AHEAD = 256  # files handed to the threads at a time

# Indices of images and a crop of each (xyxy, fractions) → RGB, 0–255, at the images' size.
CropReader = Callable[
    [Int[np.ndarray, " k"], Float[np.ndarray, "k 4"]], UInt8[np.ndarray, "k size size 3"]
]

_Decoded = tuple[UInt8[np.ndarray, "size size 3"], tuple[int, int]]


def gather(
    archive: Archive, names: Sequence[str], size: int, limit_bytes: int = LIMIT_BYTES
) -> ImageSet:
    """Decode the files `names`, in that order. `skipped` lists those that cannot be read.

    Raises:
        UserError: the disk has no room for the pixels.
    """
    pixels = room_for((len(names), size, size, 3), limit_bytes)
    kept: list[str] = []
    sizes: list[tuple[int, int]] = []
    skipped: list[str] = []
    for name, decoded in zip(names, _decode_all(archive, names, size), strict=True):
        if isinstance(decoded, Unreadable):
            skipped.append(f"{printable(name)}: {decoded}")
            continue
        pixels[len(kept)], original = decoded
        kept.append(name)
        sizes.append(original)
    return ImageSet(
        pixels=pixels[: len(kept)],
        names=tuple(kept),
        sizes=np.array(sizes, dtype=np.int64).reshape(-1, 2),
        skipped=tuple(skipped),
    )


def crop_reader(images: ImageSet) -> CropReader | None:
    """A function that reads crops of these images from their files; None without an archive.

    It gives a Notice of the first file that can no longer be read.
    """
    return None if images.archive is None else partial(_read_crops, images.archive, images, [])


def read_original(images: ImageSet, index: int, at_least: int) -> Image.Image:
    """An image as RGB from its file, or its resized pixels if the file cannot be read.

    A JPEG may be decoded at a reduced size, with no side below `at_least` pixels.
    """
    if images.archive is not None:
        with suppress(Unreadable), quiet_pillow():
            return open_rgb(images.archive.read(images.names[index]), at_least)[0]
    return Image.fromarray(images.pixels[index])


def _read_crops(
    archive: Archive,
    images: ImageSet,
    told: list[str],
    indices: Int[np.ndarray, " k"],
    crops: Float[np.ndarray, "k 4"],
) -> UInt8[np.ndarray, "k size size 3"]:
    """`CropReader`. Crops of files that can no longer be read come from the resized pixels."""
    found = np.empty((len(indices), *images.pixels.shape[1:]), np.uint8)
    names = [images.names[index] for index in indices]
    decoded = _decode_all(archive, names, images.size, crops)
    first = None
    for place, (index, crop, one) in enumerate(zip(indices, crops, decoded, strict=True)):
        if not isinstance(one, Unreadable) and one[1] != tuple(images.sizes[index]):
            one = Unreadable("it is another image now")
        if isinstance(one, Unreadable):
            first = first or (images.names[index], one)
            resized = Image.fromarray(images.pixels[index])
            box = tuple((crop * images.size).tolist())
            one = np.asarray(resized.resize(resized.size, Image.Resampling.BICUBIC, box)), None
        found[place] = one[0]
    if first and not told:  # not within the loop, where Pillow is kept quiet
        told.append(first[0])
        _tell_gone(*first)
    return found


def _tell_gone(name: str, reason: Unreadable) -> None:
    warnings.warn(
        f"{printable(name)} can no longer be read ({reason}): its box, and those of further files "
        "that changed since they were listed, are not refined.",
        Notice,
        stacklevel=4,
    )


def _decode_all(
    archive: Archive,
    names: Sequence[str],
    size: int,
    crops: Float[np.ndarray, "k 4"] | None = None,
) -> Iterator[_Decoded | Unreadable]:
    def one(name: str, crop: Float[np.ndarray, "4"]) -> _Decoded | Unreadable:
        try:
            if not _is_unicode(name):  # it could not be printed or exported
                raise Unreadable("its name is not valid Unicode")
            return decode(archive.read(name), size, crop)
        except Unreadable as reason:
            return reason

    wanted = [WHOLE] * len(names) if crops is None else crops
    pool = ThreadPoolExecutor(min(8, os.cpu_count() or 1))
    try:
        with quiet_pillow():
            for start in range(0, len(names), _AHEAD):
                ahead = slice(start, start + _AHEAD)
                yield from pool.map(one, names[ahead], wanted[ahead])
    finally:
        pool.shutdown(cancel_futures=True)


def _is_unicode(name: str) -> bool:
    return name.encode("utf-8", "replace").decode("utf-8") == name


def room_for(shape: tuple[int, int, int, int], limit_bytes: int) -> UInt8[np.ndarray, "n s s 3"]:
    """An empty array, or above `limit_bytes` a memory map over a deleted temporary file."""
    needed = int(np.prod(shape, dtype=np.int64))
    if needed <= limit_bytes:
        return np.empty(shape, np.uint8)
    folder = tempfile.gettempdir()
    if shutil.disk_usage(folder).free < needed:  # writing to a full disk would be a bus error
        raise UserError(
            f"The pixels need {needed / 2**30:.1f} GiB and {folder} has less: "
            "set TMPDIR to a folder with more room."
        )
    with tempfile.TemporaryFile() as file:
        return np.memmap(file, np.uint8, mode="w+", shape=shape)
