"""Budgets of the paper's tables and figures: methods, widths and lengths of the trainings."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from ganloc.errors import UserError
from ganloc.paper.cam_recipe import REFERENCE_PRESETS, ReferenceRecipe
from ganloc.recipes import VARIANTS, Recipe, make_recipe

AUGMENTED = "+aug"  # ends the name of a method with augmentation
CAM = "cam"  # the supervised reference

METHODS: dict[str, tuple[str, ...]] = {
    "table3": ("dcgan", "dcgan+aug", "sn-dcgan", "sn-dcgan+aug", CAM),
    "variants": ("dcgan", "sn-dcgan", "dragan", "wgan-gp", "sn-wgan-gp"),
    "figures": ("sn-dcgan", "dragan", "sn-wgan-gp"),  # 1 and 2; 3 and 4 share table 3's
}


@dataclass(frozen=True)
class Budget:
    """The cost of one table.

    Attributes:
        preset: of the GANs, and of the CAM reference.
        settings: changes of the GANs' preset.
        reference: changes of the reference's preset.
        milestones: number of checkpoints that are evaluated, including the last.
        seeds: random seeds. Each cell is trained once for each.
        samplings: number of samplings of MS-SSIM.
        pairs: pairs of images in a sampling.
    """

    preset: str
    settings: Mapping[str, int] = field(default_factory=dict)
    reference: Mapping[str, int] = field(default_factory=dict)
    milestones: int = 1
    seeds: tuple[int, ...] = (0,)
    samplings: int = 5
    pairs: int = 200

    def recipe(self, method: str, seed: int) -> Recipe:
        """The recipe of a GAN's cell."""
        variant, augment = method.removesuffix(AUGMENTED), method.endswith(AUGMENTED)
        recipe = make_recipe(self.preset, variant=variant, **self.settings)
        return replace(recipe, augment=augment, seed=seed)

    def reference_recipe(self, seed: int) -> ReferenceRecipe:
        """The recipe of the CAM reference."""
        return replace(REFERENCE_PRESETS[self.preset], **self.reference, seed=seed)

    def settings_of(self, method: str, seed: int) -> dict[str, Any] | None:
        """All settings of a method's recipe; None for a method that is not trained."""
        if method == CAM:
            return asdict(self.reference_recipe(seed))
        variant = method.removesuffix(AUGMENTED)
        return asdict(self.recipe(method, seed)) if variant in VARIANTS else None

    def made(self, method: str, seed: int, recipe: dict[str, Any] | None) -> bool:
        """Whether a row was made by the method's recipe.

        A setting that the row's recipe lacks has its default value: the row is older than the
        setting.
        """
        settings = self.settings_of(method, seed)
        if settings is None or recipe is None:
            return settings == recipe
        defaults = asdict(ReferenceRecipe() if method == CAM else Recipe())
        return defaults | recipe == settings

    @property
    def size(self) -> int:
        """Side of the images, in pixels."""
        return make_recipe(self.preset, **self.settings).size

    def kept(self, iterations: int) -> list[int]:
        """The iterations whose models are evaluated. The last one is `iterations`."""
        steps = range(1, self.milestones + 1)
        return sorted({max(1, iterations * step // self.milestones) for step in steps})


_SMOKE = Budget(
    "laptop",
    {
        "size": 32,
        "generator_width": 2,
        "discriminator_width": 2,
        "latent": 8,
        "batch": 8,
        "iterations": 4,
    },
    {"size": 32, "width": 2, "batch": 8, "iterations": 4},
    milestones=2,
    samplings=2,
    pairs=10,
)
_THIN = {"size": 32, "generator_width": 8, "discriminator_width": 8}
BUDGETS: dict[str, dict[str, Budget]] = {
    "table3": {
        "smoke": _SMOKE,
        "quick": Budget(
            "laptop", {"iterations": 1000}, {"size": 32, "iterations": 3000}, milestones=5
        ),
        "paper": Budget("paper", milestones=25),
    },
    "variants": {
        "smoke": _SMOKE,
        "quick": Budget("laptop", {**_THIN, "iterations": 400}, milestones=4),
        "paper": Budget("paper", milestones=25, seeds=(0, 1, 2)),
    },
    "figures": {
        "smoke": _SMOKE,
        "quick": Budget("laptop", {**_THIN, "iterations": 1000}),
        "paper": Budget("paper", {"size": 32}),
    },
}


def budget_of(table: str, name: str) -> Budget:
    """A row of `BUDGETS`. Raises a UserError if it does not exist."""
    if name not in BUDGETS[table]:
        raise UserError(f"There is no budget {name!r}: choose one of {', '.join(BUDGETS[table])}.")
    return BUDGETS[table][name]


def methods_of(table: str, wanted: Sequence[str]) -> tuple[str, ...]:
    """The wanted methods of a table, or all. Raises a UserError if one is not in the table."""
    for method in wanted:
        if method not in METHODS[table]:
            raise UserError(
                f"{table} has no method {method!r}: choose from {', '.join(METHODS[table])}."
            )
    return tuple(wanted) or METHODS[table]
