"""A folder or zip of images → ImageSet."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from ganloc.errors import UserError
from ganloc.images.archive import Archive, one_file, open_archive
from ganloc.images.gather import LIMIT_BYTES, gather, with_pages
from ganloc.images.image_set import ImageSet
from ganloc.images.kinds import HEAD, SUFFIXES, UNKNOWN, Kind, advice, kind_of, kind_of_file
from ganloc.images.left_out import OTHER, LeftOut, Reason, sentence
from ganloc.images.names import first_few, normal_form, printable
from ganloc.images.scale import Scale

_THREADS = 8


def load_folder(
    path: Path,
    size: int,
    limit_bytes: int = LIMIT_BYTES,
    scale: Scale | None = None,
    pages: bool = False,
) -> ImageSet:
    """Read every image in a folder or zip, or one image file.

    Images are known by their content, not by their names: JPEG, PNG, BMP, WebP, TIFF, GIF, PNM,
    and, where Pillow or the extra `heic` reads them, JPEG 2000, AVIF and HEIC. They are turned
    upright (EXIF) and resized to `size` × `size` without cropping, so their aspect ratio is lost.
    Grey, palette and CMYK become RGB. Transparent pixels become mid-grey. Hidden and system files
    are left out.

    Args:
        path: a folder, a zip or an image file.
        size: side of the images, in pixels.
        limit_bytes: the most memory for pixels. Larger sets are a memory map over a temporary
            file.
        scale: of a model, for deep images. By default one scale is decided for the set.
        pages: take each page or frame of a file as an image, named `stack.tif#3` (from 1).

    Returns:
        Images in the order of their names. `skipped` lists the files that cannot be decoded,
        `remarks` counts what else is not an image of the set, and tells how deep images were read.

    Raises:
        UserError: `path` does not exist, is neither a folder nor a complete zip nor an image, or
            holds no readable image.
    """
    archive = one_file(path) if _is_image_file(path) else open_archive(path)
    names, others = _sorted_out(archive)
    counted = sentence([*archive.left_out, *others])
    if not names:
        raise UserError(
            f"No images in {path}: give a folder or zip with JPEG, PNG, WebP, TIFF or other image "
            f"files. {counted}".rstrip()
        )
    chosen = with_pages(archive, names) if pages else names
    images = gather(archive, chosen, size, limit_bytes, scale)
    if not len(images):
        raise UserError(
            f"None of the {len(names)} image files in {path} can be read "
            f"(the first is {images.skipped[0]}): give images that other programs open."
        )
    remarks = (counted, *archive.remarks, _same_names(names), _what_changed(archive, names))
    remarks += images.remarks
    return replace(images, archive=archive, remarks=tuple(filter(None, remarks)))


def _is_image_file(path: Path) -> bool:
    if not path.is_file():
        return False
    try:
        with path.open("rb") as file:
            kind = kind_of(file.read(HEAD))
    except OSError:
        return False
    if kind.format and not kind.is_readable:
        raise UserError(f"{path} is {kind.title}, which can't be read here{advice(kind)}.")
    return kind.is_readable


def _sorted_out(archive: Archive) -> tuple[list[str], list[LeftOut]]:
    """The names of the images, and what the other files are."""
    parts = [archive.names[start::_THREADS] for start in range(_THREADS)]
    with ThreadPoolExecutor(_THREADS) as pool:  # for the latency of network drives
        found = list(pool.map(lambda part: [_kind(archive, name) for name in part], parts))
    kinds = [found[i % _THREADS][i // _THREADS] for i in range(len(archive.names))]
    names, others = [], []
    for name, kind in zip(archive.names, kinds, strict=True):
        if kind.is_readable or (kind == UNKNOWN and name.lower().endswith(SUFFIXES)):
            names.append(name)
        elif kind == UNKNOWN:
            others.append(LeftOut(name, OTHER))
        else:
            counted = kind.title + advice(kind)
            others.append(LeftOut(name, Reason(counted, counted, named=not advice(kind))))
    return names, others


def _kind(archive: Archive, name: str) -> Kind:
    try:
        with archive.open(name) as file:
            return kind_of_file(name, file)
    except Exception:  # reading it tells what is wrong, if its name is that of an image
        return UNKNOWN


def _same_names(names: list[str]) -> str:
    """A sentence on names that are equal in `normal_form`; "" if there are none."""
    first: dict[str, str] = {}
    same = [name for name in names if first.setdefault(normal_form(name), name) != name]
    if not same:
        return ""
    return (
        f"{len(same)} {'name differs' if len(same) == 1 else 'names differ'} from another only in "
        f"how Unicode or slashes are written "
        f"({first_few(same)}): all are kept."
    )


def _what_changed(archive: Archive, names: list[str]) -> str:
    """A sentence on images that came, went or changed while a folder was read; "" if none did."""
    if not archive.stamps:
        return ""
    after = open_archive(archive.path)
    came = [name for name in after.names if name not in archive.stamps]
    came = [name for name in came if _kind(after, name).is_readable]
    went = [name for name in names if name not in after.stamps]
    changed = [n for n in names if archive.stamps[n] != after.stamps.get(n, archive.stamps[n])]
    told = [("came", came), ("went", went), ("changed", changed)]
    counted = ", ".join(f"{len(some)} {verb} ({first_few(some)})" for verb, some in told if some)
    if not counted:
        return ""
    return (
        f"{printable(str(archive.path))} changed while it was read: of its images, {counted}. "
        "Run again once nothing writes to it."
    )
