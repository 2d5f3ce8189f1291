"""The model: everything that `localize` needs, in one file."""

import copy
import json
from collections import ChainMap
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ganloc.box.detections import Detections
from ganloc.discriminator.networks import Discriminator
from ganloc.errors import UserError
from ganloc.heatmap.calibrate import CALIBRATION_IMAGES, for_reading
from ganloc.heatmap.feature_statistics import FeatureStatistics, feature_statistics
from ganloc.heatmap.readings import DISCRIMINATOR_READING, READINGS, Reading, read_heatmaps
from ganloc.images.image_set import ImageSet, every_nth
from ganloc.images.scale import Scale
from ganloc.outliers.outlier_model import OutlierModel
from ganloc.recipes import VARIANTS, Recipe
from ganloc.several.finder import Finder, soft_object_masks
from ganloc.shapes import Float
from ganloc.student.hinted import Hinted
from ganloc.student.refine import CLOSE_LOOKS, LOOKS, Looks
from ganloc.student.score import PlattScaling
from ganloc.student.train_student import THRESHOLD, soft_masks
from ganloc.student.unet import UNet
from ganloc.tensors import (
    BROKEN,
    Damaged,
    add_prefix,
    read_tensors,
    strip_prefix,
    write_tensors,
)
from ganloc.wording import either, listed, option, shown

FORMAT = "ganloc-4"
STUDENT, HINTED = "student", "hinted"
LEARNED = "learned"  # a signal
CLOSE_UPS, OWN_COLOURS = "close_ups", "own_colours"  # in `Model.info`
# The readings of a model: the discriminator's (a view of READINGS, which may grow) and the
# student's soft mask, for which only the threshold matters.
MODEL_READINGS = ChainMap(
    READINGS, {name: Reading(name, threshold=THRESHOLD) for name in (STUDENT, HINTED)}
)


@dataclass(frozen=True)
class Model:
    """A trained model: a frozen discriminator with its statistics, a student, an outlier model.

    Attributes:
        discriminator: in evaluation mode, with spectral norm folded into the weights and batch norm
            calibrated on real images.
        recipe: of the training.
        statistics: label-free statistics of the discriminator's features over the training images.
        info: `iteration` of the discriminator, number of training `images`, their `checksum`; 1 or
            0: whether the student learned `close_ups`, and whether `own_colours` sharpen its masks.
        signals: label-free signals of the quality of the discriminator (checkpoints/signals.py)
            and of the boxes (checkpoints/delivered.py); empty if they were not measured.
        student: in evaluation mode; None without a student. It is a `Finder` if it finds several
            objects an image.
        outliers: outlier model of the training images; None for fewer than 20 images, or if the
            discriminator's training is not finished.
        scale: of the deep training images, for the images to localize; None if all had 8 bits.
        hinted: what was learned from hints; None without hints.
    """

    discriminator: Discriminator
    recipe: Recipe
    statistics: FeatureStatistics
    info: dict[str, int] = field(default_factory=dict)
    signals: Mapping[str, float | None] = field(default_factory=dict)
    student: UNet | None = None
    outliers: OutlierModel | None = None
    scale: Scale | None = None
    hinted: Hinted | None = None

    @property
    def device(self) -> torch.device:
        """The device of the networks."""
        return self.discriminator.linear.weight.device

    @property
    def reading(self) -> str:
        """The default reading: that of the student which learned last, or the discriminator's.

        A student that did not learn what it was taught is not delivered.
        """
        if self.hinted:
            return HINTED
        return DISCRIMINATOR_READING if self.delivered_student is None else STUDENT

    @property
    def delivered_student(self) -> UNet | None:
        """The student, if it learned what it was taught."""
        return self.student if self.student_learned else None

    @property
    def student_learned(self) -> bool:
        """Whether the student learned (checkpoints/delivered.py); true where it is not known."""
        value = self.signals.get(LEARNED)
        return value is None or value > 0.0

    def looks(self, reading: str) -> Looks:
        """How the student of a reading looks at crops: closer if it learned from close-ups."""
        if reading != STUDENT or not self.info.get(CLOSE_UPS):
            return LOOKS
        return replace(CLOSE_LOOKS, sharpened=bool(self.info.get(OWN_COLOURS)))

    def student_of(self, reading: str) -> UNet | None:
        """The student whose masks are a reading; None for the discriminator's readings.

        Raises:
            UserError: the reading is unknown, or needs a student that the model lacks.
        """
        if not isinstance(reading, str) or reading not in MODEL_READINGS:
            raise UserError(
                f"There is no reading {shown(reading)}: choose {listed(MODEL_READINGS)}."
            )
        if reading not in (STUDENT, HINTED):
            return None
        student = self.student if reading == STUDENT else self.hinted and self.hinted.student
        if student is None:
            missing, what = "student", f"train with {option('student_iterations')} above 0"
            if reading == HINTED:
                missing, what = "hints", f"give it some ({either('ganloc finetune', 'finetune')})"
            raise UserError(
                f"This model has no {missing}: choose another reading than {reading}, or {what}."
            )
        return student

    def is_pretrained(self, reading: str) -> bool:
        """Whether pre-trained features had a part in a reading: that of a student."""
        return bool(self.recipe.features) and reading in (STUDENT, HINTED)

    @property
    def lacks_student(self) -> bool:
        """Whether the recipe has a student that is not trained yet."""
        return self.student is None and self.recipe.student_iterations > 0

    @classmethod
    def freeze(
        cls, discriminator: Discriminator, images: ImageSet, recipe: Recipe, iteration: int
    ) -> "Model":
        """Make a model from a copy of a discriminator in training.

        Args:
            discriminator: in training. It does not change.
            images: the training images, which calibrate batch norm and give the statistics.
            recipe: of the training.
            iteration: finished iterations.
        """
        ready = for_reading(discriminator, images.pixels)
        statistics = feature_statistics(ready, every_nth(images.pixels, CALIBRATION_IMAGES))
        info = {"iteration": iteration, "images": len(images), "checksum": images.checksum}
        return cls(ready, recipe, statistics, info, scale=images.scale)

    def to(self, device: torch.device) -> "Model":
        """The same model on `device`."""
        return replace(
            self,
            discriminator=copy.deepcopy(self.discriminator).to(device),
            statistics=self.statistics.to(device),
            student=None if self.student is None else copy.deepcopy(self.student).to(device),
            outliers=None if self.outliers is None else self.outliers.to(device),
            hinted=self.hinted
            and replace(self.hinted, student=copy.deepcopy(self.hinted.student).to(device)),
        )

    def heatmaps(self, images: ImageSet, reading: str) -> Float[np.ndarray, "n h w"]:
        """One heatmap an image, large where the object is.

        Args:
            images: of the recipe's size.
            reading: a row of `MODEL_READINGS`.

        Raises:
            UserError: the reading is unknown, or needs a student that the model lacks.
        """
        student = self.student_of(reading)
        if isinstance(student, Finder):
            return soft_object_masks(student, images.pixels)
        if student is not None:
            return soft_masks(student, images.pixels)
        return read_heatmaps(self.discriminator, images.pixels, READINGS[reading], self.statistics)

    def detect(self, images: ImageSet, reading: str) -> Detections:
        """Detections without refinement (arguments and errors as in `heatmaps`)."""
        return self.cut(self.heatmaps(images, reading), reading)

    def cut(
        self, heatmaps: Float[np.ndarray, "n h w"], reading: str, several: bool = False
    ) -> Detections:
        """The objects of the heatmaps of a reading: one an image, or `several`."""
        rule, size = MODEL_READINGS[reading], self.recipe.size
        return Detections.from_heatmaps(heatmaps, size, rule.threshold, rule.otsu, several)

    def scaling_of(self, reading: str) -> PlattScaling:
        """The scaling of scores: that by hints for the reading that learned from them."""
        return self.hinted.scaling if self.hinted and reading == HINTED else PlattScaling()

    def save(self, path: Path) -> None:
        """Write weights and settings to one safetensors file, atomically."""
        statistics = {"sign": self.statistics.sign, "aspect": self.statistics.aspect}
        preprocessing: dict[str, Any] = {"colour": "RGB", "scale": 1 / 127.5, "offset": -1.0}
        if self.scale is not None:
            preprocessing["deep"] = self.scale.to_dict()
        metadata = {
            "format": FORMAT,
            "recipe": self.recipe.to_json(),
            "statistics": json.dumps(statistics),
            "preprocessing": json.dumps(preprocessing),
            "info": json.dumps(self.info),
            "signals": json.dumps(dict(self.signals)),
        }
        tensors = self.discriminator.state_dict()
        tensors |= add_prefix("statistics/", self.statistics.tensors())
        if self.student is not None:
            tensors |= add_prefix("student/", self.student.state_dict())
        if self.hinted is not None:
            tensors |= add_prefix("hinted/", self.hinted.student.state_dict())
            metadata["hints"] = json.dumps(self.hinted.to_dict())
        if self.outliers is not None:
            tensors |= add_prefix("outliers/", self.outliers.tensors())
        write_tensors(path, tensors, metadata)

    @classmethod
    def load(cls, path: Path) -> "Model":
        """Load the model that `save` wrote.

        Raises:
            UserError: the file does not exist, is broken or damaged (its checksum differs, or a
                number is not finite), or is not a model of this version.
        """
        try:
            tensors, metadata = read_tensors(path)
            if metadata["format"] != FORMAT:
                raise ValueError(metadata["format"])
            recipe = Recipe.from_dict(json.loads(metadata["recipe"]))
            own = json.loads(metadata["statistics"])
            directions = strip_prefix("statistics/", tensors)
            statistics = FeatureStatistics.of(int(own["sign"]), float(own["aspect"]), directions)
            student, outliers, hinted = (
                strip_prefix(prefix, tensors) for prefix in ("student/", "outliers/", "hinted/")
            )
            deep = json.loads(metadata.get("preprocessing", "{}")).get("deep")
            return cls(
                _loaded_discriminator(recipe, tensors),
                recipe,
                statistics,
                {name: int(own) for name, own in json.loads(metadata["info"]).items()},
                dict(json.loads(metadata["signals"]).items()),
                _loaded_student(recipe, student) if student else None,
                OutlierModel.of(outliers) if outliers else None,
                None if deep is None else Scale.from_dict(deep),
                _loaded_hinted(recipe, hinted, metadata) if hinted else None,
            )
        except Damaged as error:
            raise UserError(
                f"{path} is damaged ({error}): copy it again, or train again."
            ) from error
        except (*BROKEN, AttributeError, UserError) as error:
            raise UserError(
                f"{path} is not a whole model of this version of ganloc ({type(error).__name__}): "
                "give a run folder of a finished training, or train again."
            ) from error


def _loaded_discriminator(recipe: Recipe, tensors: Mapping[str, Tensor]) -> Discriminator:
    norm = VARIANTS[recipe.variant].norm
    network = Discriminator(recipe.size, recipe.discriminator_width, norm, spectral=False)
    network.load_state_dict({name: own for name, own in tensors.items() if "/" not in name})
    return network.eval().requires_grad_(False)


def _loaded_student(recipe: Recipe, tensors: Mapping[str, Tensor]) -> UNet:
    student = (Finder if recipe.several else UNet)(recipe.size, recipe.student_width)
    student.load_state_dict(tensors)
    return student.eval().requires_grad_(False)


def _loaded_hinted(
    recipe: Recipe, tensors: Mapping[str, Tensor], metadata: Mapping[str, str]
) -> Hinted:
    return Hinted.from_dict(_loaded_student(recipe, tensors), json.loads(metadata["hints"]))


def reads_random_weights(model: Model, reading: str) -> bool:
    """Whether a reading is a CAM of a discriminator whose output unit was never trained.

    A CAM weights the features by that unit, and the border pretext task does not train it.
    """
    rule = MODEL_READINGS.get(reading)
    return rule is not None and rule.heatmap == "cam" and model.recipe.adversarial_weight == 0.0
