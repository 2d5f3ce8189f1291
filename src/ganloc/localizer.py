"""The estimator: fit on a folder of images, localize, save, load."""

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ganloc.checkpoints.run import Run
from ganloc.checkpoints.training_log import ProgressCallback
from ganloc.checkpoints.verdict import Verdict, verdict_of
from ganloc.errors import UserError
from ganloc.images.image_set import ImageSet
from ganloc.images.source import load_images, look_closer
from ganloc.model import Model
from ganloc.recipes import DEFAULT_PRESET, make_recipe
from ganloc.shapes import Float
from ganloc.training import train_in_memory, train_run

FEWEST_IMAGES = 2
FEW_IMAGES = 100  # the learning curve of docs/how-good.md


@dataclass(frozen=True)
class Localization:
    """One image's box.

    Attributes:
        path: the image, relative to the folder or archive that was given.
        box: x0, y0, x1, y1 in pixels of the original image, half-open.
        score: how clearly the box stands out, 0–1.
        heatmap: 0–1, large where the object is, at the network's size.
        unusual: how far the image is from what is typical of those that were learned from: a
            quarter of them are below 1, and from 2 on it may not belong to them. None where they
            were fewer than 20, training was stopped, or the model is older than this score.
    """

    path: str
    box: tuple[float, float, float, float]
    score: float
    heatmap: Float[np.ndarray, "size size"]
    outliers: float | None = None


class Localizer:
    """Boxes for images of one kind of thing, learned from those images alone.

    >>> birds = Localizer(size=64).fit("photos/")
    >>> for found in birds.localize("photos/"):
    ...     print(found.path, found.box)

    Args:
        preset: "default", "laptop" or "paper" (recipes.PRESETS).
        device: "cpu", "cuda", …; by default a GPU where there is one.
        settings: any setting of `Recipe` in place of the preset's.

    Raises:
        UserError: a setting is unknown or out of range.
    """

    def __init__(self, preset: str | None = None, device: str | None = None, **settings: Any):
        self.device = choose_device(device)
        self.recipe = make_recipe(preset or DEFAULT_PRESET, **settings)
        self.model: Model | None = None

    @property
    def verdict(self) -> Verdict | None:
        """Whether to trust its boxes, judged without a label; None where nothing was measured."""
        return None if self.model is None else verdict_of(self.model)

    def fit(
        self,
        photos: str | Path,
        out: str | Path | None = None,
        archive: str | Path | None = None,
        progress: ProgressCallback | None = None,
    ) -> "Localizer":
        """Train on a folder or zip of images, or on the training images of a named data set.

        Files that can't be read are left out with a warning.

        Args:
            photos: what to train on.
            out: a new folder for log, checkpoints and images; without it nothing is written.
            archive: that of a named data set, or its folder, as in `load_images`.
            watch: called now and then with the iteration and its losses.

        Raises:
            UserError: no images to train on, or `out` can't be used.
            Stopped: by Ctrl-C, with `out`; `ganloc train --resume` goes on.
        """
        images = _load(photos, self.recipe.size, "train", archive).unlabelled()
        check_enough(images, str(photos))
        if advice := advice_on_few(images):
            warnings.warn(advice, stacklevel=2)
        if out is None:
            self.model = train_in_memory(images, self.recipe, self.device, progress)
        else:
            run = Run.create(Path(out), self.recipe, str(photos), images)
            self.model = train_run(run, images, self.recipe, self.device, progress=progress)
        return self

    def localize(
        self,
        photos: str | Path,
        reading: str | None = None,
        archive: str | Path | None = None,
        refine_boxes: bool = True,
    ) -> list[Localization]:
        """A box for every image of a folder or zip, in order of their names.

        Args:
            photos: which images; of a named data set, the test images.
            reading: a row of `RULES`; "plain-cam" is the paper's. By default the student's, or
                where there is none the discriminator's default.
            archive: as in `fit`.
            refine: in images larger than the network, the student looks again at the
                surroundings of each box, at the resolution of the file.

        Raises:
            UserError: not fitted yet, no such reading, or no images to read.
        """
        model = self._fitted()
        if reading is None and (advice := advice_on_unfinished(model)):
            warnings.warn(advice, stacklevel=2)
        images = _load(photos, model.recipe.size, "test", archive)
        with look_closer(str(photos), images) as crop_reader:
            found = model.localize(images, reading, crop_reader if refine_boxes else None)
        outliers = model.outlier_scores(images)
        odd = [None] * len(images) if outliers is None else outliers.tolist()
        rows = zip(images.names, found.boxes, found.scores, found.heatmaps, odd, strict=True)
        localizations = []
        for name, box, score, heatmap, how_odd in rows:
            x0, y0, x1, y1 = box.tolist()
            corners = x0, y0, x1, y1
            localizations.append(Localization(name, corners, float(score), heatmap, how_odd))
        return localizations

    def save(self, path: str | Path) -> None:
        """Write the model to one safetensors file."""
        self._fitted().save(Path(path))

    def _fitted(self) -> Model:
        if self.model is None:
            raise UserError("This Localizer knows nothing yet: call fit or load first.")
        return self.model

    @classmethod
    def load(cls, path: str | Path, device: str | None = None) -> "Localizer":
        """A Localizer from a run folder or a file written by `save`."""
        model = load_model(Path(path), choose_device(device))
        localizer = cls(device=device)
        localizer.recipe, localizer.model = model.recipe, model
        return localizer


def _load(photos: str | Path, size: int, split: str, archive: str | Path | None) -> ImageSet:
    given = None if archive is None else Path(archive)
    images = load_images(str(photos), size, split, given)
    if images.left_out:
        warnings.warn(images.left_out, stacklevel=3)
    return images


def load_model(path: Path, device: torch.device) -> Model:
    """The model of a run folder, or of a model file.

    Raises:
        UserError: there is none, or its training has left none yet.
    """
    if path.is_file():
        return Model.load(path).to(device)
    run = Run.open(path)
    if not run.model.exists():
        raise UserError(
            f"The training in {path} is not finished: go on with `ganloc train "
            f"PHOTOS --out {path} --resume`."
        )
    return Model.load(run.model).to(device)


def check_enough(images: ImageSet, data: str) -> None:
    """A UserError where there are too few images to train a GAN on."""
    if len(images) < FEWEST_IMAGES:
        raise UserError(
            f"{data} holds only {len(images)} readable image: "
            f"training needs at least {FEWEST_IMAGES}, and hundreds to be of use."
        )


def advice_on_unfinished(model: Model) -> str:
    """What a model that was stopped before its student learned lacks; "" of a finished one."""
    if not model.lacks_student:
        return ""
    return (
        "The run was stopped before its student learned: these are its discriminator's boxes. "
        "Go on with `ganloc train PHOTOS --out RUN --resume`."
    )


def advice_on_few(images: ImageSet) -> str:
    """What to expect of so few images; "" where there are enough."""
    if len(images) >= FEW_IMAGES:
        return ""
    return (
        f"Only {len(images)} images: with fewer than {FEW_IMAGES} boxes are often no better "
        "than a centred box, and hundreds more still help; ganloc localize --draw shows them."
    )


def choose_device(name: str | None) -> torch.device:
    """The device of that name; without one, a GPU if there is one.

    Raises:
        UserError: no such device here.
    """
    if name is None:
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        torch.empty(0, device=name)
        return torch.device(name)
    except (RuntimeError, AssertionError) as error:
        message = f"There is no device {name!r} here: leave out --device, or give cpu."
        raise UserError(message) from error
