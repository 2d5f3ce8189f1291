"""`ganloc train`."""

import sys
from dataclasses import Field, asdict, fields, make_dataclass
from pathlib import Path
from shlex import quote
from typing import Annotated, Any

import tyro

from ganloc.commands.common import (
    Data,
    File,
    Flag,
    Name,
    Photos,
    announcement,
    as_given,
    console,
    options_again,
    refuse_inside,
    say,
    say_pretrained,
)
from ganloc.errors import Stopped, UserError
from ganloc.recipes import DEFAULT_PRESET, PRESETS, Recipe, make_recipe
from ganloc.wording import option

METAVARS = {int: "N", float: "X", str: "NAME"}


def _help(name: str, text: str) -> str:
    """A setting's help with its value in each preset, that of the default preset first."""
    said = {True: "on", False: "off", "": "none"}
    values = {preset: getattr(recipe, name) for preset, recipe in PRESETS.items()}
    values = {
        preset: said[value] if isinstance(value, bool | str) and value in said else value
        for preset, value in values.items()
    }
    first = values.pop(DEFAULT_PRESET)
    others = ", ".join(f"{preset} {value}" for preset, value in values.items() if value != first)
    return f"{text} (default: {first}{f'; {others}' if others else ''})"


def _options(field: Field[Any]) -> list[tuple[str, Any, Any]]:
    """A setting as an option, or as two flags that switch it on and off."""
    text = _help(field.name, field.metadata["help"])
    if field.type is bool:
        off = tyro.conf.arg(help=f"Switch --{field.name} off.", help_behavior_hint="")
        on = tyro.conf.arg(help=text, help_behavior_hint="")
        return [
            (field.name, Annotated[Flag, on], False),
            (f"no_{field.name}", Annotated[Flag, off], False),
        ]
    kind: Any = field.type
    read = as_given(kind, METAVARS[kind], field.name.replace("_", "-"))
    shown = tyro.conf.arg(help=text, help_behavior_hint="")
    return [(field.name, Annotated[kind | None, read, shown], None)]


# Every setting of a recipe. What is not given is the preset's.
Settings = make_dataclass(
    "Settings", [one for field in fields(Recipe) for one in _options(field)], frozen=True
)
AS_PRESET = Settings()


def train(
    photos: Photos,
    out: Path,
    preset: Name = None,
    settings: Settings = AS_PRESET,  # pyright: ignore[reportInvalidTypeForm]
    resume: Flag = False,
    hints: File = None,
    pages: Flag = False,
    data: Data = None,
    device: Name = None,
) -> None:
    """Train a model on images of one kind of thing.

    Args:
        photos: A folder or zip of images, tiny-imagenet:SET, cifar10:CATEGORY, or embedded.
        out: A new folder for the run: model, log, checkpoints and drawings.
        preset: What is trained, with a value for every setting: default (the border pretext task,
            then a student; minutes), laptop (the paper's GAN, thin) or paper (the GAN as published,
            for a GPU). Without --preset it is default.
        settings: Settings that replace those of the preset.
        hints: Boxes that you drew in a few images, as COCO JSON, to learn from at the end, as with
            finetune --hints.
        resume: Go on with the run in --out, which was stopped, or to more --iterations.
        pages: Take each page or frame of a file as an image.
        data: tiny-imagenet-200.zip for tiny-imagenet:SET, cifar-10-binary.tar.gz for
            cifar10:CATEGORY, or its folder.
        device: cpu, cuda, …; by default a GPU if there is one.
    """
    from ganloc.checkpoints.run import Run, check_new
    from ganloc.duration import measure_duration
    from ganloc.images.hints import read_hints
    from ganloc.images.source import load_images
    from ganloc.localizer import Localizer
    from ganloc.method import steps_of_finetune
    from ganloc.notices import check_enough
    from ganloc.report.progress_bar import training_progress
    from ganloc.tensors import choose_device
    from ganloc.threads import training_threads

    place = choose_device(device)
    refuse_inside(photos, out, "--out")
    given = _given(asdict(settings))
    if resume:
        changes = asdict(make_recipe(preset, **given)) if preset else given
        changes["iterations"] = given.get("iterations")  # a preset's own would be a change
        recipe = Run.open(out).recipe_to_resume(changes)
    else:
        recipe = make_recipe(preset or DEFAULT_PRESET, **given)
        check_new(out)
    images = load_images(photos, recipe.size, "train", data, pages=pages)
    # Before the training is announced.
    check_enough(images)
    if resume:
        Run.open(out).check_same(recipe, images)
    drawn = None if hints is None else read_hints(hints, images)
    localizer = Localizer.from_recipe(recipe, place)
    options = options_again(pages, data)
    options += f" --device {quote(device)}" if device else ""
    folder, origin = quote(str(out)), quote(photos)
    kept = Run.open(out).read()["threads"] if resume else None
    try:
        with training_threads(kept) as threads:
            duration = measure_duration(images, recipe, place)
            say(announcement(images, recipe, place, threads, duration, resume))
            further = 0 if drawn is None else steps_of_finetune(recipe, len(drawn))
            with training_progress(recipe.steps + further, console, duration.until) as progress:
                localizer.fit(images, out, resume=resume, progress=progress, hints=drawn)
    except Stopped as stop:
        again = f"ganloc train {origin} --out {folder} --resume{options}"
        again += f" --hints {quote(str(hints))}" if hints else ""
        later = "; the student will start again" if stop.student else ""
        say(f"Stopped and saved after iteration {stop.iteration}{later}. Go on with:\n  {again}")
        sys.exit(stop.status)
    if judged := localizer.expected or localizer.verdict:
        say(judged.sentence())
    say_pretrained(localizer)
    say(f"Done. Next:  ganloc localize {folder} {origin} --out boxes.json --draw drawn{options}")


def _given(options: dict[str, Any]) -> dict[str, Any]:
    """The settings that were given. Raises a UserError if one is switched both on and off."""
    given = {}
    for field in fields(Recipe):
        value = options[field.name]
        if field.type is bool:
            off = options[f"no_{field.name}"]
            if value and off:
                flags = f"{option(field.name)} or {option(field.name, False)}"
                raise UserError(f"Give {flags}, not both.")
            value = value or (False if off else None)
        if value is not None:
            given[field.name] = value
    return given
