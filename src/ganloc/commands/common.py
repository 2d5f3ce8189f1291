"""Arguments and output that the commands share."""

import stat
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Annotated, Any

import tyro
from rich.console import Console
from tyro.conf import Positional
from tyro.constructors import PrimitiveConstructorSpec

from ganloc.arguments import expanded, mode_of
from ganloc.errors import UserError
from ganloc.settings import KINDS
from ganloc.wording import shown

if TYPE_CHECKING:
    import torch

    from ganloc.duration import Duration
    from ganloc.images.image_set import ImageSet
    from ganloc.images.scale import Scale
    from ganloc.localizer import Localizer
    from ganloc.metrics.objects import ObjectsRow
    from ganloc.metrics.rows import Row
    from ganloc.recipes import Recipe

console = Console(stderr=True)


def as_given(kind: Any, metavar: str, name: str = "") -> Any:
    """How an option that may be left out is read: as it is written, also the text "None".

    Args:
        kind: str, Path, int or float.
        metavar: what stands for the value in the help.
        name: of the option, for a message where the value is no number.
    """

    def read(texts: list[str]) -> Any:
        try:
            return kind(texts[0])
        except ValueError:
            raise UserError(f"--{name} must be {KINDS[kind]}, not {shown(texts[0])}.") from None

    return PrimitiveConstructorSpec(
        nargs=1,
        metavar=metavar,
        instance_from_str=read,
        is_instance=lambda value: value is None or isinstance(value, kind),
        str_from_instance=lambda value: [str(value)],
    )


def _as_count(texts: list[str]) -> int | str:
    """A number of objects, or "all"."""
    if texts[0].lower() == "all":
        return "all"
    try:
        return int(texts[0])
    except ValueError:
        raise UserError(
            f"--max-objects must be a whole number or all, not {shown(texts[0])}."
        ) from None


plain = tyro.conf.arg(help_behavior_hint="")  # the help does not say what is there by default
MaxObjects = Annotated[
    int | str | None,
    PrimitiveConstructorSpec(
        nargs=1,
        metavar="N",
        instance_from_str=_as_count,
        is_instance=lambda value: value is None or isinstance(value, int | str),
        str_from_instance=lambda value: [str(value)],
    ),
    plain,
]
MinScore = Annotated[float, as_given(float, "X", "min-score")]
Flag = Annotated[tyro.conf.FlagCreatePairsOff[bool], plain]
Data = Annotated[Path | None, as_given(Path, "ARCHIVE"), plain]
Name = Annotated[str | None, as_given(str, "NAME"), plain]
Photos = Annotated[Positional[str], tyro.conf.arg(metavar="PHOTOS")]
File = Annotated[Path | None, as_given(Path, "FILE"), plain]
Evaluated = Annotated[Positional[str], tyro.conf.arg(metavar="DATA")]
Trained = Annotated[Positional[Path], tyro.conf.arg(metavar="RUN")]


def say(text: str) -> None:
    """Print a line for the user on standard error. "" prints nothing."""
    if text:
        console.print(text, markup=False, highlight=False, soft_wrap=True)


def say_pretrained(localizer: "Localizer", reading: str | None = None) -> None:
    """Say that pre-trained features had a part in the boxes of a reading, if they had."""
    model = localizer.model
    if model is not None and model.is_pretrained(reading or model.reading):
        say(f"Pre-trained features ({model.recipe.features}) had a part in these boxes.")


def options_again(pages: bool, data: Path | None) -> str:
    """The options on the images, for a command that goes on with them."""
    return (" --pages" if pages else "") + (f" --data {quote(str(data))}" if data else "")


def announcement(
    images: "ImageSet",
    recipe: "Recipe",
    device: "torch.device",
    threads: int,
    duration: "Duration",
    resume: bool = False,
) -> str:
    """What a training will do, and about how long it takes."""
    from ganloc.duration import about

    what = f"{recipe.summary} at {recipe.size} pixels, on {device}"
    if device.type == "cpu":
        what += f" with {threads} thread{'s' if threads > 1 else ''}"
    # A resumed training has less to do, which its progress will tell.
    long = "" if resume else f", {about(duration.until(recipe.steps))}"
    rest = ", and the time of the features" if recipe.features else ""
    return f"{len(images)} images, {what}: {recipe.steps} steps{long}{rest}."


def refuse_inside(photos: str, folder: Path, option: str) -> None:
    """Refuse to write images into `photos`: the next run would read them as photos.

    Raises:
        UserError: `folder` lies inside `photos`.
    """
    root = expanded(photos).resolve()
    if stat.S_ISDIR(mode_of(root)) and folder.resolve().is_relative_to(root):
        raise UserError(f"{folder} lies inside {photos}: choose a place outside it for {option}.")


def load_with_truth(
    data_set: str,
    size: int,
    archive: Path | None,
    truth: Path | None,
    category: str | None = None,
    scale: "Scale | None" = None,
    pages: bool = False,
) -> "ImageSet":
    """Load the test images with their true boxes.

    Raises:
        UserError: they have no true boxes, or `load_images` cannot read them.
    """
    from ganloc.images.source import has_boxes, has_split, load_images

    there = has_split(data_set) or expanded(data_set).exists()
    if truth is None and there and not has_boxes(data_set):
        raise UserError(f"{data_set} has no true boxes: give a COCO file by --truth.")
    return load_images(data_set, size, "test", archive, truth, category, scale, pages)


def print_rows(
    name: str,
    images: "ImageSet",
    rows: "list[Row]",
    corloc: "list[Row]",
    as_object: bool,
    objects: "list[ObjectsRow] | None" = None,
) -> None:
    """Print the rows as tables, or as one JSON object, on standard output."""
    import json

    from ganloc.metrics.localization import has_truth
    from ganloc.metrics.objects import objects_as_json
    from ganloc.metrics.rows import as_json
    from ganloc.report.terminal_table import print_objects, print_table

    count = int(has_truth(images.truth or ()).sum())
    if as_object:
        table = as_json(name, count, rows, corloc)
        if objects:
            table["objects"] = objects_as_json(objects)
        print(json.dumps(table, indent=2, allow_nan=False))
    else:
        print_table(rows, f"{name}: {count} images, percent (95 % interval)", corloc)
        if objects:
            true = sum(map(len, images.truth or ()))
            print_objects(objects, f"All objects: {true} in {len(images)} images")
