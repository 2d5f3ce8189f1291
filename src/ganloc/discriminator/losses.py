"""GAN losses of the paper (arXiv 1806.00236), all to be minimised.

The inputs are logits, one an image, and each loss is one number. D(x) = σ(logit). The identities
−log σ(t) = softplus(−t) and −log(1 − σ(t)) = softplus(t) keep losses of extreme logits finite. The
output of a Wasserstein critic is the logit itself. `VARIANTS` (recipes.py) names the losses of each
GAN by their keys in the tables below.
"""

from collections.abc import Callable

from torch import Tensor
from torch.nn.functional import softplus

from ganloc.shapes import Float


def cross_entropy(
    real: Float[Tensor, " batch"], fake: Float[Tensor, " batch"]
) -> Float[Tensor, ""]:
    """Eq. 1, discriminator: −E log D(x) − E log(1 − D(G(z))). 2 ln 2 is chance.

    >>> import torch
    >>> cross_entropy(torch.zeros(4), torch.zeros(4))
    tensor(1.3863)
    """
    return softplus(-real).mean() + softplus(fake).mean()


def minimax(fake: Float[Tensor, " batch"]) -> Float[Tensor, ""]:
    """Eq. 2, generator of the original GAN: E log(1 − D(G(z))). −ln 2 is chance.

    >>> import torch
    >>> minimax(torch.zeros(4))
    tensor(-0.6931)
    """
    return -softplus(fake).mean()


def non_saturating(fake: Float[Tensor, " batch"]) -> Float[Tensor, ""]:
    """Eq. 3, generator: −E log D(G(z)). ln 2 is chance.

    >>> import torch
    >>> non_saturating(torch.zeros(4))
    tensor(0.6931)
    """
    return softplus(-fake).mean()


def wasserstein_critic(
    real: Float[Tensor, " batch"], fake: Float[Tensor, " batch"]
) -> Float[Tensor, ""]:
    """Eq. 4, critic: E D(G(z)) − E D(x). The paper prints the opposite sign.

    >>> import torch
    >>> wasserstein_critic(torch.tensor([1.0, 3.0]), torch.tensor([0.0, 1.0]))
    tensor(-1.5000)
    """
    return fake.mean() - real.mean()


def wasserstein_generator(fake: Float[Tensor, " batch"]) -> Float[Tensor, ""]:
    """Eq. 4, generator: −E D(G(z)).

    >>> import torch
    >>> wasserstein_generator(torch.tensor([1.0, 3.0]))
    tensor(-2.)
    """
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
