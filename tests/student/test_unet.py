"""The student's shapes and parameters at every size."""

import pytest
import torch

from ganloc.student.unet import UNet


@pytest.mark.parametrize(
    ("size", "cells"),
    [(32, [16, 8, 4]), (64, [32, 16, 8, 4]), (256, [128, 64, 32, 16, 8, 4])],
)
def test_maps_are_halved_down_to_four_cells_and_brought_back_to_half_the_image(size, cells):
    student, seen = UNet(size, 2).eval(), []
    for block in student.down:
        block.register_forward_hook(lambda _module, _given, maps: seen.append(maps.shape[2]))
    assert student(torch.zeros(3, 3, size, size)).shape == (3, size // 2, size // 2)
    assert seen == cells


def test_parameters_are_those_of_its_convolutions():
    # 9 weights a pair of channels, and a scale and a shift a channel, at width 4 and 32 pixels:
    # down 3→4→4, 4→8→8, 8→16→16; up (16 + 8)→8, (8 + 4)→4; mask 4→1 with a bias.
    pairs = 3 * 4 + 4 * 4 + 4 * 8 + 8 * 8 + 8 * 16 + 16 * 16 + 24 * 8 + 12 * 4
    norms = 2 * (4 + 4 + 8 + 8 + 16 + 16 + 8 + 4)
    counted = sum(each.numel() for each in UNet(32, 4).parameters())
    assert counted == 9 * pairs + norms + 4 + 1


def test_channels_stop_doubling_at_eight_times_the_width():
    widths = [block[1][0].out_channels for block in UNet(128, 2).down]
    assert widths == [2, 4, 8, 16, 16]
    assert UNet(128, 2).eval()(torch.zeros(1, 3, 128, 128)).shape == (1, 64, 64)


def test_an_image_s_mask_does_not_hang_on_the_others():
    torch.manual_seed(0)
    student = UNet(32, 2).eval()
    images = torch.randn(3, 3, 32, 32)
    torch.testing.assert_close(student(images)[1], student(images[1:2])[0])
