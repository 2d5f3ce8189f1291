"""The method: a set of images in, a box in every image out, without a label.

    images → discriminator → statistics of its features → pseudo-boxes → student → boxes

`fit` learns from a set of images and `localize` finds the boxes. Everything else, the estimator and
the command line, calls these two.
"""

from dataclasses import replace
from functools import partial

import torch

from ganloc.box.detections import Detections, box_scores
from ganloc.checkpoints.hooks import Hooks
from ganloc.checkpoints.selection import with_signals
from ganloc.discriminator.train_discriminator import train_discriminator
from ganloc.images.gather import crop_reader
from ganloc.images.image_set import ImageSet, every_nth
from ganloc.model import STUDENT, Model
from ganloc.outliers.outlier_model import FEWEST, OutlierModel
from ganloc.recipes import Recipe
from ganloc.student import self_training
from ganloc.student.pseudo_boxes import PseudoBoxFinder
from ganloc.student.refine import refine_boxes


def fit(
    images: ImageSet, recipe: Recipe, device: torch.device, hooks: Hooks | None = None
) -> Model:
    """Learn from a set of images what to look for.

    Args:
        images: at least two, of the recipe's size; their true boxes, if any, are not looked at.
        recipe: what to train.
        device: where to train.
        hooks: log, checkpoints and stops; by default the training stays in memory.

    Raises:
        UserError: a loss is not finite, or the run folder of `hooks` cannot be used.
        Stopped: the hooks stopped it.
    """
    images, hooks = images.unlabelled(), hooks or Hooks()
    if done := hooks.finished_model(recipe):
        return done.to(device)
    state, selection = hooks.begin(images, recipe, device)

    # 1. A discriminator learns from the images alone: to tell patches along an image's border from
    #    patches inside (the border pretext task), to tell real images from generated ones (the
    #    paper's GANs), or both. At each checkpoint a copy is frozen, with the statistics of its
    #    features over the whole set, and label-free signals say whether it is the best so far.
    steps = () if selection.finished else train_discriminator(state, images.pixels, recipe)
    for losses in steps:
        hooks.losses(state, losses, recipe)
        if hooks.cadence.is_checkpoint(state, recipe):
            model = Model.freeze(state.discriminator, images, recipe, state.iteration)
            model = with_signals(model, images, state.generator)
            hooks.checkpoint(state, model, selection, kept=selection.add(model))
        hooks.iteration(state, images, selection)
        if selection.finished:
            break
    model = selection.model(state, images)

    # 2. The 30 % most central images are taken as inliers; distance from them is the outlier score.
    if len(images) >= FEWEST:
        model = replace(model, outliers=OutlierModel.fit(images.pixels, recipe.seed).to(device))
    hooks.save(model)

    # 3. The LDA direction from border to inside, found on those statistics, reads the discriminator
    #    as a heatmap. Sharpened by colour contrast, heatmaps give pseudo-boxes.
    if not recipe.student_iterations:
        return model
    pixels = every_nth(images.pixels, self_training.IMAGES)
    finder = PseudoBoxFinder(model.discriminator, model.statistics, pixels, recipe.pseudo_boxes)
    boxes = finder.boxes(pixels)

    # 4. A student (a small U-Net) learns the pseudo-boxes; the next one learns the student's boxes.
    after_step = partial(hooks.student_step, recipe=recipe)
    *_, student = self_training.self_train(pixels, boxes, recipe, device, after_step)
    model = replace(model, student=student)
    hooks.save(model)
    return model


def localize(
    model: Model, images: ImageSet, reading: str | None = None, refine: bool = True
) -> Detections:
    """Find one box in every image.

    Args:
        model: of `fit`.
        images: squeezed to the model's size.
        reading: a row of `MODEL_READINGS`; "plain-cam" is the paper's. By default the student's
            mask, or where there is no student the discriminator's default reading.
        refine: let the student read a crop around each box, at the resolution of the file, in
            images that are larger than the network. Other readings are not refined, and heatmaps
            stay those of the whole image.

    Raises:
        UserError: there is no such reading, or no student to read.
    """
    # 1. A heatmap of each image, cut at a threshold: the largest connected component is the box.
    reading = reading or model.reading
    found = model.detect(images, reading)

    # 2. The student looks at the surroundings of each box again, where files show more of them.
    read_crops = crop_reader(images)
    if refine and reading == STUDENT and model.student and read_crops:
        boxes = refine_boxes(model.student, found.boxes, images.sizes, read_crops)
        found = replace(found, boxes=boxes, scores=box_scores(found.heatmaps, boxes))

    # 3. Images unlike the training images get a high outlier score.
    if model.outliers:
        found = replace(found, outlier_scores=model.outliers.scores(images.pixels))
    return found
