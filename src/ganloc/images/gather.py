"""Files of an archive → ImageSet, decoded on several threads."""

import os
import shutil
import tempfile
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

from ganloc.errors import Notice, UserError
from ganloc.images.archive import LARGEST_FILE, Archive, Unreadable
from ganloc.images.decode import (
    WHOLE,
    About,
    at_least_for,
    count_pages,
    open_image,
    open_rgb,
    quiet_pillow,
    resized,
)
from ganloc.images.image_set import ImageSet
from ganloc.images.names import printable
from ganloc.images.notes import reading_notes
from ganloc.images.pages import page_name, split_page
from ganloc.images.scale import Scale, decide
from ganloc.shapes import Float, Int, UInt8

LIMIT_BYTES = 512 * 2**20  # more pixels than this are kept in a file, not in memory
_NOT_REFINED = (
    "its box, and those of further files that changed since they were listed, are not refined"
)
_AT_LOW_RESOLUTION = (
    "its features, and those of further files that changed since they were listed, are of the "
    "resized image"
)
_AHEAD = 256  # files handed to the threads at a time

# Indices of images and a crop of each (xyxy, fractions) → RGB, 0–255, at the images' size.
CropReader = Callable[
    [Int[np.ndarray, " k"], Float[np.ndarray, "k 4"]], UInt8[np.ndarray, "k size size 3"]
]

# Pixels, None of a deep image whose scale is not known yet, and what its set must know.
_Decoded = tuple[UInt8[np.ndarray, "size size 3"] | None, About]


def gather(
    archive: Archive,
    names: Sequence[str],
    size: int,
    limit_bytes: int = LIMIT_BYTES,
    scale: Scale | None = None,
) -> ImageSet:
    """Decode the files `names`, in that order. `skipped` lists those that cannot be read.

    Args:
        archive: of the files.
        names: of the files; also `FILE#3`, the third page of a file.
        size: side of the images, in pixels.
        limit_bytes: the most memory for pixels.
        scale: of a model, for deep images. By default that of the set is decided.

    Raises:
        UserError: the disk has no room for the pixels.
    """
    pixels = room_for((len(names), size, size, 3), limit_bytes)
    kept: list[str] = []
    about: list[About] = []
    skipped: list[str] = []
    for name, one in zip(names, _decode_all(archive, names, size, Scale()), strict=True):
        if isinstance(one, Unreadable):
            skipped.append(f"{printable(name)}: {one}")
            continue
        if one[0] is not None:
            pixels[len(kept)] = one[0]
        kept.append(name)
        about.append(one[1])
    digests = [one.digest for one in about if one.digest]
    used = decide(digests, scale) if digests else scale
    deep = [index for index, one in enumerate(about) if one.digest]
    again = _decode_all(archive, [kept[index] for index in deep], size, used or Scale())
    for index, one in zip(deep, again, strict=True):
        if isinstance(one, Unreadable) or one[0] is None:
            raise UserError(f"{kept[index]} changed while it was read: start again.")
        pixels[index] = one[0]
    return ImageSet(
        pixels=pixels[: len(kept)],
        names=tuple(kept),
        sizes=np.array([one.size for one in about], dtype=np.int64).reshape(-1, 2),
        skipped=tuple(skipped),
        scale=used,
        remarks=reading_notes(kept, about, used, scale),
    )


def with_pages(archive: Archive, names: Sequence[str]) -> list[str]:
    """The names with those of all pages in place of each file with several."""

    def pages(name: str) -> list[str]:
        try:
            count = count_pages(_read(archive, name)[0])
        except Unreadable:
            count = 1  # `gather` says why
        return [page_name(name, page) for page in range(count)] if count > 1 else [name]

    with _threads() as pool, quiet_pillow():
        return [page for name in pool.map(pages, names) for page in name]


def crop_reader(images: ImageSet) -> CropReader | None:
    """A function that reads crops of these images from their files; None without an archive.

    It gives a Notice of the first file that can no longer be read.
    """
    if images.archive is None:
        return None
    return partial(_read_crops, images.archive, images, images.size, [_NOT_REFINED])


def read_at_size(
    images: ImageSet, size: int
) -> Callable[[Int[np.ndarray, " k"]], UInt8[np.ndarray, "k side side 3"]]:
    """A function that reads whole images, by their indices, at another size.

    They come from their files, and from the resized pixels without an archive. It gives a Notice of
    the first file that can no longer be read.
    """
    untold = [_AT_LOW_RESOLUTION]

    def read(indices: Int[np.ndarray, " k"]) -> UInt8[np.ndarray, "k side side 3"]:
        if images.archive is None:
            pixels = (Image.fromarray(images.pixels[index]) for index in indices)
            return np.stack([resized(one, size) for one in pixels])
        whole = np.tile(WHOLE, (len(indices), 1))
        return _read_crops(images.archive, images, size, untold, indices, whole)

    return read


def of_objects(read_crops: CropReader, image: Int[np.ndarray, " k"]) -> CropReader:
    """A reader that counts objects, where `read_crops` counts images.

    Args:
        read_crops: of images.
        image: index of the image of each object.
    """
    return lambda indices, crops: read_crops(image[indices], crops)


def read_original(images: ImageSet, index: int, at_least: int) -> Image.Image:
    """An image as RGB from its file, or its resized pixels if the file cannot be read.

    A JPEG may be decoded at a reduced size, with no side below `at_least` pixels.
    """
    if images.archive is not None:
        with suppress(Unreadable), quiet_pillow():
            data, page = _read(images.archive, images.names[index])
            return open_rgb(data, at_least, images.scale, page)[0]
    return Image.fromarray(images.pixels[index])


def _read_crops(
    archive: Archive,
    images: ImageSet,
    size: int,
    untold: list[str],
    indices: Int[np.ndarray, " k"],
    crops: Float[np.ndarray, "k 4"],
) -> UInt8[np.ndarray, "k {size} {size} 3"]:
    """Crops at a size. Those of files that can no longer be read come from the resized pixels.

    `untold` is what the first such file leads to. It is told once.
    """
    found = np.empty((len(indices), size, size, 3), np.uint8)
    names = [images.names[index] for index in indices]
    scale = images.scale or Scale()
    decoded = _decode_all(archive, names, size, scale, crops)
    first = None
    for place, (index, crop, one) in enumerate(zip(indices, crops, decoded, strict=True)):
        pixels, reason = None, Unreadable("it is another image now")
        if isinstance(one, Unreadable):
            reason = one
        elif one[1].size == tuple(images.sizes[index]):
            pixels = one[0]
        if pixels is None:
            first = first or (images.names[index], reason)
            pixels = resized(Image.fromarray(images.pixels[index]), size, crop)
        found[place] = pixels
    if first and untold:  # not within the loop, where Pillow is kept quiet
        _tell_gone(*first, untold.pop())
    return found


def _tell_gone(name: str, reason: Unreadable, consequence: str) -> None:
    warnings.warn(
        f"{printable(name)} can no longer be read ({reason}): {consequence}.",
        Notice,
        stacklevel=4,
    )


def _decode_all(
    archive: Archive,
    names: Sequence[str],
    size: int,
    scale: Scale,
    crops: Float[np.ndarray, "k 4"] | None = None,
) -> Iterator[_Decoded | Unreadable]:
    def one(name: str, crop: Float[np.ndarray, "4"]) -> _Decoded | Unreadable:
        try:
            if not _is_unicode(name):  # it could not be printed or exported
                raise Unreadable("its name is not valid Unicode")
            data, page = _read(archive, name)
            image, about = open_image(data, at_least_for(size, crop), scale, page)
            return None if image is None else resized(image, size, crop), about
        except Unreadable as reason:
            return reason

    wanted = [WHOLE] * len(names) if crops is None else crops
    with _threads() as pool, quiet_pillow():
        for start in range(0, len(names), _AHEAD):
            ahead = slice(start, start + _AHEAD)
            yield from pool.map(one, names[ahead], wanted[ahead])


@contextmanager
def _threads() -> Iterator[ThreadPoolExecutor]:
    pool = ThreadPoolExecutor(min(8, os.cpu_count() or 1))
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)


def _read(archive: Archive, name: str) -> tuple[bytes | Path, int]:
    """A file, or its path if it is large, and the page that the name tells if no file has it."""
    try:
        if archive.on_disk and _is_large(path := archive.path / name):
            return path, 0
        return archive.read(name), 0
    except Unreadable:
        paged = split_page(name)
        if paged is None:
            raise
        return _read(archive, paged[0])[0], paged[1]


def _is_large(path: Path) -> bool:
    try:
        return path.is_file() and path.stat().st_size > LARGEST_FILE
    except OSError:
        return False  # `read` says why


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
