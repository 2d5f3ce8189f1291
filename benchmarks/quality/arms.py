"""What is trained to find out whether training helps, and how."""

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch

from ganloc.checkpoints.run import Run
from ganloc.images.image_set import ImageSet
from ganloc.recipes import Recipe, make_recipe
from ganloc.training import train_run

EVERY = 250  # iterations between the checkpoints that are scored
SIZE = 64  # side of most images, in pixels


@dataclass(frozen=True)
class Arm:
    """One way to train, on every set alike.

    Attributes:
        changes: to the border preset.
        iterations: of training.
        seeds: it is trained with each of them.
    """

    changes: dict[str, Any] = field(default_factory=dict)
    iterations: int = 1_500
    seeds: tuple[int, ...] = (0, 1, 2)

    def recipe(self, seed: int, size: int) -> Recipe:
        """What is trained with this seed on images of this size."""
        changes = {"size": size, **self.changes, "iterations": self.iterations, "seed": seed}
        # The rule is asked afterwards, and students are what other stages ask about.
        return make_recipe("default", **changes, select=False, student_iterations=0)

    @property
    def checkpoints(self) -> list[int]:
        """The iterations whose models are scored, the untrained one first."""
        return [*range(0, self.iterations, EVERY), self.iterations]


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


def trained_run(runs: Path, arm: str, set_name: str, seed: int, images: ImageSet) -> Run:
    """The run of this arm; trained now, or on from where it was stopped, where it is not finished.

    Raises:
        Stopped: by Ctrl-C; the next call goes on.
        UserError: the folder holds something else.
    """
    folder = folder_of(runs, arm, set_name, seed, images.size)
    recipe = ARMS[arm].recipe(seed, images.size)
    begun = (folder / "recipe.json").exists()
    run = Run.open(folder) if begun else Run.create(folder, recipe, set_name, images)
    if begun:
        run.resume(asdict(recipe), images)
    if not is_finished(run, ARMS[arm]):
        milestones = ARMS[arm].checkpoints[1:]
        train_run(run, images, recipe, torch.device("cpu"), begun, milestones=milestones)
    return run
