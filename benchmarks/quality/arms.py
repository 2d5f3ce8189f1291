"""What is trained to find out whether training helps, and how."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from ganloc.checkpoints.hooks import Cadence, RunHooks
from ganloc.checkpoints.run import Run
from ganloc.checkpoints.training_log import ProgressCallback
from ganloc.images.image_set import ImageSet
from ganloc.method import fit
from ganloc.recipes import Recipe, make_recipe

SIZE = 64  # side of most images, in pixels


@dataclass(frozen=True)
class Arm:
    """One way to train, on every set alike.

    Attributes:
        changes: to the default preset.
        iterations: of training.
        seeds: it is trained with each of them.
        cadence: how often there is a checkpoint, all of which are evaluated.
    """

    changes: dict[str, Any] = field(default_factory=dict)
    iterations: int = 1_500
    seeds: tuple[int, ...] = (0, 1, 2)
    cadence: Cadence = field(default_factory=Cadence)

    def recipe(self, seed: int, size: int) -> Recipe:
        """What is trained with this seed on images of this size."""
        changes = {"size": size, **self.changes, "iterations": self.iterations, "seed": seed}
        # The best checkpoint is selected afterwards; other stages compare students.
        return make_recipe("default", **changes, select=False, student_iterations=0)

    @property
    def checkpoints(self) -> list[int]:
        """The iterations whose models are evaluated, the untrained one first."""
        return [*range(0, self.iterations, self.cadence.checkpoint), self.iterations]


ALIVE = {"adversarial_weight": 1.0, "logit_scale": 10.0}  # so that thin networks leave chance

ARMS: dict[str, Arm] = {
    "pretext": Arm({"adversarial_weight": 0.0, "border_weight": 1.0}),
    "adversarial": Arm({**ALIVE, "border_weight": 0.0}, 1_000, (0,)),
    "both": Arm({**ALIVE, "border_weight": 1.0}, seeds=(0,)),
}


def folder_of(runs: Path, arm: str, set_name: str, seed: int, size: int) -> Path:
    """Where an arm's training is kept."""
    at = "" if size == SIZE else f"@{size}"
    return runs / arm / f"{set_name.replace(':', '-')}{at}-{seed}"


def is_finished(run: Run, arm: Arm) -> bool:
    """Whether the last checkpoint was reached and the model is left."""
    return run.milestone(arm.iterations).exists() and run.model.exists()


def trained_run(
    runs: Path,
    name: str,
    set_name: str,
    seed: int,
    images: ImageSet,
    progress: ProgressCallback | None = None,
) -> Run:
    """The run of an arm; where it is not finished, it is trained now, or resumed.

    Args:
        runs: folder of all runs.
        name: of the arm.
        set_name: of the images.
        seed: to train with.
        images: to train on.
        progress: called with the iteration and a line of the log.

    Raises:
        Stopped: by Ctrl-C; the next call resumes.
        UserError: the folder holds something else.
    """
    arm = ARMS[name]
    recipe = arm.recipe(seed, images.size)
    folder = folder_of(runs, name, set_name, seed, images.size)
    run = Run.create_or_open(folder, recipe, images)
    if not is_finished(run, arm):
        milestones = arm.checkpoints[1:]
        with RunHooks(run, progress, True, milestones, arm.cadence) as hooks:
            fit(images, recipe, torch.device("cpu"), hooks)
    return run
