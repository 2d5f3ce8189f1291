"""`ganloc localize`."""

from pathlib import Path
from typing import Literal

from ganloc.commands.shared import Data, Photos, Trained, load, refuse_inside, say
from ganloc.images.source import look_closer
from ganloc.localizer import advice_on_unfinished, choose_device, load_model
from ganloc.report.results import draw_results, write_heatmaps, write_results
from ganloc.selection.verdict import verdict_of
from ganloc.unusual.distance import told


def localize(
    run: Trained,
    photos: Photos,
    out: Path,
    format: Literal["coco", "csv"] | None = None,
    draw: Path | None = None,
    heatmaps: Path | None = None,
    plain_cam: bool = False,
    look_again: bool = True,
    data: Data = None,
    device: str | None = None,
) -> None:
    """Write a box for every picture.

    Args:
        run: A run folder, or its model.safetensors.
        photos: A folder or zip of pictures, or the test pictures of tiny-imagenet:SET,
            cifar10:CATEGORY or embedded.
        out: The file to write.
        format: By default csv where --out ends in .csv, else coco.
        draw: A folder for every picture with its box and heatmap.
        heatmaps: An .npz file for the heatmaps of the whole pictures, which ganloc score scores.
        look_again: In pictures larger than the network, look again at the surroundings of each box,
            at the resolution of the file.
        plain_cam: The paper's heatmap and threshold in place of the default reading.
        data: tiny-imagenet-200.zip for tiny-imagenet:SET, cifar-10-binary.tar.gz for
            cifar10:CATEGORY, or its folder.
        device: cpu, cuda, …
    """
    if draw is not None:
        refuse_inside(photos, draw, "--draw")
    model = load_model(run, choose_device(device))
    pictures = load(photos, model.recipe.size, data, split="test")
    reading = "plain-cam" if plain_cam else model.reading
    with look_closer(photos, pictures) as closer:
        found = model.localize(pictures, reading, closer if look_again else None)
    unusual = model.how_unusual(pictures)
    written = format or ("csv" if out.suffix == ".csv" else "coco")
    write_results(out, written, pictures, found, unusual)
    if heatmaps is not None:
        write_heatmaps(heatmaps, reading, pictures, found)
    if draw is not None:
        draw_results(draw, photos, pictures, found)
    # It judges the discriminator's default reading, from which the student learned.
    verdict = None if plain_cam else verdict_of(model)
    if verdict is not None:
        say(verdict.sentence())
    if not plain_cam and (advice := advice_on_unfinished(model)):
        say(advice)
    if unusual is not None and (odd := told(pictures.names, unusual)):
        say(odd)
    say(f"{len(pictures)} boxes in {out}" + (f", drawn in {draw}." if draw else "."))
