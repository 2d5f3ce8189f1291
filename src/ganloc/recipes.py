"""Tables of data: the GANs (variants), the settings of a training (recipe) and the presets."""

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ganloc.errors import UserError
from ganloc.settings import check_settings, recipe_from, setting
from ganloc.wording import listed, option, shown

SIZES = (32, 64, 128, 256)  # Table 1 is for 64; networks.py extends it
PSEUDO_BOXES = ("both", "discriminator", "colour")  # sources of pseudo-boxes


@dataclass(frozen=True)
class Variant:
    """One row of the paper's table of GANs.

    Attributes:
        discriminator_loss: "cross-entropy" (Eq. 1) or "wasserstein" (Eq. 4).
        generator_loss: "minimax" (Eq. 2), "non-saturating" (Eq. 3) or "wasserstein" (Eq. 4).
        norm: normalisation after each of the discriminator's convolutions: "batch", "layer" or
            "none".
        spectral: spectral norm on the discriminator's convolutions and linear unit.
        penalty: gradient penalty (Eq. 5): "none", "wgan-gp" or "dragan".
        clip: limit of every weight of the discriminator; 0 for no clipping.
        n_critic: discriminator steps per generator step.
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
    """The settings of a training. The defaults are the paper's (section Training).

    Raises:
        UserError: a setting of the wrong type or out of its range, or settings that contradict
            each other.
    """

    variant: str = setting(
        "sn-dcgan",
        f"Which GAN, with a preset that trains one (laptop, paper): {listed(VARIANTS)}.",
        choices=VARIANTS,
    )
    size: int = setting(
        64, "Side in pixels to which images are resized: 32, 64, 128 or 256.", choices=SIZES
    )
    generator_width: int = setting(
        64, "Channels per step of the generator's ladder (Table 1).", at_least=1
    )
    discriminator_width: int = setting(
        64, "Channels of the discriminator's first convolution (Table 1).", at_least=1
    )
    latent: int = setting(128, "Length of the generator's random input z.", at_least=1)
    batch: int = setting(128, "Images in each training step.", at_least=1)
    iterations: int = setting(
        250_000,
        "Training steps of the discriminator (of a GAN: generator updates).",
        at_least=1,
    )
    generator_rate: float = setting(2e-4, "Adam's learning rate for the generator.", above=0)
    discriminator_rate: float = setting(
        2e-4, "Adam's learning rate for the discriminator.", above=0
    )
    beta1: float = setting(0.9, "Adam's β₁ of both; β₂ is 0.999.", at_least=0, below=1)
    # Spectral norm bounds the logit, and the loss of thin networks then hardly leaves chance. The
    # scale applies to every loss and penalty, also to Wasserstein losses. Heatmaps do not use it.
    logit_scale: float = setting(
        1.0, "Factor of the discriminator's output in the losses.", above=0
    )
    penalty_weight: float = setting(
        10.0,
        "Weight of the gradient penalty (Eq. 5; dragan, wgan-gp, sn-wgan-gp).",
        at_least=0,
    )
    adversarial_weight: float = setting(
        1.0,
        "Weight of the GAN's loss (Eq. 1 or 4) for the discriminator; 0 trains no generator.",
        at_least=0,
    )
    border_weight: float = setting(
        0.0,
        "Weight of the border pretext task: to classify patches as border or inside.",
        at_least=0,
    )
    # "gaussian" is published, "uniform-scaled" is that of the original code (penalties.py).
    dragan_noise: str = setting(
        "gaussian",
        "Noise around dragan's real images: gaussian or uniform-scaled.",
        choices=DRAGAN_NOISES,
    )
    mirror: bool = setting(False, "Mirror real images at random.")
    augment: bool = setting(
        False,
        "Change position, light and colours of real images at random (the paper's 'w/ Augment.').",
    )
    select: bool = setting(
        False, "Keep the best checkpoint by a label-free criterion, not the last one."
    )
    patience: int = setting(
        0,
        "End after so many checkpoints without a better one (0: never). It needs select.",
        at_least=0,
    )
    student_iterations: int = setting(
        0, "Training steps of each round of the student (0: no student).", at_least=0
    )
    student_rounds: int = setting(
        2,
        "Rounds of self-training: the first student learns the pseudo-boxes, each further student "
        "the boxes of the student before.",
        at_least=1,
    )
    student_width: int = setting(16, "Channels of the student's finest maps.", at_least=1)
    pseudo_boxes: str = setting(
        "both",
        "Source of the pseudo-boxes: discriminator, colour (contrast alone) or both.",
        choices=PSEUDO_BOXES,
    )
    several: bool = setting(
        False,
        "Learn to find any number of objects an image, from instances that colours tell apart.",
    )
    features: str = setting(
        "",
        "Pre-trained features that help to find the pseudo-boxes: the folder of a model of "
        "transformers, or its name on the Hugging Face hub.",
    )
    seed: int = setting(
        0, "Random seed of weights, z and the order of the images.", at_least=0, below=2**63
    )

    def __post_init__(self) -> None:
        check_settings(self)
        if self.adversarial_weight == self.border_weight == 0.0:
            raise UserError(
                f"With {option('adversarial_weight', 0)} and {option('border_weight', 0)} there is "
                "nothing to learn: raise one of them."
            )
        if self.several and not self.student_iterations:
            raise UserError(
                f"{option('several', True)} has no effect without a student: give "
                f"{option('student_iterations')} too, or leave it out."
            )
        if self.features and not self.student_iterations:
            raise UserError(
                f"{option('features')} has no effect without a student: give "
                f"{option('student_iterations')} too, or leave it out."
            )
        if self.features and self.pseudo_boxes == "colour":
            raise UserError(
                f"With {option('pseudo_boxes', 'colour')} only colours count: leave out "
                f"{option('features')}, or choose other pseudo-boxes."
            )
        if self.patience and not self.select:
            raise UserError(
                f"{option('patience')} needs {option('select', True)}: give both, or a patience "
                "of 0."
            )

    @property
    def summary(self) -> str:
        """What is trained, in words.

        >>> Recipe().summary
        'sn-dcgan'
        >>> PRESETS["default"].summary
        'the border pretext task, then a student'
        """
        tasks = {
            self.variant: self.adversarial_weight,
            "the border pretext task": self.border_weight,
        }
        names = " and ".join(name for name, weight in tasks.items() if weight)
        if self.features:
            names += f", pre-trained features of {self.features}"
        if not self.student_iterations:
            return names
        return f"{names}, then a " + ("finder of several objects" if self.several else "student")

    @property
    def steps(self) -> int:
        """Total number of training steps of the discriminator and of all students.

        >>> Recipe(iterations=100, student_rounds=2, student_iterations=50).steps
        200
        """
        return self.iterations + self.student_rounds * self.student_iterations

    def to_json(self) -> str:
        """The recipe as a JSON object, one key a setting."""
        return json.dumps(dataclasses.asdict(self))

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Recipe":
        """The recipe that `to_json` wrote. Raises a UserError for an unknown or invalid setting."""
        return recipe_from(cls, values)


PRESETS: dict[str, Recipe] = {
    # The best localization within minutes on the development sets (docs/log.md). It trains no GAN.
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
    """A preset with some settings replaced.

    Args:
        preset: a row of `PRESETS`.
        overrides: settings of `Recipe`.

    Raises:
        UserError: the preset or a setting is unknown, a setting is out of its range, or a variant
            is given for a preset that trains no GAN.

    >>> make_recipe("laptop", variant="dcgan", iterations=2000).summary
    'dcgan'
    """
    if not isinstance(preset, str) or preset not in PRESETS:
        raise UserError(f"There is no preset {shown(preset)}: choose {listed(PRESETS)}.")
    known = [field.name for field in dataclasses.fields(Recipe)]
    for name in overrides:
        if name not in known:
            raise UserError(f"There is no setting {name!r}: choose from {', '.join(known)}.")
    recipe = dataclasses.replace(PRESETS[preset], **overrides)
    for name in ("student_rounds", "student_width", "pseudo_boxes"):
        if name in overrides and recipe.student_iterations == 0:
            raise UserError(
                f"{option(name)} has no effect without a student: give "
                f"{option('student_iterations')} too, or leave it out."
            )
    if "variant" in overrides and recipe.adversarial_weight == 0.0:
        raise UserError(
            f"The preset {preset} trains no GAN, so there is no {recipe.variant}: give the preset "
            f"laptop or paper, or {option('adversarial_weight', 1)} too."
        )
    return recipe
