"""The training loop of the discriminator: by a GAN loss, the border pretext task, or both."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ganloc.discriminator.border_pretext import border_pretext_loss
from ganloc.discriminator.losses import DISCRIMINATOR_LOSSES, GENERATOR_LOSSES
from ganloc.discriminator.networks import draw_z
from ganloc.discriminator.penalties import PENALTIES, Critic, clip_weights
from ganloc.discriminator.train_state import TrainState
from ganloc.images.augment import augment, colour_axes, recolour
from ganloc.images.batches import batch_indices, to_tensor
from ganloc.recipes import VARIANTS, Recipe
from ganloc.shapes import Float, UInt8


@dataclass(frozen=True)
class Losses:
    """The losses of one iteration, before its updates, as tensors on the device.

    The discriminator's are those of its last step in the iteration. All but `border` are 0 if no
    GAN is trained.

    Attributes:
        discriminator: Eq. 1 or 4. Chance is 2 ln 2 = 1.386 in Eq. 1. Eq. 4 is minus the estimated
            Wasserstein distance.
        generator: Eq. 2, 3 or 4.
        real: mean of D(x) = σ(logit) over real images. It is no probability for a Wasserstein
            critic.
        fake: mean of D(G(z)), likewise.
        penalty: Eq. 5, unweighted; 0 if the variant has no penalty.
        border: cross-entropy of the border pretext task, unweighted. Chance is ln 2 = 0.693. It is
            0 if the task is not trained.
    """

    discriminator: Float[Tensor, ""]
    generator: Float[Tensor, ""]
    real: Float[Tensor, ""]
    fake: Float[Tensor, ""]
    penalty: Float[Tensor, ""]
    border: Float[Tensor, ""]


def train_discriminator(
    state: TrainState, pixels: UInt8[np.ndarray, "n size size 3"], recipe: Recipe
) -> Iterator[Losses]:
    """Train until `recipe.iterations`, yielding after every iteration.

    The state may be saved between two yields. On a CPU, a resumed training gives bit for bit the
    weights of one that was never stopped.

    Args:
        state: changed in place. Its generator, if any, is trained too.
        pixels: RGB, 0–255.
        recipe: of the state.
    """
    state.discriminator.train()
    if state.generator is not None:
        state.generator.train()
    n_critic = VARIANTS[recipe.variant].n_critic
    axes = colour_axes(pixels).to(state.device)
    while state.iteration < recipe.iterations:
        steps = [discriminator_step(state, pixels, recipe, step, axes) for step in range(n_critic)]
        nothing = torch.zeros((), device=state.device)
        generator_loss = generator_step(state, recipe) if recipe.adversarial_weight else nothing
        state.iteration += 1
        yield Losses(generator=generator_loss, **steps[-1])


def discriminator_step(
    state: TrainState,
    pixels: UInt8[np.ndarray, "n size size 3"],
    recipe: Recipe,
    step: int,
    axes: Float[Tensor, "3 3"],
) -> dict[str, Tensor]:
    """One update of the discriminator: GAN loss (Eq. 1 or 4), border pretext task, or both.

    The variant may add a gradient penalty (Eq. 5) or clip the weights. Batch norm sees real and
    generated images in separate batches.

    Args:
        state: changed in place.
        pixels: RGB, 0–255.
        recipe: of the state.
        step: index of this step within the iteration, from 0 to `n_critic` − 1.
        axes: `colour_axes` of the pixels.

    Returns:
        The losses before the update, by their names in `Losses`.
    """
    images = draw_real(state, pixels, recipe, step)
    nothing = torch.zeros((), device=state.device)
    measured = dict.fromkeys(("discriminator", "penalty", "real", "fake", "border"), nothing)
    if recipe.adversarial_weight:
        shown = augment(images, axes, state.random) if recipe.augment else images
        measured |= _adversarial_losses(state, shown, recipe)
    if recipe.border_weight:
        shown = recolour(images, axes, state.random)
        measured["border"] = border_pretext_loss(state.discriminator, shown, state.random)
    adversarial = measured["discriminator"] + recipe.penalty_weight * measured["penalty"]
    loss = recipe.adversarial_weight * adversarial + recipe.border_weight * measured["border"]
    state.discriminator_optimiser.zero_grad()
    loss.backward()
    state.discriminator_optimiser.step()
    clip = VARIANTS[recipe.variant].clip
    if clip > 0.0:
        clip_weights(state.discriminator.parameters(), clip)
    return {name: value.detach() for name, value in measured.items()}


def _adversarial_losses(
    state: TrainState, real_images: Float[Tensor, "batch 3 size size"], recipe: Recipe
) -> dict[str, Tensor]:
    assert state.generator is not None
    variant, critic = VARIANTS[recipe.variant], _critic(state, recipe)
    with torch.no_grad():
        fake_images = state.generator(draw_z(recipe.batch, recipe.latent, state.random))
    real, fake = critic(real_images), critic(fake_images)
    return {
        "discriminator": DISCRIMINATOR_LOSSES[variant.discriminator_loss](real, fake),
        "penalty": PENALTIES[variant.penalty](
            critic, real_images, fake_images, recipe.dragan_noise, state.random
        ),
        "real": real.detach().sigmoid().mean(),
        "fake": fake.detach().sigmoid().mean(),
    }


def generator_step(state: TrainState, recipe: Recipe) -> Float[Tensor, ""]:
    """One update of the generator (Eq. 2, 3 or 4), on new z.

    Returns:
        The loss before the update.
    """
    assert state.generator is not None
    assert state.generator_optimiser is not None
    variant, critic = VARIANTS[recipe.variant], _critic(state, recipe)
    state.discriminator.requires_grad_(False)
    z = draw_z(recipe.batch, recipe.latent, state.random)
    loss = GENERATOR_LOSSES[variant.generator_loss](critic(state.generator(z)))
    state.generator_optimiser.zero_grad()
    loss.backward()
    state.generator_optimiser.step()
    state.discriminator.requires_grad_(True)
    return loss.detach()


def _critic(state: TrainState, recipe: Recipe) -> Critic:
    """The critic of losses and penalties: the discriminator times `logit_scale`."""
    return lambda images: recipe.logit_scale * state.discriminator(images)


def draw_real(
    state: TrainState, pixels: UInt8[np.ndarray, "n size size 3"], recipe: Recipe, step: int = 0
) -> Float[Tensor, "batch 3 size size"]:
    """The real images of discriminator step `step` of the next iteration.

    Their indices depend on the seed, the iteration and the step alone. The recipe may ask for
    random mirroring.
    """
    number = state.iteration * VARIANTS[recipe.variant].n_critic + step
    chosen = batch_indices(len(pixels), recipe.batch, recipe.seed, number)
    images = to_tensor(pixels[chosen], state.device)
    if recipe.mirror:
        flip = torch.rand(recipe.batch, generator=state.random, device=state.device) < 0.5
        images = torch.where(flip[:, None, None, None], images.flip(3), images)
    return images
