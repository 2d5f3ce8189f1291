"""`ganloc evaluate` and `ganloc evaluate-heatmaps`."""

from pathlib import Path
from typing import Annotated

import tyro
from tyro.conf import Positional

from ganloc.commands.common import (
    Data,
    Evaluated,
    File,
    Flag,
    MaxObjects,
    MinScore,
    Name,
    Trained,
    as_given,
    load_with_truth,
    plain,
    print_rows,
    say,
)

Threshold = Annotated[float | None, as_given(float, "X", "threshold"), plain]


def evaluate(
    run: Trained,
    data_set: Evaluated,
    truth: File = None,
    category: Name = None,
    json: Flag = False,
    max_objects: MaxObjects = None,
    min_score: MinScore = 0.0,
    pages: Flag = False,
    data: Data = None,
    device: Name = None,
) -> None:
    """Evaluate a run on images with true boxes, beside baselines.

    Args:
        run: A run folder, or its model.safetensors.
        data_set: tiny-imagenet:SET or embedded; with --truth, a folder or zip of images or
            cifar10:CATEGORY.
        truth: The true boxes of a folder, a zip or CIFAR-10, as COCO JSON.
        category: The category of --truth whose boxes count; by default all.
        json: Print one JSON object instead of the table.
        max_objects: Objects to find in an image, at most, as for localize. COCO's average
            precision and recall, and the error of counts, are a table of their own, which is also
            shown where images have several true boxes.
        min_score: Leave out objects with a lower score in that table.
        pages: Take each page or frame of a file as an image, named FILE#1, FILE#2, … in --truth.
        data: tiny-imagenet-200.zip for tiny-imagenet:SET, cifar-10-binary.tar.gz for
            cifar10:CATEGORY, or its folder.
        device: cpu, cuda, …; by default a GPU if there is one.
    """
    from ganloc import evaluation
    from ganloc.box.detections import check_objects
    from ganloc.checkpoints.run import load_model
    from ganloc.images.source import has_split, load_images
    from ganloc.metrics.objects import check_pycocotools, has_pycocotools
    from ganloc.notices import warn_random_weights, warn_unfinished
    from ganloc.tensors import choose_device

    check_objects(max_objects, min_score)
    asked = max_objects not in (None, 1) or min_score > 0.0
    if asked:
        check_pycocotools()
    model = load_model(run, choose_device(device))
    size, scale = model.recipe.size, model.scale
    test = load_with_truth(data_set, size, data, truth, category, scale, pages)
    test = evaluation.without_hints(model, test)
    train = None
    if has_split(data_set):
        train = load_images(data_set, model.recipe.size, "train", data)
    rows = evaluation.evaluate(model, test, train)
    if train is None:
        corloc = evaluation.corloc_rows(model, test, rows)
    else:
        corloc = evaluation.corloc_rows(model, train)
    objects = None
    if asked or model.recipe.several or max(map(len, test.truth or [()])) > 1:
        if has_pycocotools():
            objects = evaluation.objects_rows(model, test, max_objects, min_score)
        else:
            say("Images have several true boxes; for average precision: pip install 'ganloc[coco]'")
    print_rows(data_set, test, rows, corloc, json, objects)
    warn_unfinished(model)
    warn_random_weights(model, "plain-cam")


def evaluate_heatmaps(
    heatmaps: Annotated[Positional[Path], tyro.conf.arg(metavar="HEATMAPS")],
    data_set: Evaluated,
    truth: File = None,
    category: Name = None,
    threshold: Threshold = None,
    json: Flag = False,
    pages: Flag = False,
    data: Data = None,
) -> None:
    """Evaluate saved heatmaps, of ganloc or any other method, without a model.

    Args:
        heatmaps: A .npz file of localize --heatmaps, or another in its format.
        data_set: The images of the heatmaps: a folder or zip with --truth, tiny-imagenet:SET, or
            embedded.
        truth: The true boxes of a folder or zip, as COCO JSON.
        category: The category of --truth whose boxes count; by default all.
        threshold: Ratio of the maximum at which to cut, instead of the file's threshold.
        json: Print one JSON object instead of the table.
        pages: The heatmaps are those of localize --pages: each page or frame is an image.
        data: tiny-imagenet-200.zip or its folder, for tiny-imagenet:SET.
    """
    from ganloc.heatmap.heatmap_files import load_heatmaps
    from ganloc.metrics.saved_heatmaps import evaluate_saved

    saved = load_heatmaps(heatmaps)
    size = saved.heatmaps.shape[1]
    images = load_with_truth(data_set, size, data, truth, category, pages=pages)
    print_rows(data_set, images, evaluate_saved(saved, images, threshold), [], json)
