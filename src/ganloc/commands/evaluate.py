"""`ganloc evaluate` and `ganloc score`."""

from pathlib import Path
from typing import Annotated

import tyro
from tyro.conf import Positional

from ganloc import evaluation
from ganloc.commands.common import Data, Scored, Trained, load_scored, print_rows, say
from ganloc.heatmap.heatmap_files import load_heatmaps
from ganloc.images.source import has_split, load_images, look_closer
from ganloc.localizer import advice_on_unfinished, choose_device, load_model
from ganloc.metrics.saved_heatmaps import evaluate_saved


def evaluate(
    run: Trained,
    data_set: Scored,
    truth: Path | None = None,
    json: bool = False,
    data: Data = None,
    device: str | None = None,
) -> None:
    """Score a run where true boxes are known, beside what it has to beat.

    Args:
        run: A run folder, or its model.safetensors.
        data_set: tiny-imagenet:SET or embedded; with --truth, a folder or zip of images or
            cifar10:CATEGORY.
        truth: The true boxes of what comes without, as COCO JSON.
        json: Print one JSON object in place of the table.
        data: tiny-imagenet-200.zip for tiny-imagenet:SET, cifar-10-binary.tar.gz for
            cifar10:CATEGORY, or its folder.
        device: cpu, cuda, …
    """
    model = load_model(run, choose_device(device))
    images = load_scored(data_set, model.recipe.size, data, truth)
    train_images = None
    if has_split(data_set):
        train_images = load_images(data_set, model.recipe.size, "train", data)
    with look_closer(data_set, images) as crop_reader:
        rows = evaluation.evaluate(model, images, train_images, crop_reader)
    if train_images is None:
        corloc = evaluation.fitted_corloc(model, images, rows)
    else:
        corloc = evaluation.fitted_corloc(model, train_images)
    print_rows(data_set, images, rows, corloc, json)
    if advice := advice_on_unfinished(model):
        say(advice)


def score(
    heatmaps: Annotated[Positional[Path], tyro.conf.arg(metavar="HEATMAPS")],
    data_set: Scored,
    truth: Path | None = None,
    threshold: float | None = None,
    json: bool = False,
    data: Data = None,
) -> None:
    """Score saved heatmaps, of this or any other method, without a model.

    Args:
        heatmaps: The .npz file that localize --heatmaps wrote, or another in its format.
        data_set: Their images: a folder or zip with --truth, tiny-imagenet:SET, or embedded.
        truth: The true boxes of a folder or zip, as COCO JSON.
        threshold: Ratio of the maximum at which to cut, in place of the file's rule.
        json: Print one JSON object in place of the table.
        data: tiny-imagenet-200.zip or its folder, for tiny-imagenet:SET.
    """
    saved = load_heatmaps(heatmaps)
    images = load_scored(data_set, saved.heatmaps.shape[1], data, truth)
    print_rows(data_set, images, evaluate_saved(saved, images, threshold), [], json)
