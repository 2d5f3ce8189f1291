"""The losses of the paper, on logits.

D(x) = σ(logit), and −log σ(t) = softplus(−t), so nothing is ever passed through a sigmoid and a
logarithm: extreme logits stay finite.
"""

from torch import Tensor
from torch.nn.functional import softplus

from ganloc.shapes import Float


def discriminator_loss(
    real: Float[Tensor, " batch"], fake: Float[Tensor, " batch"]
) -> Float[Tensor, ""]:
    """Eq. 1: −E log D(x) − E log(1 − D(G(z)))."""
    return softplus(-real).mean() + softplus(fake).mean()


def generator_loss(fake: Float[Tensor, " batch"]) -> Float[Tensor, ""]:
    """Eq. 3, non-saturating: −E log D(G(z))."""
    return softplus(-fake).mean()
