"""Variants, presets and what a run is made of, as data: the paper's settings in one table."""

import dataclasses
import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from ganloc.errors import UserError

R = TypeVar("R")

SIZES = (32, 64, 128, 256)  # that Table 1, read for 64, has a network for
FIRST_BOXES = ("both", "discriminator", "colour")  # what a student may first learn from


@dataclass(frozen=True)
class Variant:
    """One row of the paper's table of GANs.

    Attributes:
        discriminator_loss: "cross-entropy" (Eq. 1) or "wasserstein" (Eq. 4).
        generator_loss: "minimax" (Eq. 2), "non-saturating" (Eq. 3) or "wasserstein" (Eq. 4).
        norm: normalisation after each of the discriminator's convolutions: "batch", "layer" or
            "none".
        spectral: spectral norm on the discriminator's convolutions and linear unit.
        penalty: on the discriminator's slope: "none", "wgan-gp" or "dragan" (Eq. 5).
        clip: every weight of the discriminator is kept within ± this; 0 for no clipping.
        n_critic: discriminator steps a generator step.
    """

    discriminator_loss: str
    generator_loss: str
    norm: str
    spectral: bool = False
    penalty: str = "none"
    clip: float = 0.0
    n_critic: int = 1


VARIANTS: dict[str, Variant] = {
    "gan": Variant("cross-entropy", "minimax", norm="batch"),
    "dcgan": Variant("cross-entropy", "non-saturating", norm="batch"),
    "sn-dcgan": Variant("cross-entropy", "non-saturating", norm="none", spectral=True),
    "dragan": Variant("cross-entropy", "non-saturating", norm="batch", penalty="dragan"),
    "wgan": Variant("wasserstein", "wasserstein", norm="batch", clip=0.01, n_critic=5),
    "wgan-gp": Variant("wasserstein", "wasserstein", norm="layer", penalty="wgan-gp", n_critic=5),
    "sn-wgan-gp": Variant(
        "wasserstein", "wasserstein", norm="layer", spectral=True, penalty="wgan-gp", n_critic=5
    ),
}

DRAGAN_NOISES = ("gaussian", "uniform-scaled")


@dataclass(frozen=True)
class Recipe:
    """Every choice that training depends on; the defaults are the paper's (section Training).

    Attributes:
        variant: a row of `VARIANTS`.
        size: side in pixels to which images are squeezed: 32, 64, 128 or 256.
        generator_width: channels per step of the generator's ladder (Table 1: 64).
        discriminator_width: channels of the discriminator's first convolution (Table 1: 64).
        latent: length of z.
        batch: images a step.
        iterations: generator updates.
        generator_rate: Adam's learning rate for the generator.
        discriminator_rate: Adam's learning rate for the discriminator.
        beta1: Adam's β₁ of both; β₂ is 0.999.
        logit_scale: the discriminator's output is multiplied by it in every loss and penalty, the
            Wasserstein ones too. Spectral norm bounds the logit, and thin networks then hardly
            leave chance; the heatmap is unaffected.
        penalty_weight: of Eq. 5 in the discriminator's loss, where the variant has a penalty.
        adversarial_weight: of Eq. 1 or 4 in the discriminator's loss; at 0 no generator is trained.
        border_weight: of the border pretext task (discriminator/border_pretext.py) in the discriminator's loss.
        dragan_noise: around DRAGAN's real images: "gaussian" (standard deviation half of the
            batch's) or "uniform-scaled" (the original code's, half of it times U[0, 1)).
        mirror: show each real image mirrored half of the time.
        augment: move and recolour real images at random ("w/ Augment."; see images/augment.py).
        select: keep the checkpoint that the label-free rule of checkpoints/choose.py prefers, not the
            last one.
        patience: training ends when so many checkpoints in a row brought nothing better; 0: never.
        student_iterations: of each round of the student that learns from the boxes found so far
            (student/); 0 for no student.
        student_rounds: of self-training: the first learns from the seeds, each further one, anew,
            from the boxes of the one before.
        student_width: channels of the student's finest maps.
        pseudo_boxes: what the seeds are found by (student/pseudo_boxes.py): "both", the "discriminator"
            alone, or "colour" contrast alone.
        seed: of weights, z and the order of the images.
    """

    variant: str = "sn-dcgan"
    size: int = 64
    generator_width: int = 64
    discriminator_width: int = 64
    latent: int = 128
    batch: int = 128
    iterations: int = 250_000
    generator_rate: float = 2e-4
    discriminator_rate: float = 2e-4
    beta1: float = 0.9
    logit_scale: float = 1.0
    penalty_weight: float = 10.0
    adversarial_weight: float = 1.0
    border_weight: float = 0.0
    dragan_noise: str = "gaussian"
    mirror: bool = False
    augment: bool = False
    select: bool = False
    patience: int = 0
    student_iterations: int = 0
    student_rounds: int = 2
    student_width: int = 16
    pseudo_boxes: str = "both"
    seed: int = 0

    def __post_init__(self) -> None:
        if self.variant not in VARIANTS:
            raise UserError(
                f"There is no variant {self.variant!r}: choose one of {', '.join(VARIANTS)}."
            )
        if self.size not in SIZES:
            raise UserError(
                f"A size of {self.size} pixels is not possible: "
                f"choose --size {', '.join(map(str, SIZES[:-1]))} or {SIZES[-1]}."
            )
        for name in (
            "generator_width",
            "discriminator_width",
            "latent",
            "batch",
            "iterations",
            "student_rounds",
            "student_width",
        ):
            if getattr(self, name) < 1:
                raise UserError(f"--{name.replace('_', '-')} must be at least 1.")
        if self.student_iterations < 0:
            raise UserError("--student-iterations must be at least 0 (no student).")
        if self.pseudo_boxes not in FIRST_BOXES:
            *others, last = FIRST_BOXES
            raise UserError(f"--pseudo-boxes must be {', '.join(others)} or {last}.")
        for name in ("generator_rate", "discriminator_rate", "logit_scale"):
            if not getattr(self, name) > 0.0:
                raise UserError(f"--{name.replace('_', '-')} must be above 0.")
        for name in ("penalty_weight", "adversarial_weight", "border_weight"):
            if not 0.0 <= getattr(self, name) < math.inf:
                raise UserError(f"--{name.replace('_', '-')} must be at least 0, and finite.")
        if self.adversarial_weight == self.border_weight == 0.0:
            raise UserError(
                "With --adversarial-weight 0 and --border-weight 0 there is nothing to learn: "
                "raise one of them."
            )
        if self.patience < 0:
            raise UserError("--patience must be at least 0.")
        if self.patience and not self.select:
            raise UserError("--patience needs --select True: give both, or a patience of 0.")
        if self.dragan_noise not in DRAGAN_NOISES:
            raise UserError(f"--dragan-noise must be {' or '.join(DRAGAN_NOISES)}.")
        if not 0 <= self.seed < 2**63:
            raise UserError("--seed must be at least 0 and below 2**63.")
        if not 0.0 <= self.beta1 < 1.0:
            raise UserError("--beta1 must be at least 0 and below 1.")

    @property
    def summary(self) -> str:
        """What the discriminator learns from, in words, and whether a student learns from it."""
        tasks = {
            self.variant: self.adversarial_weight,
            "the border pretext task": self.border_weight,
        }
        names = " and ".join(name for name, weight in tasks.items() if weight)
        return f"{names}, then a student" if self.student_iterations else names

    @property
    def steps(self) -> int:
        """Of training in all: the discriminator's iterations, then the student's."""
        return self.iterations + self.student_rounds * self.student_iterations

    def to_json(self) -> str:
        """The recipe as a JSON object, one key a setting."""
        return json.dumps(dataclasses.asdict(self))

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Recipe":
        """The recipe that `to_json` wrote; an unknown or ill-typed setting is a UserError."""
        return recipe_from(cls, values)


def recipe_from(kind: Callable[..., R], values: Mapping[str, Any]) -> R:
    """A recipe of this kind with these settings; a UserError where it has no such settings."""
    try:
        return kind(**values)
    except TypeError as error:
        raise UserError(
            f"This recipe was written by another version of ganloc ({error}): train again."
        ) from error


PRESETS: dict[str, Recipe] = {
    # What localizes best within minutes, by the development sets: no game at all (docs/log.md).
    "default": Recipe(
        variant="dcgan",
        generator_width=16,
        discriminator_width=16,
        batch=32,
        iterations=1_500,
        discriminator_rate=1e-3,
        beta1=0.5,
        adversarial_weight=0.0,
        border_weight=1.0,
        mirror=True,
        select=True,
        student_iterations=1_200,
    ),
    "laptop": Recipe(
        generator_width=16,
        discriminator_width=16,
        batch=32,
        iterations=10_000,
        discriminator_rate=4e-4,
        beta1=0.5,
        logit_scale=10.0,
        mirror=True,
    ),
    "paper": Recipe(),
}
DEFAULT_PRESET = "default"


def make_recipe(preset: str, **overrides: Any) -> Recipe:
    """A preset with some settings replaced; overrides that are None are left out.

    Raises:
        UserError: no such preset, a setting out of range, or a variant where no game is played.
    """
    if preset not in PRESETS:
        raise UserError(f"There is no preset {preset!r}: choose one of {', '.join(PRESETS)}.")
    given = {name: value for name, value in overrides.items() if value is not None}
    known = [field.name for field in dataclasses.fields(Recipe)]
    for name in given:
        if name not in known:
            raise UserError(f"There is no setting {name!r}: choose from {', '.join(known)}.")
    recipe = dataclasses.replace(PRESETS[preset], **given)
    if "variant" in given and recipe.adversarial_weight == 0.0:
        raise UserError(
            f"The preset {preset} plays no adversarial game, so there is no {recipe.variant}: "
            "give --preset laptop or paper, or --adversarial-weight 1 too."
        )
    return recipe
