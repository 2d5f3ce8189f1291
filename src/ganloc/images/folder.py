"""A folder or zip of pictures → Pictures."""

from pathlib import Path

from ganloc.errors import UserError
from ganloc.images.archive import open_archive
from ganloc.images.decode import SUFFIXES
from ganloc.images.gather import LIMIT_BYTES, gather
from ganloc.images.pictures import Pictures


def load_folder(path: Path, size: int, limit_bytes: int = LIMIT_BYTES) -> Pictures:
    """Read every JPEG, PNG, BMP, WebP and TIFF under `path`, a folder or a zip.

    Pictures are turned upright (EXIF) and squeezed, not cropped, to `size` × `size`; grey,
    palette and CMYK become RGB; transparent pixels show mid-grey. They come in the order of their
    names. Hidden files and folders and `__MACOSX` are ignored; files that cannot be decoded are
    listed in `skipped`. Past `limit_bytes` the pixels are a memory map over a temporary file.

    Raises:
        UserError: nothing at `path`, neither a folder nor a whole zip, or no readable picture.
    """
    with open_archive(path) as archive:
        names = [name for name in archive.names if name.lower().endswith(SUFFIXES)]
        if not names:
            raise UserError(
                f"No pictures in {path}: give a folder or zip with JPEG, PNG, BMP, WebP or "
                "TIFF files."
            )
        pictures = gather(archive, names, size, limit_bytes)
    if not len(pictures):
        raise UserError(
            f"None of the {len(names)} picture files in {path} can be read "
            f"(the first is {pictures.skipped[0]}): give pictures that other programs open."
        )
    return pictures
