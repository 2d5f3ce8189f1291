"""The optimisation of a student: AdamW on a one-cycle schedule."""

from collections.abc import Callable, Generator

from torch import Tensor, nn
from torch.optim import AdamW
from torch.optim.lr_scheduler import OneCycleLR

from ganloc.shapes import Float

DECAY = 0.01  # weight decay


def optimise(
    network: nn.Module, iterations: int, rate: float, loss_of: Callable[[int], Float[Tensor, ""]]
) -> Generator[float]:
    """Minimise a loss, yielding its value at every step.

    Args:
        network: changed in place. It is in evaluation mode at the end.
        iterations: training steps, at least 1.
        rate: peak learning rate.
        loss_of: the loss of a step, counted from 0.
    """
    optimiser = AdamW(network.parameters(), rate, weight_decay=DECAY)
    schedule = OneCycleLR(optimiser, rate, total_steps=iterations)
    network.train()
    for step in range(iterations):
        loss = loss_of(step)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
        yield loss.item()
    network.eval()
