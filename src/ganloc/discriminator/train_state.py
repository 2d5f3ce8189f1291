"""The state of a discriminator's training: networks, optimisers, random generator, iteration."""

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import Module
from torch.optim import Adam, Optimizer

from ganloc.discriminator.networks import Discriminator, Generator
from ganloc.errors import UserError
from ganloc.recipes import VARIANTS, Recipe
from ganloc.tensors import (
    BROKEN,
    add_prefix,
    read_tensors,
    reason_of,
    seeded,
    strip_prefix,
    write_tensors,
)
from ganloc.wording import option

BETA2 = 0.999


@dataclass
class TrainState:
    """Everything that a training step changes.

    Attributes:
        discriminator: the network that becomes the heatmap.
        discriminator_optimiser: Adam on the discriminator's weights.
        generator: of the GAN; None if the recipe trains no GAN.
        generator_optimiser: Adam on the generator's weights; None without a generator.
        random: the only source of randomness, on the device of the networks. The order of the
            images depends on the recipe's seed and the iteration alone.
        iteration: iterations done so far.
    """

    discriminator: Discriminator
    discriminator_optimiser: Optimizer
    generator: Generator | None
    generator_optimiser: Optimizer | None
    random: torch.Generator
    iteration: int = 0

    @property
    def device(self) -> torch.device:
        """The device of the networks."""
        return self.random.device

    @property
    def parts(self) -> dict[str, Module | Optimizer]:
        """Networks and optimisers by name."""
        own = {
            "generator": self.generator,
            "discriminator": self.discriminator,
            "generator_optimiser": self.generator_optimiser,
            "discriminator_optimiser": self.discriminator_optimiser,
        }
        return {name: part for name, part in own.items() if part is not None}


def new_train_state(recipe: Recipe, device: torch.device) -> TrainState:
    """A state with random weights, drawn from the recipe's seed. They are equal on every device."""
    with seeded(recipe.seed):
        # Drawn even if no GAN is trained, so that a seed always gives the same discriminator.
        generator = Generator(recipe.size, recipe.generator_width, recipe.latent).to(device)
        discriminator = new_discriminator(recipe).to(device)
    betas, gan = (recipe.beta1, BETA2), recipe.adversarial_weight > 0.0
    return TrainState(
        discriminator,
        Adam(discriminator.parameters(), recipe.discriminator_rate, betas),
        generator if gan else None,
        Adam(generator.parameters(), recipe.generator_rate, betas) if gan else None,
        torch.Generator(device).manual_seed(recipe.seed),
    )


def new_discriminator(recipe: Recipe) -> Discriminator:
    """A discriminator of the recipe's variant and width, weights from torch's default generator."""
    variant = VARIANTS[recipe.variant]
    return Discriminator(
        recipe.size,
        recipe.discriminator_width,
        variant.norm,
        variant.spectral,
        border_heads=recipe.border_weight > 0.0,
    )


def save_train_state(state: TrainState, path: Path) -> None:
    """Write `state` to one safetensors file, atomically."""
    tensors = {"random": state.random.get_state()}
    for name, part in state.parts.items():
        if isinstance(part, Optimizer):
            for index, own in part.state_dict()["state"].items():
                tensors |= add_prefix(f"{name}/{index}/", own)
        else:
            tensors |= add_prefix(f"{name}/", part.state_dict())
    write_tensors(path, tensors, {"iteration": str(state.iteration), "device": state.device.type})


def load_train_state(path: Path, recipe: Recipe, device: torch.device) -> TrainState:
    """Load the state that `save_train_state` wrote.

    Raises:
        UserError: the file is missing, broken, from another kind of device, or of another recipe.
    """
    state = new_train_state(recipe, device)
    try:
        tensors, metadata = read_tensors(path)
        if metadata.get("device", device.type) != device.type:
            raise UserError(
                f"{path} was trained on {metadata['device']} and its random stream belongs there: "
                f"go on with {option('device', metadata['device'])}."
            )
        state.iteration = int(metadata["iteration"])
        for name, part in state.parts.items():
            own = strip_prefix(f"{name}/", tensors)
            if isinstance(part, Optimizer):
                _load_optimiser(part, own)
            else:
                part.load_state_dict(own)
        state.random.set_state(tensors["random"])
    except BROKEN as error:
        raise UserError(
            f"Cannot go on from {path} ({reason_of(error)}): it is missing, broken or belongs to "
            "another recipe; train again into a new folder."
        ) from error
    return state


def load_generator(path: Path, recipe: Recipe) -> Generator:
    """Load the generator of a saved state to the CPU, to draw samples.

    Raises:
        UserError: the file is missing, broken, or of another recipe.
    """
    generator = Generator(recipe.size, recipe.generator_width, recipe.latent)
    try:
        generator.load_state_dict(strip_prefix("generator/", read_tensors(path)[0]))
    except BROKEN as error:
        raise UserError(
            f"There is no whole generator of this recipe in {path} ({reason_of(error)}): "
            "train again."
        ) from error
    return generator


def _load_optimiser(optimiser: Optimizer, tensors: dict[str, Tensor]) -> None:
    restored: dict[int, dict[str, Tensor]] = {}
    for name, tensor in tensors.items():
        index, key = name.split("/")
        restored.setdefault(int(index), {})[key] = tensor
    optimiser.load_state_dict({**optimiser.state_dict(), "state": restored})
