"""Variants, presets and what a run is made of, as data: the paper's settings in one table."""

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ganloc.errors import UserError

SIZES = (32, 64, 128)  # that Table 1, read for 64, has a network for


@dataclass(frozen=True)
class Variant:
    """One row of the paper's table of GANs.

    Attributes:
        norm: normalisation after each of the discriminator's convolutions: "batch" or "none".
        spectral: spectral norm on the discriminator's convolutions and linear unit.
    """

    norm: str
    spectral: bool


VARIANTS: dict[str, Variant] = {
    "dcgan": Variant(norm="batch", spectral=False),
    "sn-dcgan": Variant(norm="none", spectral=True),
}


@dataclass(frozen=True)
class Recipe:
    """Every choice that training depends on; the defaults are the paper's (section Training).

    Attributes:
        variant: a row of `VARIANTS`.
        size: side in pixels to which pictures are squeezed: 32, 64 or 128.
        generator_width: channels per step of the generator's ladder (Table 1: 64).
        discriminator_width: channels of the discriminator's first convolution (Table 1: 64).
        latent: length of z.
        batch: pictures a step.
        iterations: generator updates.
        generator_rate: Adam's learning rate for the generator.
        discriminator_rate: Adam's learning rate for the discriminator.
        beta1: Adam's β₁ of both; β₂ is 0.999.
        logit_scale: the discriminator's output is multiplied by it in the losses. Spectral norm
            bounds the logit, and thin networks then hardly leave chance; the heatmap is unaffected.
        mirror: show each real picture mirrored half of the time.
        seed: of weights, z and the order of the pictures.
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
    mirror: bool = False
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
        for name in ("generator_width", "discriminator_width", "latent", "batch", "iterations"):
            if getattr(self, name) < 1:
                raise UserError(f"--{name.replace('_', '-')} must be at least 1.")
        for name in ("generator_rate", "discriminator_rate", "logit_scale"):
            if not getattr(self, name) > 0.0:
                raise UserError(f"--{name.replace('_', '-')} must be above 0.")
        if not 0 <= self.seed < 2**63:
            raise UserError("--seed must be at least 0 and below 2**63.")
        if not 0.0 <= self.beta1 < 1.0:
            raise UserError("--beta1 must be at least 0 and below 1.")

    def to_json(self) -> str:
        """The recipe as a JSON object, one key a setting."""
        return json.dumps(dataclasses.asdict(self))

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Recipe":
        """The recipe that `to_json` wrote; an unknown or ill-typed setting is a UserError."""
        try:
            return cls(**values)
        except TypeError as error:
            raise UserError(
                f"This recipe was written by another version of ganloc ({error}): train again."
            ) from error


PRESETS: dict[str, Recipe] = {
    "paper": Recipe(),
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
}


def make_recipe(preset: str, **overrides: Any) -> Recipe:
    """A preset with some settings replaced; overrides that are None are left out.

    Raises:
        UserError: no such preset, or a setting out of range.
    """
    if preset not in PRESETS:
        raise UserError(f"There is no preset {preset!r}: choose one of {', '.join(PRESETS)}.")
    given = {name: value for name, value in overrides.items() if value is not None}
    known = [field.name for field in dataclasses.fields(Recipe)]
    for name in given:
        if name not in known:
            raise UserError(f"There is no setting {name!r}: choose from {', '.join(known)}.")
    return dataclasses.replace(PRESETS[preset], **given)
