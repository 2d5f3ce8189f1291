"""The two players, and everything else that a training step changes."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor
from torch.optim import Adam, Optimizer

from ganloc.discriminator.networks import Discriminator, Generator
from ganloc.errors import UserError
from ganloc.recipes import VARIANTS, Recipe
from ganloc.tensors import BROKEN, add_prefix, read_tensors, strip_prefix, write_tensors

BETA2 = 0.999


@dataclass
class TrainState:
    """Both networks, both optimisers, the random stream, and how many iterations are done.

    `random` is the only source of chance while training; the order of the images follows from
    the recipe's seed and the iteration.
    """

    generator: Generator
    discriminator: Discriminator
    generator_optimiser: Optimizer
    discriminator_optimiser: Optimizer
    random: torch.Generator
    iteration: int = 0

    @property
    def device(self) -> torch.device:
        """Where the networks are."""
        return self.random.device


def new_train_state(recipe: Recipe, device: torch.device) -> TrainState:
    """Fresh networks with weights drawn from the recipe's seed, the same on every device."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(recipe.seed)  # the CPU's alone
        generator = Generator(recipe.size, recipe.generator_width, recipe.latent).to(device)
        discriminator = new_discriminator(recipe).to(device)
    betas = (recipe.beta1, BETA2)
    return TrainState(
        generator,
        discriminator,
        Adam(generator.parameters(), recipe.generator_rate, betas),
        Adam(discriminator.parameters(), recipe.discriminator_rate, betas),
        torch.Generator(device).manual_seed(recipe.seed),
    )


def new_discriminator(recipe: Recipe) -> Discriminator:
    """A discriminator of the recipe's variant and widths, weights from torch's own stream."""
    variant = VARIANTS[recipe.variant]
    return Discriminator(
        recipe.size,
        recipe.discriminator_width,
        variant.norm,
        variant.spectral,
        border_heads=recipe.border_weight > 0.0,
    )


def save_train_state(
    state: TrainState, path: Path, others: Mapping[str, Tensor] | None = None
) -> None:
    """Write all of `state` to one safetensors file, whole or not at all.

    `others` go into the same file, under names that no tensor of a game has.
    """
    tensors: dict[str, Tensor] = {"random": state.random.get_state(), **(others or {})}
    for part in ("generator", "discriminator"):
        tensors |= add_prefix(f"{part}/", getattr(state, part).state_dict())
        optimiser = getattr(state, f"{part}_optimiser")
        for index, own in optimiser.state_dict()["state"].items():
            tensors |= add_prefix(f"{part}_optimiser/{index}/", own)
    write_tensors(path, tensors, {"iteration": str(state.iteration), "device": state.device.type})


def load_train_state(path: Path, recipe: Recipe, device: torch.device) -> TrainState:
    """The game as `save_game` left it.

    Raises:
        UserError: the file is missing or broken, or its networks are not the recipe's.
    """
    state = new_train_state(recipe, device)
    try:
        tensors, metadata = read_tensors(path)
        if metadata.get("device", device.type) != device.type:
            raise UserError(
                f"{path} was trained on {metadata['device']} and its random stream belongs there: "
                f"go on with --device {metadata['device']}."
            )
        state.iteration = int(metadata["iteration"])
        for part in ("generator", "discriminator"):
            getattr(state, part).load_state_dict(strip_prefix(f"{part}/", tensors))
            optimiser = getattr(state, f"{part}_optimiser")
            _load_optimiser(optimiser, strip_prefix(f"{part}_optimiser/", tensors))
        state.random.set_state(tensors["random"])
    except BROKEN as error:
        raise UserError(
            f"Cannot go on from {path} ({type(error).__name__}): it is missing, broken or belongs "
            "to another recipe; train again into a new folder."
        ) from error
    return state


def load_generator(path: Path, recipe: Recipe) -> Generator:
    """The generator that `save_game` wrote, on the CPU wherever it was trained, to draw samples.

    Raises:
        UserError: the file is missing or broken, or its generator is not the recipe's.
    """
    generator = Generator(recipe.size, recipe.generator_width, recipe.latent)
    try:
        generator.load_state_dict(strip_prefix("generator/", read_tensors(path)[0]))
    except BROKEN as error:
        raise UserError(
            f"There is no whole generator of this recipe in {path} ({type(error).__name__}): "
            "train again."
        ) from error
    return generator


def _load_optimiser(optimiser: Optimizer, tensors: dict[str, Tensor]) -> None:
    restored: dict[int, dict[str, Tensor]] = {}
    for name, tensor in tensors.items():
        index, key = name.split("/")
        restored.setdefault(int(index), {})[key] = tensor
    optimiser.load_state_dict({**optimiser.state_dict(), "state": restored})
