"""What a run leaves behind: a discriminator ready to be read, with all that reading it needs."""

import copy
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ganloc.adversary.networks import Discriminator
from ganloc.box.from_heatmap import boxes_from_heatmaps, normalise, resize
from ganloc.errors import UserError
from ganloc.heatmap.calibrate import PICTURES, for_reading
from ganloc.heatmap.fitted import Fitted, fit_readings, fitted_from, fitted_tensors
from ganloc.heatmap.read import DEFAULT, READINGS, Reading, read_heatmaps
from ganloc.images.pictures import Pictures, checksum, spread_over
from ganloc.images.source import Closer
from ganloc.recipes import VARIANTS, Recipe
from ganloc.shapes import Float, Int
from ganloc.student.closer import look_again
from ganloc.student.learning import THRESHOLD, soft_masks
from ganloc.student.network import Student
from ganloc.tensors import BROKEN, below, read_tensors, under, write_tensors
from ganloc.unusual.distance import Unusual

FORMAT = "ganloc-2"
STUDENT = "student"
# All that a model can be read by: its discriminator's readings, and its student's soft mask, of
# which the threshold alone counts.
RULES = {**READINGS, STUDENT: Reading(STUDENT, threshold=THRESHOLD)}
ROUNDING = 1e-6  # cells that an edge may be off by and still lie between two of them
STACK = 512  # pictures scored at a time, so that a large set needs no large memory


@dataclass(frozen=True)
class Model:
    """A discriminator as it is read, and the student that learned from it.

    Attributes:
        discriminator: in evaluation mode, spectral norm folded in, batch norm calibrated on reals.
        recipe: how it was trained.
        fitted: what its readings know of the training pictures, found without a label.
        info: how far training went, and on which pictures: iteration, pictures, checksum.
        signals: what was measured of it without a label (selection/signals.py); empty where nothing
            was.
        student: in evaluation mode; None where none was taught.
        unusual: what is typical of the training pictures; None before training has ended, and of
            fewer than 20.
    """

    discriminator: Discriminator
    recipe: Recipe
    fitted: Fitted
    info: dict[str, int] = field(default_factory=dict)
    signals: Mapping[str, float | None] = field(default_factory=dict)
    student: Student | None = None
    unusual: Unusual | None = None

    @property
    def reading(self) -> str:
        """The default: the student's mask, or without a student the discriminator's reading."""
        return DEFAULT if self.student is None else STUDENT

    @property
    def to_be_taught(self) -> bool:
        """Whether it lacks the student that its recipe has: its training was stopped."""
        return self.student is None and self.recipe.student_iterations > 0

    @classmethod
    def from_training(
        cls, discriminator: Discriminator, recipe: Recipe, pictures: Pictures, iteration: int
    ) -> "Model":
        """Freeze `discriminator` for reading; `pictures` are those that it was trained on."""
        ready = for_reading(discriminator, pictures.pixels)
        fitted = fit_readings(ready, spread_over(pictures.pixels, PICTURES))
        origin = {"pictures": len(pictures), "checksum": checksum(pictures)}
        return cls(ready, recipe, fitted, {"iteration": iteration, **origin})

    def to(self, device: torch.device) -> "Model":
        """The same model on `device`."""
        moved = copy.deepcopy(self.discriminator).to(device)
        student = None if self.student is None else copy.deepcopy(self.student).to(device)
        unusual = None if self.unusual is None else self.unusual.to(device)
        fitted = self.fitted.to(device)
        return replace(self, discriminator=moved, fitted=fitted, student=student, unusual=unusual)

    def heatmaps(self, pictures: Pictures, reading: str) -> Float[np.ndarray, "n h w"]:
        """One heatmap a picture, large where the object is, by a row of `RULES`.

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
            return soft_masks(self.student, pictures.pixels)
        return read_heatmaps(self.discriminator, pictures.pixels, READINGS[reading], self.fitted)

    def localize(
        self,
        pictures: Pictures,
        reading: str | None = None,
        closer: Closer | None = None,
    ) -> "Found":
        """Heatmap and box of every picture.

        Args:
            pictures: squeezed to the model's size.
            reading: a row of `RULES`; by default `reading`.
            closer: parts of the originals at their own resolution; the student, not another
                reading, looks again at the surroundings of its boxes (student/closer.py).
                Heatmaps stay those of the whole picture.

        Raises:
            UserError: there is no such reading, or no student to read.
        """
        reading = reading or self.reading
        heatmaps = self.heatmaps(pictures, reading)
        found = Found.from_heatmaps(heatmaps, self.recipe.size, pictures.sizes, RULES[reading])
        if closer is None or reading != STUDENT:
            return found
        assert self.student is not None
        scale = np.tile(pictures.sizes, 2)
        boxes = look_again(self.student, found.boxes / scale, pictures.sizes, closer) * scale
        scores = scores_of(found.heatmaps, boxes, pictures.sizes)
        return Found(boxes, found.heatmaps, scores)

    def how_unusual(self, pictures: Pictures) -> Float[np.ndarray, " n"] | None:
        """How far each picture is from what is typical of those that were learned from.

        A quarter of these are below 1 (unusual/distance.py). None by a model that does not know.
        """
        return None if self.unusual is None else self.unusual.scores(pictures.pixels)

    def save(self, path: Path) -> None:
        """Write weights and all settings to one safetensors file, whole or not at all."""
        metadata = {
            "format": FORMAT,
            "recipe": self.recipe.to_json(),
            "reading": json.dumps({"sign": self.fitted.sign, "aspect": self.fitted.aspect}),
            "preprocessing": json.dumps({"colour": "RGB", "scale": 1 / 127.5, "offset": -1.0}),
            "info": json.dumps(self.info),
            "signals": json.dumps(dict(self.signals)),
        }
        tensors = self.discriminator.state_dict() | under("reading/", fitted_tensors(self.fitted))
        if self.student is not None:
            tensors |= under("student/", self.student.state_dict())
        if self.unusual is not None:
            tensors |= under("unusual/", self.unusual.tensors())
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
            fitted = fitted_from(
                int(reading["sign"]), float(reading["aspect"]), below("reading/", tensors)
            )
            norm = VARIANTS[recipe.variant].norm
            network = Discriminator(recipe.size, recipe.discriminator_width, norm, spectral=False)
            network.load_state_dict({n: own for n, own in tensors.items() if "/" not in n})
            learned, typical = below("student/", tensors), below("unusual/", tensors)
            student = _student(recipe, learned) if learned else None
            unusual = Unusual.of(typical) if typical else None
            info = json.loads(metadata["info"])
            signals = json.loads(metadata.get("signals", "{}"))
        except (*BROKEN, UserError) as error:
            raise UserError(
                f"{path} is not a whole model of this version of ganloc ({type(error).__name__}): "
                "give a run folder that `ganloc train` has finished, or train again."
            ) from error
        ready = network.eval().requires_grad_(False)
        return cls(ready, recipe, fitted, info, signals, student, unusual)


def _student(recipe: Recipe, learned: Mapping[str, Tensor]) -> Student:
    student = Student(recipe.size, recipe.student_width)
    student.load_state_dict(learned)
    return student.eval().requires_grad_(False)


@dataclass(frozen=True)
class Found:
    """Boxes of a set of pictures.

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
    ) -> "Found":
        """Cut a box from each heatmap as `reading` says, whatever network the heatmaps are of.

        Args:
            heatmaps: one a picture, on any scale.
            size: side of the network's pictures, in pixels.
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
    """`box_scores`, some pictures at a time."""
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

    Every cell that the box touches is inside. A box that is the whole picture has nothing outside
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
