"""The method: a set of images in, a box in every image out, without a label.

    images → discriminator → heatmaps → pseudo-boxes → student → boxes

`fit` learns from a set of images and `localize` finds the boxes. In between, `finetune` learns from
hints, a few boxes that the user drew, if there are any. Everything else, the estimator and the
command line, calls these three.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np
import torch

from ganloc.box.detections import ALL, Detections, check_objects
from ganloc.checkpoints.delivered import JUDGED, learned, measure_delivered
from ganloc.checkpoints.hooks import Hooks
from ganloc.checkpoints.selection import with_signals
from ganloc.discriminator.train_discriminator import train_discriminator
from ganloc.heatmap.ddt import feature_heatmaps
from ganloc.heatmap.features import Features, features_of
from ganloc.images.batches import CUT
from ganloc.images.gather import crop_reader, of_objects, read_at_size
from ganloc.images.image_set import ImageSet, every_nth
from ganloc.model import CLOSE_UPS, LEARNED, OWN_COLOURS, Model
from ganloc.outliers.outlier_model import FEWEST_IMAGES, OutlierModel
from ganloc.recipes import Recipe
from ganloc.several.detections import detections
from ganloc.several.finder import Finder
from ganloc.several.learn_several import (
    MOST,
    STEPS_OF_HINTS,
    WORK,
    fit_several,
    learn_hints_of_several,
)
from ganloc.shapes import Float
from ganloc.student import self_training
from ganloc.student.close_ups import look_closer
from ganloc.student.evidence import evidence
from ganloc.student.learn_hints import learn_hints, steps_of_hints
from ganloc.student.pseudo_boxes import PseudoBoxFinder, find_pseudo_boxes
from ganloc.student.refine import refine_objects
from ganloc.student.score import chances
from ganloc.student.train_student import student_boxes


def fit(
    images: ImageSet,
    recipe: Recipe,
    device: torch.device,
    hooks: Hooks | None = None,
    features: Features | None = None,
) -> Model:
    """Train a model on a set of images.

    Args:
        images: at least two, of the recipe's size. Their true boxes, if any, are not used.
        recipe: the settings of the training.
        device: where to train.
        hooks: log, checkpoints and stops. By default the training stays in memory.
        features: pre-trained, of the recipe. By default they are loaded by their name, if any.

    Raises:
        UserError: a loss is not finite, or the run folder of `hooks` cannot be used.
        Stopped: the hooks stopped the training.
    """
    images, hooks = images.unlabelled(), hooks or Hooks()
    if done := hooks.finished_model(recipe):  # a resumed run that has nothing left to do
        return done.to(device)
    state, selection = hooks.begin(images, recipe, device)

    # 1. A discriminator is trained on the images alone. It classifies patches as border or inside
    #    (the border pretext task, the default), images as real or generated (the paper's GANs), or
    #    both. At each checkpoint a copy is frozen, with the statistics of its features over the
    #    whole set (the LDA direction is among them). Label-free signals select the best checkpoint;
    #    without a student, they are also what the verdict of trust is made of.
    updates = train_discriminator(state, images.pixels, recipe)
    while not selection.finished and (losses := next(updates, None)):
        hooks.losses(state, losses, recipe)
        if hooks.cadence.is_checkpoint(state, recipe):
            model = Model.freeze(state.discriminator, images, recipe, state.iteration)
            model = with_signals(model, images, state.generator)
            kept = selection.add(model)
            hooks.checkpoint(state, model, selection, kept)
        hooks.iteration(state, images, selection)
    model = selection.model_to_keep(state, images)
    if len(images) >= FEWEST_IMAGES:  # for outlier scores, which need no network
        model = replace(model, outliers=OutlierModel.fit(images.pixels, recipe.seed).to(device))
    hooks.save(model)
    if not recipe.student_iterations:
        return model

    # 2. and 3. Features projected on the LDA direction from border to inside are the heatmap of an
    #    image. Sharpened by colour contrast, if colours tell objects from their background, it is
    #    cut into a pseudo-box.
    #
    # 4. A student (a small U-Net) learns the pseudo-boxes; the next one learns the student's boxes,
    #    from files larger than the network's images also in close-ups. The last student counts, if
    #    it learned the pseudo-boxes. The verdict of trust is on its boxes.
    chosen = every_nth(np.arange(len(images)), self_training.MOST_IMAGES)
    shown = images if len(chosen) == len(images) else images.subset(chosen)
    after_step = partial(hooks.student_step, recipe=recipe)
    if recipe.several:
        return _fit_several(model, shown, features, hooks, after_step)
    finder, boxes = _pseudo_boxes(model, shown, features)
    pixels = shown.pixels
    closer = look_closer(shown, finder) if recipe.student_rounds > 1 else None
    *_, student = self_training.self_train(pixels, boxes, recipe, device, after_step, closer)
    some = every_nth(np.arange(len(pixels)), CUT)
    taught = learned(student_boxes(student, pixels[some]), boxes[some])
    seen = {CLOSE_UPS: int(closer is not None), OWN_COLOURS: int(finder.uses_colours)}
    signals = {**model.signals, LEARNED: taught}
    model = replace(model, student=student, info={**model.info, **seen}, signals=signals)
    judged = images.evenly(JUDGED)
    delivered = measure_delivered(model, judged, localize(model, judged))
    model = replace(model, signals={**model.signals, **delivered.to_dict()})
    hooks.save(model)
    return model


def _pseudo_boxes(
    model: Model, images: ImageSet, features: Features | None
) -> tuple[PseudoBoxFinder, Float[np.ndarray, "n 4"]]:
    """The finder of pseudo-boxes, and the pseudo-box of each image.

    Pre-trained features, if the user gave some, make a second heatmap.
    """
    known, recipe = None, model.recipe
    if recipe.features:
        features = features or features_of(recipe.features, model.device)
        known = feature_heatmaps(features, images, np.arange(len(images)), model.device)
    pixels, source = images.pixels, recipe.pseudo_boxes
    return find_pseudo_boxes(model.discriminator, model.statistics, pixels, source, known)


def _fit_several(
    model: Model,
    images: ImageSet,
    features: Features | None,
    hooks: Hooks,
    after_step: Callable[[int, float], None],
) -> Model:
    """A finder of any number of objects learns clear instances, and collages of them (several/).

    Where colours show no several objects an image, it learns the pseudo-boxes.
    """
    chosen = every_nth(np.arange(len(images)), MOST)
    pixels = read_at_size(images, max(images.size, WORK))(chosen)

    def one_each() -> Float[np.ndarray, "n 4"]:
        return _pseudo_boxes(model, images, features)[1][chosen]

    *_, finder = fit_several(pixels, one_each, model.recipe, model.device, after_step)
    model = replace(model, student=finder)
    hooks.save(model)
    return model


def finetune(
    model: Model,
    images: ImageSet,
    hints: ImageSet,
    after_step: Callable[[int, float], None] = lambda done, loss: None,
) -> Model:
    """Add a student that learns from hints to a model. The label-free student stays in it.

    Args:
        model: of `fit`. What it learned from earlier hints is replaced.
        images: of the model's size. Their true boxes, if any, are not used.
        hints: a few of these images, with the boxes that the user drew as truth (images/hints.py).
        after_step: called after every training step with the number of steps and the loss.
    """
    # Students of parts of the hints are tried on the others. Together with the label-free student,
    # or without it where hints speak clearly against it, they label all other images. The final
    # student learns these boxes and the hints.
    # A student that did not learn without labels has no part in it.
    images, student = images.unlabelled(), model.delivered_student
    if isinstance(student, Finder):
        seed = model.recipe.seed
        return replace(
            model, hinted=learn_hints_of_several(images, hints, student, seed, after_step)
        )
    hinted = learn_hints(images, hints, student, model.recipe, model.device, after_step)
    return replace(model, hinted=hinted)


def steps_of_finetune(recipe: Recipe, hints: int, warm: bool = True) -> int:
    """The training steps of `finetune` for so many hints, with a student that learned or none."""
    if recipe.several:
        return STEPS_OF_HINTS
    return steps_of_hints(hints, warm and recipe.student_iterations > 0)


def localize(
    model: Model,
    images: ImageSet,
    reading: str | None = None,
    refine: bool = True,
    max_objects: int | str | None = None,
    min_score: float = 0.0,
) -> Detections:
    """Find the objects in every image, by default one.

    Args:
        model: of `fit`.
        images: of the model's size.
        reading: which heatmap: a row of `READINGS` of the discriminator, such as "plain-cam", the
            paper's, "student" or, with hints, "hinted". By default the mask of the student that
            learned last, without a student "lda".
        refine: let the student read a crop around each box, at the resolution of the file, in
            images that are larger than the network. The mask of an object is that of its last crop,
            if there is one object an image. Heatmaps, and the masks of several objects, are of
            the whole image. Other readings are not refined.
        max_objects: of an image, those with the highest scores, or "all". By default one, but all
            for a model that was trained to find several. One is the largest, without a look at
            others.
        min_score: objects with a lower score are left out, so an image may have none.

    Raises:
        UserError: the reading is unknown, or needs a student that the model lacks, `max_objects` is
            below 1, or `min_score` is not in [0, 1].
    """
    # The student's mask of each image, or another heatmap, is cut at a threshold. The largest
    # connected component is the object, its tightest box the detection. If there may be several
    # objects, all components are, and touching ones are cut apart.
    check_objects(max_objects, min_score)
    reading = model.reading if reading is None else reading
    heatmaps, student = model.heatmaps(images, reading), model.student_of(reading)
    if max_objects is None:
        max_objects = ALL if isinstance(student, Finder) else 1
    several, most = max_objects != 1, None if max_objects == ALL else int(max_objects)
    if isinstance(student, Finder):
        found = detections(student, images.pixels, heatmaps)
    else:
        found = model.cut(heatmaps, reading, several)

    # 5. The student reads a crop around each box if the file is larger than the network's images.
    #    A score is the chance that a box is right, by its colours and by other views of the image.
    #    Boxes that now coincide are one object.
    read_crops = crop_reader(images)
    if student and not isinstance(student, Finder):
        boxes, masks, image = found.boxes, found.masks, found.image
        if refine and read_crops:
            read, looks = of_objects(read_crops, image), model.looks(reading)
            finer, sizes = () if several else masks, images.sizes[image]
            boxes, finer = refine_objects(student, boxes, finer, sizes, read, looks)
            masks = finer or masks
        seen = evidence(student, images.pixels, heatmaps, boxes, image, several)
        scores = chances(seen, model.scaling_of(reading))
        found = replace(found, boxes=boxes, masks=masks, scores=scores)
    found = found.select(most, min_score)

    # Images unlike the training images get a high outlier score.
    if model.outliers:
        found = replace(found, outlier_scores=model.outliers.scores(images.pixels))
    return found
