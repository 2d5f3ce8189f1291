"""Arguments and output that the commands share."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro
from rich.console import Console
from tyro.conf import Positional

from ganloc.errors import UserError

if TYPE_CHECKING:
    import torch

    from ganloc.duration import Duration
    from ganloc.images.image_set import ImageSet
    from ganloc.images.scale import Scale
    from ganloc.metrics.rows import Row
    from ganloc.recipes import Recipe

console = Console(stderr=True)

Flag = Annotated[tyro.conf.FlagCreatePairsOff[bool], tyro.conf.arg(help_behavior_hint="")]
Data = Annotated[Path | None, tyro.conf.arg(metavar="ARCHIVE", help_behavior_hint="")]
Category = Annotated[str | None, tyro.conf.arg(metavar="NAME", help_behavior_hint="")]
Device = Annotated[str | None, tyro.conf.arg(metavar="NAME", help_behavior_hint="")]
Number = Annotated[float | None, tyro.conf.arg(metavar="X", help_behavior_hint="")]
Photos = Annotated[Positional[str], tyro.conf.arg(metavar="PHOTOS")]
Truth = Annotated[Path | None, tyro.conf.arg(metavar="FILE", help_behavior_hint="")]
Evaluated = Annotated[Positional[str], tyro.conf.arg(metavar="DATA")]
Trained = Annotated[Positional[Path], tyro.conf.arg(metavar="RUN")]


def say(text: str) -> None:
    """Print a line for the user on standard error. "" prints nothing."""
    if text:
        console.print(text, markup=False, highlight=False, soft_wrap=True)


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
    return f"{len(images)} images, {what}: {recipe.steps} steps{long}."


def refuse_inside(photos: str, folder: Path, option: str) -> None:
    """Refuse to write images into `photos`: the next run would read them as photos.

    Raises:
        UserError: `folder` lies inside `photos`.
    """
    root = Path(photos).expanduser().resolve()
    if root.is_dir() and folder.resolve().is_relative_to(root):
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

    there = has_split(data_set) or Path(data_set).expanduser().exists()
    if truth is None and there and not has_boxes(data_set):
        raise UserError(f"{data_set} has no true boxes: give a COCO file by --truth.")
    return load_images(data_set, size, "test", archive, truth, category, scale, pages)


def print_rows(
    name: str, images: "ImageSet", rows: "list[Row]", corloc: "list[Row]", as_object: bool
) -> None:
    """Print `rows` as a table, or as one JSON object, on standard output."""
    import json

    from ganloc.metrics.localization import has_truth
    from ganloc.metrics.rows import as_json
    from ganloc.report.terminal_table import print_table

    count = int(has_truth(images.truth or ()).sum())
    if as_object:
        print(json.dumps(as_json(name, count, rows, corloc), indent=2, allow_nan=False))
    else:
        print_table(rows, f"{name}: {count} images, percent (95 % interval)", corloc)
