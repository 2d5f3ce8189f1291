"""Heatmaps in a file, to be evaluated later without their model."""

import zlib
from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from ganloc.errors import UserError
from ganloc.files import writing
from ganloc.shapes import Float, Int
from ganloc.wording import either


@dataclass(frozen=True)
class SavedHeatmaps:
    """Heatmaps of a set of images, with the threshold that cuts them into boxes.

    Attributes:
        names: of the images, as in the data set.
        sizes: width and height of each original, in pixels.
        heatmaps: on any scale, large where the object is. Each covers its whole image, resized to a
            square. Boxes are cut at this resolution, so resize coarse heatmaps before you save
            them. Heatmaps of ganloc have the network's size.
        reading: name of the method.
        threshold: ratio of the maximum, after min-max normalisation, that a pixel must exceed.
        otsu: `threshold` is a ratio of each heatmap's Otsu threshold, not of its maximum.
    """

    names: tuple[str, ...]
    sizes: Int[np.ndarray, "n 2"]
    heatmaps: Float[np.ndarray, "n size size"]
    reading: str
    threshold: float
    otsu: bool


def save_heatmaps(path: Path, saved: SavedHeatmaps) -> None:
    """Write one compressed .npz without pickles, an array for each attribute of `SavedHeatmaps`.

    Heatmaps become float32. numpy alone can write the heatmaps of any other method:

    >>> np.savez_compressed(  # doctest: +SKIP
    ...     "maps.npz",
    ...     names=np.array(["a.jpg", "b/c.jpg"]),  # unicode (n,): relative to the folder, with "/"
    ...     sizes=np.array([[640, 480], [300, 200]]),  # integers (n, 2): width, height
    ...     heatmaps=np.zeros((2, 64, 64), np.float16),  # float16, 32 or 64 (n, size, size)
    ...     reading="my-method",
    ...     threshold=0.2,  # in [0, 1)
    ...     otsu=False,
    ... )

    Raises:
        UserError: the file can't be written.
    """
    with writing(path) as file:
        np.savez_compressed(
            file,
            names=np.array(saved.names, dtype=np.str_),
            sizes=saved.sizes,
            heatmaps=saved.heatmaps.astype(np.float32),
            reading=saved.reading,
            threshold=saved.threshold,
            otsu=saved.otsu,
        )


def load_heatmaps(path: Path) -> SavedHeatmaps:
    """Load heatmaps that `save_heatmaps`, or another program in this format, wrote.

    Returns:
        Heatmaps of float32, or of float64 if they were saved so.

    Raises:
        UserError: the file does not exist or is broken, or an array is missing or has the wrong
            type or shape.
    """
    try:
        with path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
            arrays = {key: file[key] for key in file.files}
    except FileNotFoundError as error:
        raise UserError(f"No heatmaps at {path}: check the spelling of the path.") from error
    except _DAMAGED as error:
        raise UserError(
            f"{path} is not a file of heatmaps ({type(error).__name__}): give one that "
            f"{either('`ganloc localize --heatmaps`', 'save_heatmaps')} wrote."
        ) from error
    _check(path, arrays)
    heatmaps = arrays["heatmaps"]
    return SavedHeatmaps(
        names=tuple(arrays["names"].tolist()),
        sizes=arrays["sizes"].astype(np.int64),
        heatmaps=heatmaps.astype(np.float32 if heatmaps.itemsize <= 4 else np.float64),
        reading=str(arrays["reading"]),
        threshold=float(arrays["threshold"]),
        otsu=bool(arrays["otsu"]),
    )


_DAMAGED = (
    OSError,
    ValueError,
    KeyError,
    TypeError,
    EOFError,
    RuntimeError,
    BadZipFile,
    zlib.error,
)


def _check(path: Path, arrays: dict[str, np.ndarray]) -> None:
    """Raise a UserError if an array is missing or has the wrong type or shape."""
    count = np.size(arrays.get("names", ()))
    side = np.shape(arrays.get("heatmaps", ()))[-1:]
    expected = {
        "names": ("U", (count,), "text, one an image"),
        "sizes": ("iu", (count, 2), f"integers, two for each of {count} names"),
        "heatmaps": ("f", (count, *side, *side), f"floats, a square for each of {count} names"),
        "reading": ("U", (), "one text"),
        "threshold": ("fiu", (), "one number"),
        "otsu": ("b", (), "one boolean"),
    }
    for key, (kinds, shape, words) in expected.items():
        if key not in arrays:
            raise UserError(f"{path} has no {key}: save {', '.join(expected)} in it.")
        found = arrays[key]
        if found.dtype.kind not in kinds or found.shape != shape or found.size == 0:
            raise UserError(
                f"{path} has {key} of type {found.dtype} and shape {found.shape}: "
                f"make them {words}."
            )
    if not 0 <= arrays["threshold"] < 1:
        raise UserError(
            f"{path} has the threshold {arrays['threshold']}: save a number from 0 up to, but not "
            "including, 1."
        )
