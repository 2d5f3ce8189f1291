"""A cell of a table: the training of one method on one set."""

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

# Name and number of iterations of a training → context that gives its progress callback.
Show = Callable[[str, int], AbstractContextManager[ProgressCallback]]


@dataclass(frozen=True)
class Cell:
    """One method on one set.

    Attributes:
        set_name: of Tiny ImageNet, or "cifar10:CATEGORY".
        method: such as "sn-dcgan", or "sn-dcgan+aug" with augmentation.
        seed: random seed of the training.
        budget: of the table.
    """

    set_name: str
    method: str
    seed: int
    budget: Budget

    def recipe(self) -> Recipe:
        """The recipe of the training."""
        return self.budget.recipe(self.method, self.seed)

    def folder(self, out: Path) -> Path:
        """The run folder of the cell below `out`."""
        return out / self.set_name.replace(":", "-") / f"{self.method}-{self.seed}"

    def is_trained(self, out: Path) -> bool:
        """Whether the training below `out` is finished."""
        model = Run(self.folder(out)).model
        return model.exists() and Model.load(model).info["iteration"] == self.recipe().iterations


def data_of(set_name: str) -> str:
    """The name of a set for `load_images`. Sets without a colon are of Tiny ImageNet.

    >>> data_of("bird"), data_of("cifar10:bird")
    ('tiny-imagenet:bird', 'cifar10:bird')
    """
    return set_name if ":" in set_name else f"tiny-imagenet:{set_name}"


def train_cell(cell: Cell, out: Path, images: ImageSet, device: torch.device, show: Show) -> Run:
    """Train a cell in its folder below `out`, or go on where an earlier call was stopped.

    A finished cell is not trained again.

    Raises:
        Stopped: by Ctrl-C. The next call goes on.
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
