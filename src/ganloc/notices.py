"""What is told or refused of images and models before they are used."""

import warnings

from ganloc.checkpoints.run import going_on
from ganloc.errors import Notice, UserError
from ganloc.images.image_set import ImageSet
from ganloc.images.notes import other_scale
from ganloc.images.sameness import describe_sameness
from ganloc.model import Model, reads_random_weights
from ganloc.wording import either

FEWEST_IMAGES = 2
FEW_IMAGES = 100  # from the learning curve in docs/how-good.md


def warn_of_reading(model: Model, reading: str | None) -> None:
    """Warn of a default (None) without its student, or of a reading of random weights."""
    if reading is None:
        warn_unfinished(model)
    else:
        warn_random_weights(model, reading)


def warn_unfinished(model: Model) -> None:
    """Warn if a model lacks its student, because the training was stopped."""
    if model.lacks_student:
        warnings.warn(
            "The run was stopped before its student learned: these are its discriminator's "
            f"boxes. Go on with {going_on('RUN')}.",
            Notice,
            stacklevel=3,
        )


def warn_random_weights(model: Model, reading: str) -> None:
    """Warn if a reading is a CAM of random weights, because no GAN was trained."""
    if reads_random_weights(model, reading):
        warnings.warn(
            f"This model was trained without a GAN, so {reading} weights its features by random "
            "numbers: train with the preset laptop or paper to use a CAM.",
            Notice,
            stacklevel=3,
        )


def warn_hints_gone(earlier: Model | None, model: Model) -> None:
    """Warn if a training that went on replaced a model that had learned from hints."""
    if earlier and earlier.hinted and not model.hinted:
        warnings.warn(
            f"The training went on, so what {len(earlier.hinted.names)} hints taught is gone: "
            f"{either('ganloc finetune', 'finetune')} teaches them again.",
            Notice,
            stacklevel=3,
        )


def warn_other_scale(model: Model, images: ImageSet) -> None:
    """Warn if deep images were loaded on another scale than that of the model."""
    if difference := other_scale(images.scale, model.scale):
        warnings.warn(difference, Notice, stacklevel=3)


def check_enough(images: ImageSet) -> None:
    """Raise a UserError if there are too few images to train on."""
    if len(images) < FEWEST_IMAGES:
        raise UserError(
            f"{images.source or 'The set'} holds only {len(images)} readable image: "
            f"training needs at least {FEWEST_IMAGES}, and hundreds to be of use."
        )


def warn_of_little(images: ImageSet) -> None:
    """Warn of few training images, whose boxes are often poor, and of copies and flat images."""
    if alike := describe_sameness(images):
        warnings.warn(alike, Notice, stacklevel=3)
    if len(images) < FEW_IMAGES:
        warnings.warn(
            f"Only {len(images)} images: with fewer than {FEW_IMAGES} boxes are often no better "
            "than a centred box, and hundreds more still help; "
            f"{either('ganloc localize --draw shows them', 'look at some')}.",
            Notice,
            stacklevel=3,
        )
