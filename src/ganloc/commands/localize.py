"""`ganloc localize`."""

from pathlib import Path
from typing import Literal

from ganloc.checkpoints.verdict import verdict_of
from ganloc.commands.common import Data, Photos, Trained, load, refuse_inside, say
from ganloc.images.source import look_closer
from ganloc.localizer import advice_on_unfinished, choose_device, load_model
from ganloc.outliers.outlier_model import describe_outliers
from ganloc.report.export import draw_results, write_heatmaps, write_results


def localize(
    run: Trained,
    photos: Photos,
    out: Path,
    format: Literal["coco", "csv"] | None = None,
    draw: Path | None = None,
    heatmaps: Path | None = None,
    plain_cam: bool = False,
    refine_boxes: bool = True,
    data: Data = None,
    device: str | None = None,
) -> None:
    """Write a box for every image.

    Args:
        run: A run folder, or its model.safetensors.
        photos: A folder or zip of images, or the test images of tiny-imagenet:SET,
            cifar10:CATEGORY or embedded.
        out: The file to write.
        format: By default csv where --out ends in .csv, else coco.
        draw: A folder for every image with its box and heatmap.
        heatmaps: An .npz file for the heatmaps of the whole images, which ganloc score scores.
        refine: In images larger than the network, look again at the surroundings of each box,
            at the resolution of the file.
        plain_cam: The paper's heatmap and threshold in place of the default reading.
        data: tiny-imagenet-200.zip for tiny-imagenet:SET, cifar-10-binary.tar.gz for
            cifar10:CATEGORY, or its folder.
        device: cpu, cuda, …
    """
    if draw is not None:
        refuse_inside(photos, draw, "--draw")
    model = load_model(run, choose_device(device))
    images = load(photos, model.recipe.size, data, split="test")
    reading = "plain-cam" if plain_cam else model.reading
    with look_closer(photos, images) as crop_reader:
        found = model.localize(images, reading, crop_reader if refine_boxes else None)
    outliers = model.outlier_scores(images)
    written = format or ("csv" if out.suffix == ".csv" else "coco")
    write_results(out, written, images, found, outliers)
    if heatmaps is not None:
        write_heatmaps(heatmaps, reading, images, found)
    if draw is not None:
        draw_results(draw, photos, images, found)
    # It judges the discriminator's default reading, from which the student learned.
    verdict = None if plain_cam else verdict_of(model)
    if verdict is not None:
        say(verdict.sentence())
    if not plain_cam and (advice := advice_on_unfinished(model)):
        say(advice)
    if outliers is not None and (odd := describe_outliers(images.names, outliers)):
        say(odd)
    say(f"{len(images)} boxes in {out}" + (f", drawn in {draw}." if draw else "."))
