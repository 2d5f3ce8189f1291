"""One training of a table: from its run folder's state to the row of its scores."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

import torch

from ganloc.checkpoints.hooks import RunHooks
from ganloc.checkpoints.run import Run
from ganloc.checkpoints.training_log import ProgressCallback
from ganloc.images.image_set import ImageSet
from ganloc.method import fit
from ganloc.model import Model
from ganloc.paper.budgets import Budget
from ganloc.recipes import Recipe

# Opens the display of a training, which is named; the number is its iterations.
Show = Callable[[str, int], AbstractContextManager[ProgressCallback]]


@dataclass(frozen=True)
class Cell:
    """A method on a set: "sn-dcgan", or "sn-dcgan+aug" with augmentation."""

    set_name: str
    method: str
    seed: int
    budget: Budget

    def recipe(self) -> Recipe:
        """What is trained."""
        return self.budget.recipe(self.method, self.seed)

    def folder(self, out: Path) -> Path:
        """Where it is trained."""
        return out / self.set_name.replace(":", "-") / f"{self.method}-{self.seed}"

    def is_trained(self, out: Path) -> bool:
        """Whether the training below `out` has come to its end."""
        model = Run(self.folder(out)).model
        return model.exists() and Model.load(model).info["iteration"] == self.recipe().iterations


def data_of(set_name: str) -> str:
    """A set as `load_images` takes it: those of Tiny ImageNet go by their bare names."""
    return set_name if ":" in set_name else f"tiny-imagenet:{set_name}"


def train_cell(cell: Cell, out: Path, images: ImageSet, device: torch.device, show: Show) -> Run:
    """Train in the cell's folder below `out`, from where an earlier call was stopped.

    A cell that is trained already is left as it is, and nothing is shown.

    Raises:
        Stopped: by Ctrl-C; the next call goes on.
        UserError: the folder holds a run of another recipe or of other images.
    """
    recipe = cell.recipe()
    run = Run.create_or_open(cell.folder(out), recipe, images)
    if not cell.is_trained(out):
        kept = cell.budget.kept(recipe.iterations)
        with (
            show(f"{cell.set_name} {cell.method}", recipe.iterations) as progress,
            RunHooks(run, progress, resume=True, milestones=kept) as hooks,
        ):
            fit(images, recipe, device, hooks)
    return run
