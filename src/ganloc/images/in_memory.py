"""Images that a program already has (arrays, tensors, Pillow images, paths) → ImageSet."""

import io
import os
import stat
import warnings
from collections.abc import Iterator, Mapping, Set
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import ExifTags, Image

from ganloc.arguments import expanded, mode_of
from ganloc.errors import Notice, UserError
from ganloc.images.archive import Archive, Unreadable
from ganloc.images.gather import gather, with_pages
from ganloc.images.image_set import ImageSet
from ganloc.images.scale import Scale
from ganloc.wording import shown, shown_path

TAKEN = (
    "give the path of a folder, a zip or an image, or an image or several (a list, a generator, a "
    "stack): Pillow images, arrays (height × width, or × 3 or 4 channels, RGB), tensors (channels "
    "first) or paths"
)
# Pillow's modes of 8 bits a channel and less.
_MODES = ("1", "L", "LA", "La", "P", "PA", "RGB", "RGBA", "RGBa", "RGBX", "CMYK", "YCbCr", "HSV")
_PLAIN = ("L", "RGB", "RGBA")  # what arrays become
_CHANNELS = (1, 3, 4)

_Source = Image.Image | Path


def image_set_of(
    given: Any, size: int, scale: Scale | None = None, pages: bool = False
) -> ImageSet:
    """Images in memory, or files by their paths, resized to `size` × `size`.

    Arrays and tensors hold whole numbers of 8 bits, 0–255, or floats 0–1; the fourth channel is
    opacity. Files of a list are named by their paths, all other images by their place: "0", "1", ….
    Images in memory are kept as they are, so that crops can be read at full resolution.

    Args:
        given: one image or several, as `TAKEN` says.
        size: side of the images, in pixels.
        scale: of a model, for deep files. By default one scale is decided for all.
        pages: take each page or frame of a file as an image, named `stack.tif#3` (from 1).

    Raises:
        TypeError: `given` is something else.
        UserError: there is no image, an image cannot be used, or a file cannot be read.

    >>> grey = np.zeros((48, 64), np.uint8)
    >>> image_set_of([grey, Image.new("RGB", (20, 10))], size=32).sizes
    array([[64, 48],
           [20, 10]])
    """
    sources: dict[str, _Source] = {}
    names: list[str] = []
    for place, item in enumerate(_items(given)):
        source = _source(item, place)
        names.append(Path(item).as_posix() if isinstance(source, Path) else str(place))
        if sources.setdefault(names[-1], source) != source:
            raise UserError(f"Two images are called {names[-1]}: rename the file of that name.")
    if not names:
        raise UserError(f"There are no images in the {type(given).__name__}: give at least one.")
    _tell_of_pillow(sources)
    _tell_of_darkness(sources)
    archive = Archive(Path(), tuple(names), lambda name: io.BytesIO(_file(sources[name])))
    chosen = with_pages(archive, names) if pages else names
    images = replace(gather(archive, chosen, size, scale=scale), archive=archive)
    if images.skipped:
        count = f"{len(images.skipped)} of {len(names)}"
        first = "; ".join(images.skipped[:3])
        raise UserError(f"{count} images cannot be read ({first}): leave them out of the list.")
    if images.remarks:
        warnings.warn("\n".join(images.remarks), Notice, stacklevel=3)
    return images


def is_image_file(path: str | os.PathLike[str]) -> bool:
    """Whether Pillow knows a file as an image."""
    try:
        with Image.open(expanded(path)):
            return True
    except Exception:  # each format has errors of its own
        return False


def _items(given: Any) -> Iterator[Any]:
    """The images in `given`: itself, the rows of a stack, or what it yields."""
    if isinstance(given, Image.Image | str | os.PathLike):
        return iter([given])
    if isinstance(given, torch.Tensor) or _is_array(given):
        array = given if isinstance(given, torch.Tensor) else np.asanyarray(given)
        if not isinstance(array, torch.Tensor) and array.dtype.kind in "OUT":  # paths, or images
            return iter(array.tolist())
        return iter(array if array.ndim == 4 else [array])
    if isinstance(given, Mapping | Set | bytes | bytearray | memoryview):
        raise TypeError(f"This is {shown(given)}: {TAKEN}.")
    try:
        return iter(given)
    except TypeError:
        raise TypeError(f"This is {shown(given)}: {TAKEN}.") from None


def _is_array(item: Any) -> bool:
    return hasattr(item, "__array__") or hasattr(item, "__array_interface__")


def _source(item: Any, place: int) -> _Source:
    """What to read an image from, checked. Errors as in `image_set_of`."""
    if isinstance(item, str | os.PathLike):
        path = expanded(item)
        if not os.fspath(item):
            raise UserError(f"Image {place} is an empty path: leave it out.")
        if not stat.S_ISREG(mode := mode_of(path)):
            is_dir = stat.S_ISDIR(mode)
            what = "a folder: give it by itself" if is_dir else "not there: check its path"
            raise UserError(f"Image {place}, {shown_path(path)}, is {what}.")
        return path
    if isinstance(item, Image.Image):
        if item.mode not in _MODES:
            raise UserError(
                f"The mode of image {place} is {item.mode}, of more than 8 bits: give its file, or "
                "scale all images alike to 0–255."
            )
        try:
            item.load()
        except Exception as error:  # each decoder raises errors of its own
            raise UserError(f"Pillow cannot read image {place} ({error}): leave it out.") from error
        return item
    if isinstance(item, torch.Tensor):
        return _from_tensor(item, place)
    if np.ma.is_masked(item):
        raise UserError(
            f"Image {place} has masked pixels: fill them (filled), or give opacity as a fourth "
            "channel."
        )
    if _is_array(item):
        array = np.asarray(item)
        return _from_array(array, _form(array, place))
    raise TypeError(f"Image {place} is {shown(item)}: {TAKEN}.")


def _from_tensor(tensor: torch.Tensor, place: int) -> Image.Image:
    form, shape = _form(tensor, place), tensor.shape
    if tensor.ndim == 3 and shape[0] not in _CHANNELS and shape[2] in _CHANNELS:
        raise UserError(f"{form}, but a tensor has its channels first: permute(2, 0, 1).")
    try:
        own = tensor.detach().cpu()
        if own.is_floating_point() and own.itemsize < 4:  # NumPy lacks some of these types
            own = own.float()
        array = (own.permute(1, 2, 0) if own.ndim == 3 else own).numpy()
    except (RuntimeError, TypeError) as error:  # sparse, quantized, without values, …
        raise UserError(
            f"{form}, which cannot become an array: make it a plain tensor of uint8 or float32."
        ) from error
    return _from_array(array, form)


def _from_array(array: np.ndarray, form: str) -> Image.Image:
    if array.ndim == 3 and array.shape[2] not in _CHANNELS and array.shape[0] in _CHANNELS:
        raise UserError(f"{form}, but an array has its channels last: transpose(1, 2, 0).")
    if array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[2] not in _CHANNELS):
        raise UserError(f"{form}: give height × width, or 1, 3 or 4 channels too.")
    if not array.size:
        raise UserError(f"{form}: it has no pixels.")
    if array.dtype.kind == "f":
        if not (array.min() >= 0.0 and array.max() <= 1.0):  # NaN too
            raise UserError(f"{form} beyond 0–1: scale it to 0–1, or make it uint8, 0–255.")
        array = np.round(array.astype(np.float64) * 255.0).astype(np.uint8)
    if array.dtype != np.uint8:
        raise UserError(f"{form}: scale it to uint8, 0–255, or to floats, 0–1.")
    return Image.fromarray(
        np.ascontiguousarray(array[:, :, 0] if array.shape[2:] == (1,) else array)
    )


def _form(values: Any, place: int) -> str:
    """Shape and type of pixels, in words."""
    shape = " × ".join(map(str, values.shape)) or "a single value"
    return f"Image {place} is {shape} of {str(values.dtype).removeprefix('torch.')}"


def _tell_of_pillow(sources: Mapping[str, _Source]) -> None:
    """Notices of rotations and of further pages, which Pillow images carry beside their pixels."""
    images = [own for own in sources.values() if isinstance(own, Image.Image)]
    turned = sum(own.getexif().get(ExifTags.Base.Orientation, 1) != 1 for own in images)
    if turned:
        warnings.warn(
            f"{turned} of {len(images)} Pillow images carry a rotation (EXIF) and are taken as "
            "they are: ImageOps.exif_transpose turns them upright.",
            Notice,
            stacklevel=4,
        )
    if further := sum(map(_further_pages, images)):
        warnings.warn(
            f"{further} further pages or frames of Pillow images were not looked at: give their "
            "files with pages=True, or each page as an image.",
            Notice,
            stacklevel=4,
        )


def _further_pages(image: Image.Image) -> int:
    place = image.tell()
    further = int(getattr(image, "n_frames", 1)) - 1
    if image.tell() != place:  # counting the frames moves to the last one
        image.seek(place)
    return further


def _tell_of_darkness(sources: Mapping[str, _Source]) -> None:
    """A Notice where images look black because their numbers were scaled twice or cut off."""
    images = [own for own in sources.values() if isinstance(own, Image.Image)]
    bands = [np.reshape(own.getextrema(), (-1, 2))[:3] for own in images if own.mode in _PLAIN]
    if bands and len(bands) == len(images) and np.concatenate(bands).max() == 1:
        warnings.warn(
            "No pixel of the images is above 1 of 255, so all look black: whole numbers are taken "
            "as 0–255, floats as 0–1.",
            Notice,
            stacklevel=4,
        )


def _file(source: _Source) -> bytes:
    """The bytes of an image file: its own, or a PNG of the image in memory."""
    try:
        if isinstance(source, Path):
            return source.read_bytes()
    except OSError as error:
        raise Unreadable(error.strerror or str(error)) from error
    plain = source.copy()
    if plain.mode not in ("1", "L", "LA", "P", "RGB", "RGBA"):  # what PNG can hold
        plain = plain.convert({"PA": "RGBA", "RGBa": "RGBA", "La": "LA"}.get(plain.mode, "RGB"))
    kept = ("transparency", "icc_profile")  # and not, say, its rotation
    plain.info = {key: value for key, value in source.info.items() if key in kept}
    file = io.BytesIO()
    plain.save(file, "PNG", compress_level=0)
    return file.getvalue()
