"""What holds a discriminator's slope: Eq. 5 at the points of WGAN-GP or DRAGAN, weight clipping.

Each penalty is a pure function of the discriminator as the losses see it, the real and generated
images, the name of DRAGAN's noise and the game's random stream; a row of `VARIANTS` names it.
WGAN-GP: arXiv 1704.00028. DRAGAN: arXiv 1705.07215. Clipping, WGAN: arXiv 1701.07875.
"""

from collections.abc import Callable, Iterable

import torch
from torch import Tensor

from ganloc.shapes import Float

Critic = Callable[[Tensor], Tensor]


def gradient_penalty(
    critic: Critic, points: Float[Tensor, "batch channel height width"]
) -> Float[Tensor, ""]:
    """Eq. 5: E (‖∇D(x̄)‖₂ − 1)², the norm over all of C×H×W; differentiable in D's weights.

    Where D is flat the norm passes the subgradient 0 on, not a NaN. With batch norm in D, x̄ is a
    batch of its own, and ∇ is that of the sum of its logits.
    """
    points = points.detach().requires_grad_()
    (gradient,) = torch.autograd.grad(critic(points).sum(), points, create_graph=True)
    return (torch.linalg.vector_norm(gradient, dim=(1, 2, 3)) - 1.0).square().mean()


def between(
    real: Float[Tensor, "batch channel height width"],
    other: Float[Tensor, "batch channel height width"],
    random: torch.Generator,
) -> Float[Tensor, "batch channel height width"]:
    """x̄ = αx_real + (1 − α)x_gp, with one α ~ U[0, 1) an image."""
    shape = (len(real), 1, 1, 1)
    alpha = torch.rand(shape, generator=random, device=random.device, dtype=real.dtype)
    return alpha * real + (1.0 - alpha) * other


def gaussian(
    real: Float[Tensor, "batch channel height width"], random: torch.Generator
) -> Float[Tensor, "batch channel height width"]:
    """DRAGAN's noise as the paper says: N(0, (0.5·std(batch))²), std over the whole batch."""
    noise = torch.randn(real.shape, generator=random, device=random.device, dtype=real.dtype)
    return 0.5 * real.std(correction=0) * noise


def uniform_scaled(
    real: Float[Tensor, "batch channel height width"], random: torch.Generator
) -> Float[Tensor, "batch channel height width"]:
    """DRAGAN's noise as in its original code: 0.5·std(batch)·U[0, 1), brightening on average."""
    noise = torch.rand(real.shape, generator=random, device=random.device, dtype=real.dtype)
    return 0.5 * real.std(correction=0) * noise


NOISES: dict[str, Callable[[Tensor, torch.Generator], Tensor]] = {
    "gaussian": gaussian,
    "uniform-scaled": uniform_scaled,
}


def no_penalty(
    critic: Critic, real: Tensor, fake: Tensor, noise: str, random: torch.Generator
) -> Tensor:
    """0; draws nothing from `random`."""
    return real.new_zeros(())


def wgan_gp(
    critic: Critic, real: Tensor, fake: Tensor, noise: str, random: torch.Generator
) -> Tensor:
    """Eq. 5 between real and generated images: x_gp = G(z)."""
    return gradient_penalty(critic, between(real, fake, random))


def dragan(
    critic: Critic, real: Tensor, fake: Tensor, noise: str, random: torch.Generator
) -> Tensor:
    """Eq. 5 around the real images: x_gp = x_real + noise."""
    return gradient_penalty(critic, between(real, real + NOISES[noise](real, random), random))


PENALTIES: dict[str, Callable[[Critic, Tensor, Tensor, str, torch.Generator], Tensor]] = {
    "none": no_penalty,
    "wgan-gp": wgan_gp,
    "dragan": dragan,
}


@torch.no_grad()
def clip_weights(weights: Iterable[Tensor], limit: float) -> None:
    """WGAN's hold on the critic: every weight into [−limit, limit], in place."""
    for weight in weights:
        weight.clamp_(-limit, limit)
