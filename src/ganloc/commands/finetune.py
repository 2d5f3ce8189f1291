"""`ganloc finetune`."""

from pathlib import Path
from shlex import quote
from typing import Annotated

import tyro

from ganloc.commands.common import (
    Data,
    Flag,
    Name,
    Photos,
    Trained,
    console,
    options_again,
    say,
    say_pretrained,
)

Hints = Annotated[Path, tyro.conf.arg(metavar="FILE")]


def finetune(
    run: Trained,
    photos: Photos,
    hints: Hints,
    category: Name = None,
    no_object: Flag = False,
    pages: Flag = False,
    data: Data = None,
    device: Name = None,
) -> None:
    """Teach a trained run what is meant, by boxes that you drew in a few images.

    The model of the run is replaced. What it learned without hints stays in it, as --reading
    student of localize. Hints of an earlier call are forgotten: give all of them.

    Args:
        run: A run folder, or its model.safetensors.
        photos: The images of the training: a folder or zip, tiny-imagenet:SET, or embedded.
        hints: The boxes that you drew, as COCO JSON. Images that are not in it have no hint.
        category: The category of --hints whose boxes count; by default all.
        no_object: Images in --hints without a box show no object. By default they are no hints.
        pages: Take each page or frame of a file as an image, named FILE#1, FILE#2, …
        data: tiny-imagenet-200.zip for tiny-imagenet:SET, or its folder.
        device: cpu, cuda, …; by default a GPU if there is one.
    """
    from ganloc.checkpoints.run import Run
    from ganloc.images.hints import read_hints
    from ganloc.images.source import load_images
    from ganloc.localizer import Localizer
    from ganloc.method import steps_of_finetune
    from ganloc.report.progress_bar import training_progress

    localizer = Localizer.load(run, device)
    images = load_images(
        photos, localizer.recipe.size, "train", data, scale=localizer.scale, pages=pages
    )
    drawn = read_hints(hints, images, category, no_object)
    assert localizer.model is not None
    warm = localizer.model.delivered_student is not None
    steps = steps_of_finetune(localizer.recipe, len(drawn), warm)
    say(f"{len(images)} images, {len(drawn)} of them with hints: {steps} steps.")
    with training_progress(steps, console) as progress:
        localizer.finetune(images, drawn, progress=progress)
    localizer.save(run if run.is_file() else Run(run).model)
    if localizer.expected is not None:
        say(localizer.expected.sentence())
    say_pretrained(localizer)
    options = options_again(pages, data)
    say(f"Done. Next:  ganloc localize {quote(str(run))} {quote(photos)} --out boxes.json{options}")
