"""The estimator: fit on a folder of images, localize, save, load."""

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ganloc.box.detections import Detections
from ganloc.checkpoints.hooks import Hooks, RunHooks
from ganloc.checkpoints.run import Run, load_model
from ganloc.checkpoints.training_log import ProgressCallback
from ganloc.checkpoints.verdict import Verdict, verdict_of
from ganloc.errors import Notice, UserError
from ganloc.images.image_set import ImageSet
from ganloc.images.source import load_images
from ganloc.method import fit, localize
from ganloc.model import Model
from ganloc.recipes import DEFAULT_PRESET, Recipe, make_recipe
from ganloc.shapes import Float
from ganloc.tensors import choose_device

FEWEST_IMAGES = 2
FEW_IMAGES = 100  # the learning curve of docs/how-good.md


@dataclass(frozen=True)
class Localization:
    """The box of one image.

    Attributes:
        path: of the image, relative to the folder or archive that was given.
        box: x0, y0, x1, y1 in pixels of the original image, half-open.
        score: how clearly the box stands out, 0–1.
        heatmap: 0–1, large where the object is, at the network's size.
        outlier: outlier score. A quarter of the training images score below 1; from 2 on an image
            may not belong to them. None where there were fewer than 20 training images, or the
            training was stopped.
    """

    path: str
    box: tuple[float, float, float, float]
    score: float
    heatmap: Float[np.ndarray, "size size"]
    outlier: float | None = None


class Localizer:
    """Boxes for images of one kind of thing, learned from those images alone.

    >>> birds = Localizer(size=64).fit("photos/")  # doctest: +SKIP
    >>> for found in birds.localize("photos/"):  # doctest: +SKIP
    ...     print(found.path, found.box)

    Args:
        preset: "default", "laptop" or "paper" (recipes.PRESETS).
        device: "cpu", "cuda", …; by default a GPU where there is one.
        settings: any setting of `Recipe` in place of the preset's.

    Attributes:
        recipe: what is trained.
        device: where.
        model: what was learned; None before `fit`.

    Raises:
        UserError: a setting is unknown or out of range.
    """

    def __init__(self, preset: str = DEFAULT_PRESET, device: str | None = None, **settings: Any):
        self._begin(make_recipe(preset, **settings), choose_device(device))

    @classmethod
    def from_recipe(cls, recipe: Recipe, device: torch.device) -> "Localizer":
        """A Localizer that trains by this recipe."""
        localizer = cls.__new__(cls)
        localizer._begin(recipe, device)
        return localizer

    def _begin(self, recipe: Recipe, device: torch.device, model: Model | None = None) -> None:
        self.recipe, self.device, self.model = recipe, device, model

    @property
    def reading(self) -> str:
        """The reading that boxes come from by default: a row of `MODEL_READINGS`."""
        return self._fitted().reading

    @property
    def verdict(self) -> Verdict | None:
        """Whether to trust the boxes, judged without a label; None where nothing was measured."""
        return None if self.model is None else verdict_of(self.model)

    def fit(
        self,
        photos: str | Path | ImageSet,
        out: str | Path | None = None,
        archive: str | Path | None = None,
        resume: bool = False,
        progress: ProgressCallback | None = None,
    ) -> "Localizer":
        """Train on a folder or zip of images, or on the training images of a named data set.

        Files that can't be read are left out with a warning.

        Args:
            photos: what to train on; images that are loaded already must be of the recipe's size.
            out: a new folder for log, checkpoints and drawings; without it nothing is written.
            archive: of a named data set, or its folder, as for `load_images`.
            resume: go on with the run in `out`.
            progress: called now and then with the step and a line of the log.

        Raises:
            UserError: no images to train on, or `out` can't be used.
            Stopped: by Ctrl-C, with `out`; the same call with `resume` goes on.
        """
        images = self._load(photos, "train", archive)
        check_enough(images)
        if len(images) < FEW_IMAGES:
            _warn_few(images)
        if out is None:
            self.model = fit(images, self.recipe, self.device, Hooks(progress))
            return self
        if resume:
            run = Run.open(Path(out))
            run.check_same(self.recipe, images)
        else:
            run = Run.create(Path(out), self.recipe, images)
        with RunHooks(run, progress, resume) as hooks:
            self.model = fit(images, self.recipe, self.device, hooks)
        return self

    def detect(
        self, images: ImageSet, reading: str | None = None, refine: bool = True
    ) -> Detections:
        """Boxes, scores and heatmaps as arrays (arguments and errors as for `localize`)."""
        model = self._fitted()
        if reading is None:
            warn_unfinished(model)
        return localize(model, images, reading, refine)

    def localize(
        self,
        photos: str | Path | ImageSet,
        reading: str | None = None,
        archive: str | Path | None = None,
        refine: bool = True,
    ) -> list[Localization]:
        """A box for every image of a folder or zip, in order of their names.

        Args:
            photos: which images; of a named data set, the test images.
            reading: a row of `MODEL_READINGS`; "plain-cam" is the paper's. By default the
                student's, or where there is none the discriminator's default.
            archive: as for `fit`.
            refine: in images larger than the network, the student reads a crop around each box at
                the resolution of the file.

        Raises:
            UserError: not fitted yet, no such reading, or no images to read.
        """
        self._fitted()
        images = self._load(photos, "test", archive)
        found = self.detect(images, reading, refine)
        outliers = found.outlier_scores
        return [
            Localization(
                name,
                tuple(box),
                float(score),
                heatmap,
                None if outliers is None else float(outliers[index]),
            )
            for index, (name, box, score, heatmap) in enumerate(
                zip(
                    images.names,
                    images.in_pixels(found.boxes).tolist(),
                    found.scores,
                    found.heatmaps,
                    strict=True,
                )
            )
        ]

    def save(self, path: str | Path) -> None:
        """Write the model to one safetensors file."""
        self._fitted().save(Path(path))

    @classmethod
    def load(cls, path: str | Path, device: str | None = None) -> "Localizer":
        """A Localizer from a run folder or a file written by `save`.

        Raises:
            UserError: there is no such run or file, or it is not finished or broken.
        """
        model = load_model(Path(path), choose_device(device))
        localizer = cls.__new__(cls)
        localizer._begin(model.recipe, model.device, model)
        return localizer

    def _load(
        self, photos: str | Path | ImageSet, split: str, archive: str | Path | None
    ) -> ImageSet:
        if isinstance(photos, ImageSet):
            return photos
        given = None if archive is None else Path(archive)
        return load_images(str(photos), self.recipe.size, split, given)

    def _fitted(self) -> Model:
        if self.model is None:
            raise UserError("This Localizer knows nothing yet: call fit or load first.")
        return self.model


load = Localizer.load


def warn_unfinished(model: Model) -> None:
    """Say that a model lacks its student, where its training was stopped before."""
    if model.lacks_student:
        warnings.warn(
            "The run was stopped before its student learned: these are its discriminator's "
            "boxes. Go on with `ganloc train PHOTOS --out RUN --resume`.",
            Notice,
            stacklevel=3,
        )


def check_enough(images: ImageSet) -> None:
    """Raise a UserError where there are too few images to train on."""
    if len(images) < FEWEST_IMAGES:
        raise UserError(
            f"{images.source or 'The set'} holds only {len(images)} readable image: "
            f"training needs at least {FEWEST_IMAGES}, and hundreds to be of use."
        )


def _warn_few(images: ImageSet) -> None:
    """Say what to expect of few images."""
    warnings.warn(
        f"Only {len(images)} images: with fewer than {FEW_IMAGES} boxes are often no better "
        "than a centred box, and hundreds more still help; ganloc localize --draw shows them.",
        Notice,
        stacklevel=3,
    )
