"""The estimator of the Python API: fit, localize, save, load."""

from pathlib import Path
from typing import Any

import torch

from ganloc import notices
from ganloc.arguments import as_flag, as_path
from ganloc.box.detections import Detections
from ganloc.checkpoints.hooks import Hooks, RunHooks
from ganloc.checkpoints.run import Run, load_model
from ganloc.checkpoints.training_log import ProgressCallback, StepLog, check_progress
from ganloc.checkpoints.verdict import Verdict, verdict_of
from ganloc.errors import UserError
from ganloc.heatmap.features import with_features
from ganloc.images.given import check_size, given_images
from ganloc.images.hints import as_hints
from ganloc.images.image_set import ImageSet
from ganloc.images.in_memory import is_image_file
from ganloc.images.scale import Scale
from ganloc.localization import Localization, localizations
from ganloc.method import finetune, fit, localize
from ganloc.metrics.expected import Expected, expected
from ganloc.model import STUDENT, Model
from ganloc.recipes import DEFAULT_PRESET, Recipe, make_recipe
from ganloc.student.suggest import suggest
from ganloc.tensors import choose_device
from ganloc.threads import training_threads
from ganloc.wording import shown


class Localizer:
    """Finds the object in images of one kind of thing, after training on such images.

    Args:
        preset: "default", "laptop" or "paper" (recipes.PRESETS).
        device: "cpu", "cuda", … or a torch.device; by default a GPU if there is one.
        settings: settings of `Recipe` that replace those of the preset.

    Attributes:
        recipe, device: of the training.
        model: the trained model; None before `fit`.

    Raises:
        UserError: the preset, a setting or the device is unknown, or a setting is out of range.

    >>> from ganloc import Localizer
    >>> birds = Localizer(size=64, device="cpu")
    >>> birds.recipe.summary
    'the border pretext task, then a student'
    >>> birds.fit("photos/").save("birds.safetensors")  # doctest: +SKIP
    >>> for found in birds.localize("photos/"):  # doctest: +SKIP
    ...     print(found.path, found.box, found.score)
    """

    def __init__(
        self,
        preset: str = DEFAULT_PRESET,
        device: str | torch.device | None = None,
        **settings: Any,
    ):
        self._begin(make_recipe(preset, **settings), choose_device(device))

    @classmethod
    def from_recipe(cls, recipe: Recipe, device: torch.device) -> "Localizer":
        """A Localizer with this recipe."""
        localizer = cls.__new__(cls)
        localizer._begin(recipe, device)
        return localizer

    def _begin(self, recipe: Recipe, device: torch.device, model: Model | None = None) -> None:
        self.recipe, self.device, self.model = recipe, device, model

    @property
    def reading(self) -> str:
        """The default reading of the model, a row of `MODEL_READINGS`."""
        return self._fitted().reading

    @property
    def scale(self) -> Scale | None:
        """The scale of the deep training images, for `load_images`; None if all had 8 bits."""
        return self._fitted().scale

    @property
    def verdict(self) -> Verdict | None:
        """A label-free verdict; None before `fit`, and for a model of an earlier version."""
        return None if self.model is None else verdict_of(self.model)

    @property
    def expected(self) -> Expected | None:
        """The expected quality by the hints; None with fewer than two."""
        own = self.model and self.model.hinted
        return expected(own.ious, own.label_free_ious) if own and own.ious else None

    def fit(
        self,
        photos: Any,
        out: str | Path | None = None,
        archive: str | Path | None = None,
        resume: bool = False,
        progress: ProgressCallback | None = None,
        pages: bool = False,
        hints: Any = None,
        features: Any = None,
    ) -> "Localizer":
        """Train on a set of images. True boxes and classes, if any, are not used.

        Args:
            photos: a folder or zip, a named data set as for `load_images` (its training images), an
                ImageSet of the recipe's size, or images in memory or paths as for `image_set_of`:
                a list, a generator or a stack of arrays, tensors, Pillow images or paths.
            out: a new folder for log, checkpoints and drawings. By default nothing is written.
            archive: of a named data set, as for `load_images`.
            resume: go on with the run in `out`.
            progress: called with the training step and a line of the log.
            pages: take each page or frame of a file as an image.
            hints: boxes that the user drew in a few of the images, as for `finetune`.
            features: pre-trained features for the pseudo-boxes: a callable (images → feature maps),
                or the name or folder of a model of transformers (heatmap/features.py).

        Raises:
            TypeError: `photos` holds something else than images, or an argument is of another type.
            UserError: there are fewer than two images, one in memory cannot be used, `out` or
                `features` can't be used, or a loss is not finite.
            Stopped: by Ctrl-C, if `out` is given. The same call with `resume` goes on.

        >>> from ganloc.images.synthetic import draw_images
        >>> localizer = Localizer(device="cpu", size=32, iterations=1, student_iterations=0)
        >>> localizer = localizer.fit(draw_images(100, size=32, seed=0))
        >>> [found.path for found in localizer.localize(draw_images(2, size=32, seed=1))]
        ['1-00000.png', '1-00001.png']
        """
        check_progress(progress)
        folder = None if out is None else as_path("out", out)
        if as_flag("resume", resume) and folder is None:
            raise UserError("resume=True goes on with a run folder: give it by out.")
        device = choose_device(self.device)  # in a forked process it may have gone
        recipe, known = with_features(self.recipe, features, device)
        images = given_images(photos, recipe.size, "train", archive, None, pages).unlabelled()
        notices.check_enough(images)
        notices.warn_of_little(images)
        drawn = None if hints is None else as_hints(hints, images)
        run = Run.open(folder) if folder and resume else None
        earlier = run.model_with_student() if run else None
        with training_threads(run.read()["threads"] if run else None):
            if folder is None:
                self.model = fit(images, recipe, device, Hooks(progress), known)
            else:
                if run:
                    run.check_same(recipe, images)
                run = run or Run.create(folder, recipe, images)
                with RunHooks(run, progress, resume) as hooks:
                    self.model = fit(images, recipe, device, hooks, known)
            if drawn is not None:
                self.model = finetune(self.model, images, drawn, StepLog(progress, recipe.steps))
        if run is not None and drawn is not None:
            self.model.save(run.model)
        notices.warn_hints_gone(earlier, self.model)
        return self

    def finetune(
        self,
        photos: Any,
        hints: Any,
        archive: str | Path | None = None,
        progress: ProgressCallback | None = None,
        pages: bool = False,
    ) -> "Localizer":
        """Learn from hints: boxes that the user drew in a few images.

        Without hints the model is still there, as the reading "student". Hints of an earlier call
        are forgotten: give all of them. `expected` tells what quality to expect.

        Args:
            photos: the images, best those of the training; as `archive`, `progress` and `pages` as
                for `fit`.
            hints: a dict of paths and boxes (x0, y0, x1, y1 in pixels of the original, or several
                such boxes, or None for "no object here"), or the path of a COCO file.

        Raises:
            TypeError: `photos` or `hints` is of another type.
            UserError: the Localizer is not fitted, or a hint is not of these images or no box.

        >>> birds = Localizer.load("runs/birds")  # doctest: +SKIP
        >>> birds.finetune("photos/", {"a.jpg": (10, 20, 200, 180)})  # doctest: +SKIP
        """
        model = self._fitted()
        check_progress(progress)
        choose_device(model.device)
        size, scale = self.recipe.size, self.scale
        images = given_images(photos, size, "train", archive, scale, pages).unlabelled()
        drawn = as_hints(hints, images)
        with training_threads():
            self.model = finetune(model, images, drawn, StepLog(progress))
        return self

    def suggest(self, photos: Any, count: int = 10, hints: Any = None) -> list[str]:
        """The paths of images in which a box that the user draws helps most, at most `count`.

        Args:
            photos: the images, as for `fit`.
            count: how many to suggest.
            hints: boxes that were drawn before, as for `finetune`.

        Raises:
            UserError: the Localizer has no student, or `count` is below 1.
        """
        images = given_images(photos, self.recipe.size, "train", None, self.scale, False)
        hinted = () if hints is None else as_hints(hints, images).names
        student = self._fitted().student_of(STUDENT)
        assert student is not None  # `student_of` has raised otherwise
        chosen = suggest(student, images, count, hinted)
        return [images.names[index] for index in chosen]

    def detect(
        self,
        images: ImageSet,
        reading: str | None = None,
        refine: bool = True,
        max_objects: int | str | None = None,
        min_score: float = 0.0,
    ) -> Detections:
        """Detections as arrays (arguments and errors as for `localize`)."""
        model = self._fitted()
        choose_device(model.device)  # in a forked process it may have gone
        check_size(images, self.recipe.size)
        if not isinstance(reading, str | None):
            raise TypeError(f"reading must be a name such as 'lda', not {shown(reading)}.")
        notices.warn_of_reading(model, reading)
        notices.warn_other_scale(model, images)
        return localize(model, images, reading, as_flag("refine", refine), max_objects, min_score)

    def localize(
        self,
        photos: Any,
        reading: str | None = None,
        archive: str | Path | None = None,
        refine: bool = True,
        pages: bool = False,
        max_objects: int | str | None = None,
        min_score: float = 0.0,
    ) -> list[Localization]:
        """Find the objects in every image, by default one, each with box, mask and score.

        Args:
            photos: as for `fit`, or a single image. A named data set gives its test images.
            reading, refine, max_objects, min_score: as for `method.localize`: another heatmap than
                the default, whether to look again at the resolution of the file, how many objects
                to find in an image (a number or "all"), and the score that each needs.
            archive, pages: as for `fit`.

        Returns:
            The objects of each image, in the order of the files' names, or in the order given.

        Raises:
            TypeError: `photos` holds something else than images.
            UserError: it is not fitted, an argument is out of range, or there are no usable images.

        >>> blood = Localizer.load("runs/blood")  # doctest: +SKIP
        >>> for found in blood.localize("photos/", max_objects="all"):  # doctest: +SKIP
        ...     print(found.path, [cell.box for cell in found.objects])
        """
        images = given_images(photos, self.recipe.size, "test", archive, self.scale, pages)
        return localizations(images, self.detect(images, reading, refine, max_objects, min_score))

    def save(self, path: str | Path) -> None:
        """Write the model to one safetensors file.

        Raises:
            TypeError: `path` is no path.
            UserError: the Localizer is not fitted, or the file can't be written or is an image.
        """
        model, file = self._fitted(), as_path("path", path)
        if is_image_file(file):
            raise UserError(f"{file} is an image: choose another path for the model.")
        model.save(file)

    @classmethod
    def load(cls, path: str | Path, device: str | torch.device | None = None) -> "Localizer":
        """Load a Localizer from a run folder or a file written by `save`. Also `ganloc.load`.

        Raises:
            UserError: the run or file does not exist, is broken, or is not finished.

        >>> import ganloc
        >>> birds = ganloc.load("birds.safetensors")  # doctest: +SKIP
        """
        model = load_model(as_path("path", path), choose_device(device))
        localizer = cls.__new__(cls)
        localizer._begin(model.recipe, model.device, model)
        return localizer

    def _fitted(self) -> Model:
        if self.model is None:
            raise UserError("This Localizer is not fitted yet: call fit or load first.")
        return self.model


load = Localizer.load
