"""A folder or zip of images → Images."""

from dataclasses import replace
from pathlib import Path

from ganloc.errors import UserError
from ganloc.images.archive import open_archive
from ganloc.images.decode import SUFFIXES
from ganloc.images.gather import LIMIT_BYTES, gather
from ganloc.images.image_set import ImageSet


def load_folder(path: Path, size: int, limit_bytes: int = LIMIT_BYTES) -> ImageSet:
    """Read every JPEG, PNG, BMP, WebP and TIFF under `path`, a folder or a zip.

    Images are turned upright (EXIF) and squeezed, not cropped, to `size` × `size`; grey,
    palette and CMYK become RGB; transparent pixels show mid-grey. They come in the order of their
    names. Hidden files and folders and `__MACOSX` are ignored; files that cannot be decoded are
    listed in `skipped`. Past `limit_bytes` the pixels are a memory map over a temporary file.

    Raises:
        UserError: nothing at `path`, neither a folder nor a whole zip, or no readable image.
    """
    archive = open_archive(path)
    names = [name for name in archive.names if name.lower().endswith(SUFFIXES)]
    if not names:
        raise UserError(
            f"No images in {path}: give a folder or zip with JPEG, PNG, BMP, WebP or TIFF files."
        )
    images = replace(gather(archive, names, size, limit_bytes), archive=archive)
    if not len(images):
        raise UserError(
            f"None of the {len(names)} image files in {path} can be read "
            f"(the first is {images.skipped[0]}): give images that other programs open."
        )
    return images
