import pytest
import torch

from ganloc.student.optimise import optimise


def test_steps_are_adam_s_with_weight_decay_on_a_one_cycle_schedule():
    network = torch.nn.Linear(1, 1, bias=False)
    network.weight.data.fill_(1.0)
    steps, modes = [], []

    def loss_of(step):
        steps.append(step)
        modes.append(network.training)
        return network.weight.square().sum()

    network.eval()
    losses = list(optimise(network, 10, 0.25, loss_of))
    # The cycle starts at a 25th of the peak. Adam's first step is as long as the rate, 0.01, and
    # weight decay takes a hundredth of the rate, 0.0001, from a weight of 1.
    assert losses[:2] == pytest.approx([1.0, (1.0 - 0.01 - 0.0001) ** 2], rel=1e-5)
    assert steps == list(range(10))
    assert modes == [True] * 10
    assert not network.training
