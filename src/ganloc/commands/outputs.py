"""Checks of the files that `ganloc localize` will write, before anything is computed."""

import os
import warnings
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from PIL import Image

from ganloc.arguments import expanded
from ganloc.commands.common import refuse_inside
from ganloc.errors import UserError
from ganloc.files import STANDARD_OUTPUT, check_folder_writable, check_writable, is_stream
from ganloc.report.drawing_names import same_name

OTHER_IMAGES = {".heic", ".heif", ".hif", ".avif", ".jxl", ".dng", ".jp2"}  # not known to Pillow


def check_outputs(
    out: Path,
    heatmaps: Path | None,
    folders: Mapping[str, Path | None],
    photos: str,
    inputs: Iterable[Path],
) -> None:
    """Check that every output can be written, and that none takes the place of another file.

    Args:
        out: `--out`.
        heatmaps: `--heatmaps`.
        folders: for PNGs, by option: `--draw`, `--mask-dir`.
        photos: the folder or zip of images, or the name of a data set.
        inputs: other files and run folders that the command reads.

    Raises:
        UserError: an output can't be written, is an image, a zip or one of the inputs, or is the
            same file as another output, or PNGs would lie among the images.
    """
    files = {"--out": out} if heatmaps is None else {"--out": out, "--heatmaps": heatmaps}
    inputs = [expanded(photos), *inputs]
    for option, path in files.items():
        check_writable(path)
        if not is_stream(path):
            _refuse_image(option, path)
            _refuse_input(option, path, inputs)
    wanted = {option: folder for option, folder in folders.items() if folder is not None}
    for option, folder in wanted.items():
        if folder == STANDARD_OUTPUT:
            raise UserError(f"{option} takes a folder, not -: give its name.")
        check_folder_writable(folder)
        _refuse_linked(option, photos, folder)
    _refuse_twice(files, wanted)


def check_drawings(option: str, folder: Path, photos: str, drawings: Sequence[str]) -> None:
    """Check that no PNG would go through a link into the folder of images.

    Args:
        option: the folder's.
        folder: of the PNGs.
        photos: the folder or zip of images.
        drawings: names of the PNGs below `folder`.

    Raises:
        UserError: one would.
    """
    if folder.is_dir():
        for name in drawings:
            refuse_inside(photos, folder / name, option)


def _refuse_linked(option: str, photos: str, folder: Path) -> None:
    """Refuse to write PNGs inside the folder of images, or inside a folder that it links to."""
    refuse_inside(photos, folder, option)
    for inside, folders, _ in os.walk(expanded(photos)):
        for other in folders:
            if (Path(inside) / other).is_symlink():
                refuse_inside(str(Path(inside) / other), folder, option)


def _refuse_image(option: str, path: Path) -> None:
    """Refuse to replace an image or a zip, by any name or link."""
    if path.is_file() and (what := _image_or_zip(path)):
        raise UserError(f"{path} is {what}: choose another {option}.")


def _image_or_zip(path: Path) -> str:
    """What a file is if it should not be replaced, else ""."""
    Image.init()
    suffixes = {path.suffix.lower(), path.resolve().suffix.lower()}
    if suffixes & (Image.EXTENSION.keys() | OTHER_IMAGES):
        return "an image"
    if ".npz" not in suffixes and zipfile.is_zipfile(path):
        return "a zip"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            Image.open(path).close()
        except Image.DecompressionBombError:
            return "an image"
        except Exception:  # each decoder raises errors of its own
            return ""
    return "an image"


def _refuse_input(option: str, path: Path, inputs: Sequence[Path]) -> None:
    """Refuse a file that the command reads. A file that only lies beside one is allowed."""
    if not path.exists():
        return
    for given in inputs:
        own = [given]
        if (given / "recipe.json").is_file():  # a run, whose folder may hold other files
            own = [*given.glob("*.safetensors"), *given.glob("*/*.safetensors")]
            own += [given / name for name in ("recipe.json", "log.jsonl", "signals.jsonl")]
        if any(file.exists() and path.samefile(file) for file in own):
            raise UserError(f"{path} is read by this command: choose another {option}.")


def _refuse_twice(files: dict[str, Path], folders: dict[str, Path]) -> None:
    """Refuse outputs of one name, or of which one would be a folder of the other."""
    outputs = {**files, **folders}
    places = {
        option: Path(same_name(_place(path)))
        for option, path in outputs.items()
        if option in folders or not _same(path, Path(os.devnull))
    }
    for option, place in places.items():
        for other, folder in places.items():
            inside = option != other and folder in (place, *place.parents)
            # Other files than PNGs may lie beside the PNGs.
            beside = option in files and other in folders and place != folder
            if inside and not (beside and place.suffix.lower() != ".png"):
                raise UserError(
                    f"{option} ({outputs[option]}) and {other} ({outputs[other]}) are in one "
                    "place: give each its own."
                )


def _place(path: Path) -> str:
    """The same text for all names of one file, also for all names of standard output."""
    if path == STANDARD_OUTPUT:
        path = Path("/dev/stdout")
    return os.path.realpath(path)


def _same(one: Path, other: Path) -> bool:
    return one.exists() and other.exists() and one.samefile(other)
