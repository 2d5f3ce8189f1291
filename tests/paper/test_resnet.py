"""The pre-activation ResNet-34: counted, shaped and ordered as published."""

import pytest
import torch
from torch import nn

from ganloc.paper.resnet import Block, ResNet

CLASSES = 28

# Convolutions of a width-64 ResNet-34: 7·7·3·64 in the stem, then 3·3·in·out twice a block, and a
# 1×1 projection where a stage begins with twice the channels of the one before.
STEM = 9_408
STAGE_1 = 6 * 36_864
STAGE_2 = 73_728 + 147_456 + 8_192 + 6 * 147_456
STAGE_3 = 294_912 + 589_824 + 32_768 + 10 * 589_824
STAGE_4 = 1_179_648 + 2_359_296 + 131_072 + 4 * 2_359_296
# A scale and a shift a channel before every 3×3 convolution, and before GAP.
NORMS = 6 * 128 + (128 + 7 * 256) + (256 + 11 * 512) + (512 + 5 * 1_024) + 1_024


def parameters(network):
    return sum(parameter.numel() for parameter in network.parameters())


def test_parameters_by_hand():
    linear = 512 * CLASSES + CLASSES
    by_hand = STEM + STAGE_1 + STAGE_2 + STAGE_3 + STAGE_4 + NORMS + linear
    assert by_hand == 21_297_244
    assert parameters(ResNet(CLASSES)) == by_hand


def test_parameters_by_the_published_post_activation_network():
    # torchvision's ResNet-34 for 1000 classes has 21,797,672. It has a batch norm after each of the
    # three projections, of 2·(128 + 256 + 512) in all; pre-activation has none there.
    assert parameters(ResNet(1000)) == 21_797_672 - 1_792


def test_layers():
    network = ResNet(CLASSES)
    weighted = [m for m in network.modules() if isinstance(m, nn.Conv2d | nn.Linear)]
    projections = [m for m in weighted if isinstance(m, nn.Conv2d) and m.kernel_size == (1, 1)]
    assert len(weighted) - len(projections) == 34
    assert [m.out_channels for m in projections] == [128, 256, 512]
    assert sum(isinstance(m, nn.BatchNorm2d) for m in network.modules()) == 33


@pytest.mark.parametrize(("size", "cells"), [(64, 8), (32, 4)])
def test_shapes(size, cells):
    network = ResNet(5, width=2)
    images = torch.randn(3, 3, size, size)
    assert network.feature_maps(images).shape == (3, 16, cells, cells)
    assert network(images).shape == (3, 5)


def test_the_logits_are_the_average_of_activated_maps():
    network = ResNet(5, width=2).eval()
    images = torch.randn(2, 3, 32, 32)
    before = []
    network.blocks.register_forward_hook(lambda *args: before.append(args[2].clone()))
    maps = network.feature_maps(images)
    norm = network.last_activation[0]
    assert isinstance(norm, nn.BatchNorm2d)
    # In evaluation a fresh batch norm divides by √(1 + ε) alone.
    torch.testing.assert_close(maps, (before[0] / (1 + norm.eps) ** 0.5).clamp(min=0))
    assert (before[0] < 0).any()
    logits = network.linear.weight @ maps.mean(dim=(2, 3))[..., None]
    torch.testing.assert_close(network(images), logits[..., 0] + network.linear.bias)


def test_a_block_activates_before_it_convolves_and_adds_x_untouched():
    block = Block(4, 4, stride=1).eval()
    nn.init.zeros_(block.residual[-1].weight)
    x = torch.randn(2, 4, 6, 6)
    assert torch.equal(block(x.clone()), x)  # an identity, negative values too
    block = Block(4, 4, stride=1).eval()
    negative = -torch.rand(2, 4, 6, 6)
    assert torch.equal(
        block(negative), negative
    )  # relu(norm(x)) is 0, and convolutions have no bias


def test_the_first_block_takes_maps_as_the_stem_activated_them():
    first = Block(4, 4, stride=1, first=True).eval()
    negative = -torch.rand(2, 4, 6, 6)
    assert not torch.equal(first(negative), negative)
    blocks = list(ResNet(5, width=2).blocks)
    assert [len(block.activation) for block in blocks] == [0] + [2] * 15


def test_a_projection_sees_the_activated_maps():
    block = Block(4, 8, stride=2).eval()
    negative = -torch.rand(2, 4, 6, 6)
    assert torch.equal(block(negative), torch.zeros(2, 8, 3, 3))
