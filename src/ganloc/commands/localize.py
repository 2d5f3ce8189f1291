"""`ganloc localize`."""

from pathlib import Path
from typing import Annotated

import tyro

from ganloc.commands.common import Data, Device, Photos, Trained, refuse_inside, say
from ganloc.errors import UserError

Format = Reading = Annotated[str | None, tyro.conf.arg(metavar="NAME", help_behavior_hint="")]
Folder = Annotated[Path | None, tyro.conf.arg(metavar="DIR", help_behavior_hint="")]
File = Annotated[Path | None, tyro.conf.arg(metavar="FILE", help_behavior_hint="")]


def localize(
    run: Trained,
    photos: Photos,
    out: Path,
    format: Format = None,
    draw: Folder = None,
    heatmaps: File = None,
    reading: Reading = None,
    plain_cam: bool = False,
    refine: bool = True,
    pages: bool = False,
    data: Data = None,
    device: Device = None,
) -> None:
    """Write a box for every image.

    Args:
        run: A run folder, or its model.safetensors.
        photos: A folder or zip of images, or the test images of tiny-imagenet:SET,
            cifar10:CATEGORY or embedded.
        out: The file to write.
        format: coco or csv; by default that of the suffix of --out, .json or .csv.
        draw: A folder for every image with its box and heatmap.
        heatmaps: A .npz file for the heatmaps of the whole images, for evaluate-heatmaps.
        reading: Heatmaps to cut into boxes, instead of the student's masks: lda (the
            discriminator's default), plain-cam (the paper's), or another row of READINGS.
        plain_cam: The same as --reading plain-cam.
        refine: Refine each box on a crop at the resolution of the file, if the file is larger than
            the network's images; --no-refine skips this.
        pages: Take each page or frame of a file as an image, named FILE#1, FILE#2, …
        data: tiny-imagenet-200.zip for tiny-imagenet:SET, cifar-10-binary.tar.gz for
            cifar10:CATEGORY, or its folder.
        device: cpu, cuda, …
    """
    from ganloc.box.formats import writer_for
    from ganloc.images.source import load_images
    from ganloc.localizer import Localizer
    from ganloc.outliers.outlier_model import describe_outliers
    from ganloc.report.export import draw_results, write_heatmaps

    write = writer_for(out, format)
    if draw is not None:
        refuse_inside(photos, draw, "--draw")
    if plain_cam:
        if reading not in (None, "plain-cam"):
            raise UserError(f"--plain-cam is not the reading {reading}: leave out one of them.")
        reading = "plain-cam"
    localizer = Localizer.load(run, device)
    size, scale = localizer.recipe.size, localizer.scale
    images = load_images(photos, size, "test", data, scale=scale, pages=pages)
    found = localizer.detect(images, reading, refine)
    write(out, images, found)
    if heatmaps is not None:
        write_heatmaps(heatmaps, reading or localizer.reading, images, found)
    if draw is not None:
        draw_results(draw, images, found)
    # The verdict judges the discriminator's default reading, from which the student learned.
    if reading is None and localizer.verdict is not None:
        say(localizer.verdict.sentence())
    if found.outlier_scores is not None:
        say(describe_outliers(images.names, found.outlier_scores))
    say(f"{len(images)} boxes in {out}" + (f", drawn in {draw}." if draw else "."))
