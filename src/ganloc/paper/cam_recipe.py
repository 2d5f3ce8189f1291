"""The settings of the CAM reference's training."""

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from ganloc.errors import UserError
from ganloc.recipes import recipe_from

MOMENTUM = 0.9
STEPS = 4  # learning rates in a training, each a tenth of the one before


@dataclass(frozen=True)
class ReferenceRecipe:
    """The settings of a training. The defaults are the paper's (section CAM).

    Images are always translated and mirrored at random (`moved_and_mirrored`), which is our choice.

    Attributes:
        size: side of the images in pixels, a multiple of 8.
        width: channels of the network's stem.
        batch: images a step.
        iterations: training steps.
        rate: learning rate of the first quarter. It is divided by 10 after each quarter.
        weight_decay: of every parameter.
        seed: random seed of weights, batches and augmentation.
    """

    size: int = 64
    width: int = 64
    batch: int = 256
    iterations: int = 100_000
    rate: float = 0.1
    weight_decay: float = 1e-4
    seed: int = 0

    def __post_init__(self) -> None:
        if self.size < 8 or self.size % 8:
            raise UserError(f"A size of {self.size} pixels is not possible: choose 32, 64 or 128.")
        for name in ("width", "batch", "iterations"):
            if getattr(self, name) < 1:
                raise UserError(f"The reference's {name} must be at least 1.")
        if not 0.0 < self.rate < math.inf:
            raise UserError("The reference's rate must be above 0, and finite.")
        if not 0.0 <= self.weight_decay < math.inf:
            raise UserError("The reference's weight_decay must be at least 0, and finite.")
        if not 0 <= self.seed < 2**63:
            raise UserError("The reference's seed must be at least 0 and below 2**63.")

    def rate_at(self, iteration: int) -> float:
        """The learning rate after `iteration` steps.

        >>> [round(ReferenceRecipe(iterations=100).rate_at(i), 6) for i in (0, 24, 25, 99)]
        [0.1, 0.1, 0.01, 0.0001]
        """
        return self.rate / 10 ** (STEPS * iteration // self.iterations)

    def to_json(self) -> str:
        """The recipe as a JSON object, one key a setting."""
        return json.dumps(asdict(self))

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "ReferenceRecipe":
        """The recipe that `to_json` wrote. Raises a UserError for an unknown or invalid setting."""
        return recipe_from(cls, values)


REFERENCE_PRESETS: dict[str, ReferenceRecipe] = {
    "paper": ReferenceRecipe(),
    "laptop": ReferenceRecipe(width=8, batch=64, iterations=1_400),
}
