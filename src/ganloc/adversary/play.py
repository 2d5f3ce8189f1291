"""The adversarial game, top to bottom."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ganloc.adversary.batches import batch_indices, to_tensor
from ganloc.adversary.game import Game
from ganloc.adversary.losses import discriminator_loss, generator_loss
from ganloc.adversary.networks import draw_z
from ganloc.recipes import Recipe
from ganloc.shapes import Float, UInt8


@dataclass(frozen=True)
class Losses:
    """What one iteration measured, as tensors still on the device (reading one waits for it).

    Attributes:
        discriminator: Eq. 1 before the discriminator's update; 2 ln 2 = 1.386 is chance.
        generator: Eq. 3 before the generator's update.
        real: mean of D(x), the probability given to real pictures.
        fake: mean of D(G(z)).
    """

    discriminator: Float[Tensor, ""]
    generator: Float[Tensor, ""]
    real: Float[Tensor, ""]
    fake: Float[Tensor, ""]


def play(
    game: Game, pixels: UInt8[np.ndarray, "n size size 3"], recipe: Recipe
) -> Iterator[Losses]:
    """Train both networks until `recipe.iterations`, yielding after every iteration.

    Between two yields `game` may be saved; a game that is loaded and played on gives, on a CPU,
    bit for bit the weights of one that was never stopped.
    """
    generator, discriminator = game.generator.train(), game.discriminator.train()
    while game.iteration < recipe.iterations:
        # The discriminator: real pictures up, generated ones down (Eq. 1). Batch norm sees the
        # two separately.
        real_pictures = draw_real(game, pixels, recipe)
        with torch.no_grad():
            fake_pictures = generator(draw_z(recipe.batch, recipe.latent, game.random))
        real = recipe.logit_scale * discriminator(real_pictures)
        fake = recipe.logit_scale * discriminator(fake_pictures)
        loss = discriminator_loss(real, fake)
        game.discriminator_optimiser.zero_grad()
        loss.backward()
        game.discriminator_optimiser.step()

        # The generator: a fresh z, and its pictures taken for real (Eq. 3).
        discriminator.requires_grad_(False)
        z = draw_z(recipe.batch, recipe.latent, game.random)
        loss_generator = generator_loss(recipe.logit_scale * discriminator(generator(z)))
        game.generator_optimiser.zero_grad()
        loss_generator.backward()
        game.generator_optimiser.step()
        discriminator.requires_grad_(True)

        game.iteration += 1
        yield Losses(
            loss.detach(),
            loss_generator.detach(),
            real.detach().sigmoid().mean(),
            fake.detach().sigmoid().mean(),
        )


def draw_real(
    game: Game, pixels: UInt8[np.ndarray, "n size size 3"], recipe: Recipe
) -> Float[Tensor, "batch 3 size size"]:
    """The real pictures of the next iteration, mirrored at random where the recipe says so."""
    chosen = batch_indices(len(pixels), recipe.batch, recipe.seed, game.iteration)
    pictures = to_tensor(pixels[chosen], game.device)
    if recipe.mirror:
        flip = torch.rand(recipe.batch, generator=game.random, device=game.device) < 0.5
        pictures = torch.where(flip[:, None, None, None], pictures.flip(3), pictures)
    return pictures
