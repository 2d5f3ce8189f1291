"""Images as a Python user gives them → ImageSet."""

import os
from pathlib import Path
from typing import Any

from ganloc.arguments import as_flag
from ganloc.errors import UserError
from ganloc.images.image_set import ImageSet
from ganloc.images.in_memory import image_set_of, is_image_file
from ganloc.images.scale import Scale
from ganloc.images.source import load_images
from ganloc.wording import shown


def given_images(
    photos: Any,
    size: int,
    split: str,
    archive: str | Path | None,
    scale: Scale | None,
    pages: bool,
) -> ImageSet:
    """An ImageSet as it is, a folder, zip or named data set, or images in memory.

    Arguments are as for `load_images` and `image_set_of`.

    Raises:
        TypeError: `photos` holds something else than images.
        UserError: the images cannot be read, are none, or are an ImageSet of another size.
    """
    pages = as_flag("pages", pages)
    if isinstance(photos, str | os.PathLike) and not is_image_file(photos):
        return load_images(photos, size, split, archive, scale=scale, pages=pages)
    if archive is not None:
        raise UserError("Images are not read from an archive: leave out archive.")
    if not isinstance(photos, ImageSet):
        return image_set_of(photos, size, scale, pages)
    if pages:
        raise UserError("An ImageSet has its pages: give pages=True to load_images.")
    check_size(photos, size)
    return photos


def check_size(images: ImageSet, size: int) -> None:
    """Raise an error if this is no ImageSet, without images, or not of the network's size."""
    if not isinstance(images, ImageSet):
        raise TypeError(
            f"detect takes an ImageSet, as of load_images, not {shown(images)}: localize takes "
            "images and paths."
        )
    if not len(images):
        raise UserError("There are no images in the ImageSet: give at least one.")
    if images.size != size:
        raise UserError(
            f"The ImageSet is of size {images.size} and the Localizer of {size}: load the images "
            "at that size."
        )
