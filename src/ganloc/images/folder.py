"""A folder or zip of images → ImageSet."""

from dataclasses import replace
from pathlib import Path

from ganloc.errors import UserError
from ganloc.images.archive import open_archive
from ganloc.images.decode import SUFFIXES
from ganloc.images.gather import LIMIT_BYTES, gather, with_pages
from ganloc.images.image_set import ImageSet
from ganloc.images.scale import Scale


def load_folder(
    path: Path,
    size: int,
    limit_bytes: int = LIMIT_BYTES,
    scale: Scale | None = None,
    pages: bool = False,
) -> ImageSet:
    """Read every JPEG, PNG, BMP, WebP and TIFF in a folder or zip.

    Images are turned upright (EXIF) and resized to `size` × `size` without cropping, so their
    aspect ratio is lost. Grey, palette and CMYK become RGB. Transparent pixels become mid-grey.
    Hidden files, hidden folders and `__MACOSX` are ignored.

    Args:
        path: a folder or zip.
        size: side of the images, in pixels.
        limit_bytes: the most memory for pixels. Larger sets are a memory map over a temporary
            file.
        scale: of a model, for deep images. By default one scale is decided for the set.
        pages: take each page or frame of a file as an image, named `stack.tif#3` (from 1).

    Returns:
        Images in the order of their names. `skipped` lists the files that cannot be decoded.

    Raises:
        UserError: `path` does not exist, is neither a folder nor a complete zip, or holds no
            readable image.
    """
    archive = open_archive(path)
    names = [name for name in archive.names if name.lower().endswith(SUFFIXES)]
    if not names:
        raise UserError(
            f"No images in {path}: give a folder or zip with JPEG, PNG, BMP, WebP or TIFF files."
        )
    names = with_pages(archive, names) if pages else names
    images = replace(gather(archive, names, size, limit_bytes, scale), archive=archive)
    if not len(images):
        raise UserError(
            f"None of the {len(names)} image files in {path} can be read "
            f"(the first is {images.skipped[0]}): give images that other programs open."
        )
    return images
