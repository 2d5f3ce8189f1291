"""The adversarial game, top to bottom."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ganloc.adversary.batches import batch_indices, to_tensor
from ganloc.adversary.game import Game
from ganloc.adversary.losses import DISCRIMINATOR_LOSSES, GENERATOR_LOSSES
from ganloc.adversary.networks import draw_z
from ganloc.adversary.penalties import PENALTIES, Critic, clip_weights
from ganloc.images.augment import augment, colour_axes
from ganloc.recipes import VARIANTS, Recipe
from ganloc.shapes import Float, UInt8


@dataclass(frozen=True)
class Losses:
    """What one iteration measured, as tensors still on the device (reading one waits for it).

    Those of the discriminator are of its last step in the iteration.

    Attributes:
        discriminator: Eq. 1 or 4 before the discriminator's update; 2 ln 2 = 1.386 is chance in
            Eq. 1, and minus a Wasserstein critic's estimate of the distance is Eq. 4.
        generator: Eq. 2, 3 or 4 before the generator's update.
        real: mean of D(x), the probability given to real pictures; of a Wasserstein critic, whose
            score is no probability, the mean of σ(score) all the same.
        fake: mean of D(G(z)), likewise.
        penalty: Eq. 5 before its weight; 0 where the variant has none.
    """

    discriminator: Float[Tensor, ""]
    generator: Float[Tensor, ""]
    real: Float[Tensor, ""]
    fake: Float[Tensor, ""]
    penalty: Float[Tensor, ""]


def play(
    game: Game, pixels: UInt8[np.ndarray, "n size size 3"], recipe: Recipe
) -> Iterator[Losses]:
    """Train both networks until `recipe.iterations`, yielding after every iteration.

    Between two yields `game` may be saved; a game that is loaded and played on gives, on a CPU,
    bit for bit the weights of one that was never stopped.
    """
    game.generator.train()
    game.discriminator.train()
    n_critic = VARIANTS[recipe.variant].n_critic
    axes = colour_axes(pixels).to(game.device) if recipe.augment else None
    while game.iteration < recipe.iterations:
        steps = [discriminator_step(game, pixels, recipe, step, axes) for step in range(n_critic)]
        generator_loss = generator_step(game, recipe)
        game.iteration += 1
        yield Losses(generator=generator_loss, **steps[-1])


def discriminator_step(
    game: Game,
    pixels: UInt8[np.ndarray, "n size size 3"],
    recipe: Recipe,
    step: int,
    axes: Float[Tensor, "3 3"] | None = None,
) -> dict[str, Tensor]:
    """The discriminator: real pictures up, generated ones down (Eq. 1 or 4).

    Its slope is held near 1 (Eq. 5), or its weights are clipped, where the variant says so. Batch
    norm sees each batch separately.

    Returns:
        What was measured before the update, by the names of `Losses`.
    """
    variant, critic = VARIANTS[recipe.variant], _critic(game, recipe)
    real_pictures = draw_real(game, pixels, recipe, step, axes)
    with torch.no_grad():
        fake_pictures = game.generator(draw_z(recipe.batch, recipe.latent, game.random))
    real, fake = critic(real_pictures), critic(fake_pictures)
    loss = DISCRIMINATOR_LOSSES[variant.discriminator_loss](real, fake)
    penalty = PENALTIES[variant.penalty](
        critic, real_pictures, fake_pictures, recipe.dragan_noise, game.random
    )
    game.discriminator_optimiser.zero_grad()
    (loss + recipe.penalty_weight * penalty).backward()
    game.discriminator_optimiser.step()
    if variant.clip > 0.0:
        clip_weights(game.discriminator.parameters(), variant.clip)
    return {
        "discriminator": loss.detach(),
        "penalty": penalty.detach(),
        "real": real.detach().sigmoid().mean(),
        "fake": fake.detach().sigmoid().mean(),
    }


def generator_step(game: Game, recipe: Recipe) -> Float[Tensor, ""]:
    """The generator: a fresh z, and its pictures taken for real (Eq. 2, 3 or 4).

    Returns:
        Its loss before the update.
    """
    variant, critic = VARIANTS[recipe.variant], _critic(game, recipe)
    game.discriminator.requires_grad_(False)
    z = draw_z(recipe.batch, recipe.latent, game.random)
    loss = GENERATOR_LOSSES[variant.generator_loss](critic(game.generator(z)))
    game.generator_optimiser.zero_grad()
    loss.backward()
    game.generator_optimiser.step()
    game.discriminator.requires_grad_(True)
    return loss.detach()


def _critic(game: Game, recipe: Recipe) -> Critic:
    """The discriminator as every loss and penalty sees it."""
    return lambda pictures: recipe.logit_scale * game.discriminator(pictures)


def draw_real(
    game: Game,
    pixels: UInt8[np.ndarray, "n size size 3"],
    recipe: Recipe,
    step: int = 0,
    axes: Float[Tensor, "3 3"] | None = None,
) -> Float[Tensor, "batch 3 size size"]:
    """The real pictures of the next iteration's discriminator step `step`.

    Which ones is a function of the iteration and the step alone; they are mirrored and changed at
    random where the recipe says so. `axes` are `colour_axes` of the pixels, where they are at hand.
    """
    number = game.iteration * VARIANTS[recipe.variant].n_critic + step
    chosen = batch_indices(len(pixels), recipe.batch, recipe.seed, number)
    pictures = to_tensor(pixels[chosen], game.device)
    if recipe.mirror:
        flip = torch.rand(recipe.batch, generator=game.random, device=game.device) < 0.5
        pictures = torch.where(flip[:, None, None, None], pictures.flip(3), pictures)
    if recipe.augment:
        axes = colour_axes(pixels).to(game.device) if axes is None else axes
        pictures = augment(pictures, axes, game.random)
    return pictures
