"""What a run leaves behind: a discriminator ready to be read, with all that reading it needs."""

import copy
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ganloc.box.from_heatmap import boxes_from_heatmaps, normalise, resize
from ganloc.discriminator.networks import Discriminator
from ganloc.errors import UserError
from ganloc.heatmap.calibrate import IMAGES, for_reading
from ganloc.heatmap.feature_statistics import (
    FeatureStatistics,
    feature_statistics,
    statistics_from,
    statistics_tensors,
)
from ganloc.heatmap.readings import DEFAULT, READINGS, Reading, read_heatmaps
from ganloc.images.image_set import ImageSet, checksum, spread_over
from ganloc.images.source import CropReader
from ganloc.outliers.outlier_model import OutlierModel
from ganloc.recipes import VARIANTS, Recipe
from ganloc.shapes import Float, Int
from ganloc.student.refine import refine_boxes
from ganloc.student.train_student import THRESHOLD, soft_masks
from ganloc.student.unet import UNet
from ganloc.tensors import BROKEN, add_prefix, read_tensors, strip_prefix, write_tensors

FORMAT = "ganloc-2"
STUDENT = "student"
# All that a model can be read by: its discriminator's readings, and its student's soft mask, of
# which the threshold alone counts.
RULES = {**READINGS, STUDENT: Reading(STUDENT, threshold=THRESHOLD)}
ROUNDING = 1e-6  # cells that an edge may be off by and still lie between two of them
STACK = 512  # images scored at a time, so that a large set needs no large memory


@dataclass(frozen=True)
class Model:
    """A discriminator as it is read, and the student that learned from it.

    Attributes:
        discriminator: in evaluation mode, spectral norm folded in, batch norm calibrated on reals.
        recipe: how it was trained.
        fitted: what its readings know of the training images, found without a label.
        info: how far training went, and on which images: iteration, images, checksum.
        signals: what was measured of it without a label (checkpoints/signals.py); empty where nothing
            was.
        student: in evaluation mode; None where none was taught.
        unusual: what is typical of the training images; None before training has ended, and of
            fewer than 20.
    """

    discriminator: Discriminator
    recipe: Recipe
    statistics: FeatureStatistics
    info: dict[str, int] = field(default_factory=dict)
    signals: Mapping[str, float | None] = field(default_factory=dict)
    student: UNet | None = None
    outliers: OutlierModel | None = None

    @property
    def reading(self) -> str:
        """The default: the student's mask, or without a student the discriminator's reading."""
        return DEFAULT if self.student is None else STUDENT

    @property
    def lacks_student(self) -> bool:
        """Whether it lacks the student that its recipe has: its training was stopped."""
        return self.student is None and self.recipe.student_iterations > 0

    @classmethod
    def from_training(
        cls, discriminator: Discriminator, recipe: Recipe, images: ImageSet, iteration: int
    ) -> "Model":
        """Freeze `discriminator` for reading; `images` are those that it was trained on."""
        ready = for_reading(discriminator, images.pixels)
        statistics = feature_statistics(ready, spread_over(images.pixels, IMAGES))
        origin = {"images": len(images), "checksum": checksum(images)}
        return cls(ready, recipe, statistics, {"iteration": iteration, **origin})

    def to(self, device: torch.device) -> "Model":
        """The same model on `device`."""
        moved = copy.deepcopy(self.discriminator).to(device)
        student = None if self.student is None else copy.deepcopy(self.student).to(device)
        outliers = None if self.outliers is None else self.outliers.to(device)
        statistics = self.statistics.to(device)
        return replace(
            self, discriminator=moved, statistics=statistics, student=student, outliers=outliers
        )

    def heatmaps(self, images: ImageSet, reading: str) -> Float[np.ndarray, "n h w"]:
        """One heatmap an image, large where the object is, by a row of `RULES`.

        Raises:
            UserError: there is no such reading, or no student to read.
        """
        if reading not in RULES:
            raise UserError(f"There is no reading {reading!r}: choose one of {', '.join(RULES)}.")
        if reading == STUDENT:
            if self.student is None:
                raise UserError(
                    f"This model has no student: choose another reading than {STUDENT}, or train "
                    "with --student-iterations above 0."
                )
            return soft_masks(self.student, images.pixels)
        return read_heatmaps(self.discriminator, images.pixels, READINGS[reading], self.statistics)

    def localize(
        self,
        images: ImageSet,
        reading: str | None = None,
        crop_reader: CropReader | None = None,
    ) -> "Detections":
        """Heatmap and box of every image.

        Args:
            images: squeezed to the model's size.
            reading: a row of `RULES`; by default `reading`.
            closer: parts of the originals at their own resolution; the student, not another
                reading, looks again at the surroundings of its boxes (student/refine.py).
                Heatmaps stay those of the whole image.

        Raises:
            UserError: there is no such reading, or no student to read.
        """
        reading = reading or self.reading
        heatmaps = self.heatmaps(images, reading)
        found = Detections.from_heatmaps(heatmaps, self.recipe.size, images.sizes, RULES[reading])
        if crop_reader is None or reading != STUDENT:
            return found
        assert self.student is not None
        scale = np.tile(images.sizes, 2)
        boxes = refine_boxes(self.student, found.boxes / scale, images.sizes, crop_reader) * scale
        scores = scores_of(found.heatmaps, boxes, images.sizes)
        return Detections(boxes, found.heatmaps, scores)

    def outlier_scores(self, images: ImageSet) -> Float[np.ndarray, " n"] | None:
        """How far each image is from what is typical of those that were learned from.

        A quarter of these are below 1 (outliers/outlier_model.py). None by a model that does not know.
        """
        return None if self.outliers is None else self.outliers.scores(images.pixels)

    def save(self, path: Path) -> None:
        """Write weights and all settings to one safetensors file, whole or not at all."""
        metadata = {
            "format": FORMAT,
            "recipe": self.recipe.to_json(),
            "reading": json.dumps({"sign": self.statistics.sign, "aspect": self.statistics.aspect}),
            "preprocessing": json.dumps({"colour": "RGB", "scale": 1 / 127.5, "offset": -1.0}),
            "info": json.dumps(self.info),
            "signals": json.dumps(dict(self.signals)),
        }
        tensors = self.discriminator.state_dict() | add_prefix(
            "reading/", statistics_tensors(self.statistics)
        )
        if self.student is not None:
            tensors |= add_prefix("student/", self.student.state_dict())
        if self.outliers is not None:
            tensors |= add_prefix("unusual/", self.outliers.tensors())
        write_tensors(path, tensors, metadata)

    @classmethod
    def load(cls, path: Path) -> "Model":
        """The model that `save` wrote.

        Raises:
            UserError: there is no such file, or it is broken or not a model of ganloc.
        """
        try:
            tensors, metadata = read_tensors(path)
            if metadata["format"] != FORMAT:
                raise ValueError(metadata["format"])
            recipe = Recipe.from_dict(json.loads(metadata["recipe"]))
            reading = json.loads(metadata["reading"])
            statistics = statistics_from(
                int(reading["sign"]), float(reading["aspect"]), strip_prefix("reading/", tensors)
            )
            norm = VARIANTS[recipe.variant].norm
            network = Discriminator(recipe.size, recipe.discriminator_width, norm, spectral=False)
            network.load_state_dict({n: own for n, own in tensors.items() if "/" not in n})
            learned, typical = strip_prefix("student/", tensors), strip_prefix("unusual/", tensors)
            student = _student(recipe, learned) if learned else None
            outliers = OutlierModel.of(typical) if typical else None
            info = json.loads(metadata["info"])
            signals = json.loads(metadata.get("signals", "{}"))
        except (*BROKEN, UserError) as error:
            raise UserError(
                f"{path} is not a whole model of this version of ganloc ({type(error).__name__}): "
                "give a run folder that `ganloc train` has finished, or train again."
            ) from error
        ready = network.eval().requires_grad_(False)
        return cls(ready, recipe, statistics, info, signals, student, outliers)


def _student(recipe: Recipe, learned: Mapping[str, Tensor]) -> UNet:
    student = UNet(recipe.size, recipe.student_width)
    student.load_state_dict(learned)
    return student.eval().requires_grad_(False)


@dataclass(frozen=True)
class Detections:
    """Boxes of a set of images.

    Attributes:
        boxes: xyxy, half-open, in pixels of the originals.
        heatmaps: 0–1, at the network's size.
        scores: how clearly each box stands out, 0–1 (`box_scores`).
    """

    boxes: Float[np.ndarray, "n 4"]
    heatmaps: Float[np.ndarray, "n size size"]
    scores: Float[np.ndarray, " n"]

    @classmethod
    def from_heatmaps(
        cls,
        heatmaps: Float[np.ndarray, "n h w"],
        size: int,
        sizes: Int[np.ndarray, "n 2"],
        reading: Reading,
    ) -> "Detections":
        """Cut a box from each heatmap as `reading` says, whatever network the heatmaps are of.

        Args:
            heatmaps: one an image, on any scale.
            size: side of the network's images, in pixels.
            sizes: width and height of each original.
            reading: whose threshold to cut at.
        """
        boxes = boxes_from_heatmaps(heatmaps, size, sizes, reading.threshold, reading.otsu)
        full = normalise(resize(heatmaps, size)).astype(np.float32)
        return cls(boxes, full, scores_of(full, boxes, sizes))


def scores_of(
    heatmaps: Float[np.ndarray, "n size size"],
    boxes: Float[np.ndarray, "n 4"],
    sizes: Int[np.ndarray, "n 2"],
) -> Float[np.ndarray, " n"]:
    """`box_scores`, some images at a time."""
    scores = np.empty(len(boxes))
    for start in range(0, len(boxes), STACK):
        part = slice(start, start + STACK)
        scores[part] = box_scores(heatmaps[part], boxes[part], sizes[part])
    return scores


def box_scores(
    heatmaps: Float[np.ndarray, "n size size"],
    boxes: Float[np.ndarray, "n 4"],
    sizes: Int[np.ndarray, "n 2"],
) -> Float[np.ndarray, " n"]:
    """Mean of the heatmap inside the box minus its mean outside, at least 0.

    Every cell that the box touches is inside. A box that is the whole image has nothing outside
    and scores 0.
    """
    size = heatmaps.shape[1]
    scaled = boxes / np.tile(sizes, 2) * size
    low, high = np.floor(scaled[:, :2] + ROUNDING), np.ceil(scaled[:, 2:] - ROUNDING)
    x0, y0, x1, y1 = np.concatenate([low, high], axis=1).T[:, :, None]
    at = np.arange(size)
    columns, rows = (at >= x0) & (at < x1), (at >= y0) & (at < y1)
    inside = rows[:, :, None] & columns[:, None, :]
    count = inside.sum(axis=(1, 2))
    within = np.where(inside, heatmaps, 0.0).sum(axis=(1, 2), dtype=float)
    beyond = np.where(inside, 0.0, heatmaps).sum(axis=(1, 2), dtype=float)
    contrast = within / count.clip(1) - beyond / (size**2 - count).clip(1)
    return np.where(count < size**2, contrast, 0.0).clip(0.0, 1.0)
