"""The optimisation of a student: AdamW on a one-cycle schedule."""

from collections.abc import Callable, Generator
from contextlib import closing

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


class CountedSteps:
    """Counts training steps over several students.

    Args:
        after_step: called after every step with the number of steps and the loss.
    """

    def __init__(self, after_step: Callable[[int, float], None]):
        self.done, self.after_step = 0, after_step

    def run(self, training: Generator[float]) -> None:
        """Run a training, which yields its losses, to its end."""
        with closing(training) as losses:
            for loss in losses:
                self.done += 1
                self.after_step(self.done, loss)
