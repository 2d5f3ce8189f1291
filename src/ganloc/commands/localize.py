"""`ganloc localize`."""

from pathlib import Path
from typing import Literal

from ganloc.commands.common import Data, Device, Photos, Trained, refuse_inside, say


def localize(
    run: Trained,
    photos: Photos,
    out: Path,
    format: Literal["coco", "csv"] | None = None,
    draw: Path | None = None,
    heatmaps: Path | None = None,
    plain_cam: bool = False,
    refine: bool = True,
    data: Data = None,
    device: Device = None,
) -> None:
    """Write a box for every image.

    Args:
        run: A run folder, or its model.safetensors.
        photos: A folder or zip of images, or the test images of tiny-imagenet:SET,
            cifar10:CATEGORY or embedded.
        out: The file to write.
        format: By default csv where --out ends in .csv, else coco.
        draw: A folder for every image with its box and heatmap.
        heatmaps: An .npz file for the heatmaps of the whole images, for evaluate-heatmaps.
        plain_cam: The paper's heatmap and threshold in place of the default reading.
        refine: In images larger than the network, let the student read a crop around each box, at
            the resolution of the file.
        data: tiny-imagenet-200.zip for tiny-imagenet:SET, cifar-10-binary.tar.gz for
            cifar10:CATEGORY, or its folder.
        device: cpu, cuda, …
    """
    from ganloc.images.source import load_images
    from ganloc.localizer import Localizer
    from ganloc.outliers.outlier_model import describe_outliers
    from ganloc.report.export import draw_results, write_heatmaps, write_results

    if draw is not None:
        refuse_inside(photos, draw, "--draw")
    localizer = Localizer.load(run, device)
    images = load_images(photos, localizer.recipe.size, "test", data)
    reading = "plain-cam" if plain_cam else None
    found = localizer.detect(images, reading, refine)
    write_results(out, format or ("csv" if out.suffix == ".csv" else "coco"), images, found)
    if heatmaps is not None:
        write_heatmaps(heatmaps, reading or localizer.reading, images, found)
    if draw is not None:
        draw_results(draw, images, found)
    # The verdict judges the discriminator's default reading, from which the student learned.
    if not plain_cam and localizer.verdict is not None:
        say(localizer.verdict.sentence())
    if found.outlier_scores is not None:
        say(describe_outliers(images.names, found.outlier_scores))
    say(f"{len(images)} boxes in {out}" + (f", drawn in {draw}." if draw else "."))
