"""The losses of the paper, on logits; a row of `VARIANTS` names one of each table.

D(x) = σ(logit), −log σ(t) = softplus(−t) and −log(1 − σ(t)) = softplus(t), so nothing is ever
passed through a sigmoid and a logarithm: extreme logits stay finite. A Wasserstein critic's score
is the logit itself. All are to be minimised.
"""

from collections.abc import Callable

from torch import Tensor
from torch.nn.functional import softplus

from ganloc.shapes import Float


def cross_entropy(
    real: Float[Tensor, " batch"], fake: Float[Tensor, " batch"]
) -> Float[Tensor, ""]:
    """Eq. 1, discriminator: −E log D(x) − E log(1 − D(G(z)))."""
    return softplus(-real).mean() + softplus(fake).mean()


def minimax(fake: Float[Tensor, " batch"]) -> Float[Tensor, ""]:
    """Eq. 2, generator of the original GAN: E log(1 − D(G(z)))."""
    return -softplus(fake).mean()


def non_saturating(fake: Float[Tensor, " batch"]) -> Float[Tensor, ""]:
    """Eq. 3, generator: −E log D(G(z))."""
    return softplus(-fake).mean()


def wasserstein_critic(
    real: Float[Tensor, " batch"], fake: Float[Tensor, " batch"]
) -> Float[Tensor, ""]:
    """Eq. 4, critic: E D(G(z)) − E D(x). (The paper prints the opposite sign.)"""
    return fake.mean() - real.mean()


def wasserstein_generator(fake: Float[Tensor, " batch"]) -> Float[Tensor, ""]:
    """Eq. 4, generator: −E D(G(z))."""
    return -fake.mean()


DISCRIMINATOR_LOSSES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "cross-entropy": cross_entropy,
    "wasserstein": wasserstein_critic,
}

GENERATOR_LOSSES: dict[str, Callable[[Tensor], Tensor]] = {
    "minimax": minimax,
    "non-saturating": non_saturating,
    "wasserstein": wasserstein_generator,
}
