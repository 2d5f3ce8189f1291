"""A run's checkpoints, evaluated by every reading, image by image; kept in the run's folder."""

import json
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from arms import ARMS, trained_run
from compared_readings import reading_boxes

from ganloc.box.iou import best_iou
from ganloc.checkpoints.run import Run
from ganloc.checkpoints.selection import best_of, criterion
from ganloc.checkpoints.signals import Signals, measure
from ganloc.evaluation import untrained_model
from ganloc.files import write_json
from ganloc.images.image_set import ImageSet
from ganloc.metrics.localization import evaluable
from ganloc.model import Model
from ganloc.shapes import Float

FILE = "evaluation.json"
DECIMALS = 4


class EvaluatedRun:
    """A run's checkpoints: signals on the training images, IoUs on the test images.

    Each is worked out once and kept in the run's folder.

    Args:
        run: finished, with a milestone for each of `iterations` but the first.
        arm: how it was trained.
        set_name: of the images.
        seed: it was trained with.
        iterations: of the checkpoints; the first is 0, the untrained network.
        train: the images that it was trained on; their truth, if any, is not looked at.
        test: images with truth.
    """

    def __init__(
        self,
        run: Run,
        arm: str,
        set_name: str,
        seed: int,
        iterations: Sequence[int],
        train: ImageSet,
        test: ImageSet | None = None,
    ):
        self.run, self.arm, self.set_name, self.seed = run, arm, set_name, seed
        self.iterations = list(iterations)
        self.train, self.test = train.unlabelled(), test
        path = run.folder / FILE
        self._kept = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}

    @classmethod
    def of_arm(
        cls,
        runs: Path,
        arm: str,
        set_name: str,
        seed: int,
        train: ImageSet,
        test: ImageSet | None = None,
    ) -> "EvaluatedRun":
        """The run of an arm, trained now where it is not finished (errors as in `trained_run`)."""
        run = trained_run(runs, arm, set_name, seed, train)
        return cls(run, arm, set_name, seed, ARMS[arm].checkpoints, train, test)

    def signals(self) -> list[Signals]:
        """Of every checkpoint."""
        if len(self._kept.get("signals", ())) != len(self.iterations):
            models = map(self.model, range(len(self.iterations)))
            self._keep("signals", [measure(model, self.train).to_dict() for model in models])
        return [Signals.from_dict(each) for each in self._kept["signals"]]

    def ious(self, index: int, reading: str) -> Float[np.ndarray, " k"]:
        """Of the boxes of one checkpoint by one reading, on the test images with truth."""
        name = f"{self.iterations[index]} {reading}"
        if name not in self._kept:
            assert self.test is not None
            boxes = reading_boxes(self.model(index), self.train, self.test, reading)
            self._keep(name, image_ious(boxes, self.test).round(DECIMALS).tolist())
        return np.array(self._kept[name])

    @property
    def chosen(self) -> int:
        """The checkpoint that the label-free rule keeps; never the untrained network."""
        return 1 + best_of([criterion(signals) for signals in self.signals()[1:]])

    def model(self, index: int) -> Model:
        """The network as it was at a checkpoint."""
        if index == 0:
            return self._untrained
        return Model.load(self.run.milestone(self.iterations[index]))

    @cached_property
    def _untrained(self) -> Model:
        return untrained_model(Model.load(self.run.model), self.train)

    def _keep(self, name: str, value: Any) -> None:
        self._kept[name] = value
        write_json(self.run.folder / FILE, self._kept)


def image_ious(boxes: Float[np.ndarray, "n 4"], test: ImageSet) -> Float[np.ndarray, " k"]:
    """Of the images with a true box."""
    assert test.truth is not None
    return best_iou(boxes, test.truth)[evaluable(test.truth)]
