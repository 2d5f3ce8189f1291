"""Distance from the border's mean features: what it lights up, and what it leaves dark."""

import math

import numpy as np
import pytest
import torch

from ganloc.heatmap.border_distance import border_distance, border_ring, sign_inside


def by_loops(maps):
    """Σ over the outermost cells, their mean, and each cell's distance from it, in float64."""
    n, channels, h, w = maps.shape
    out = np.zeros((n, h, w))
    for image in range(n):
        mean = [0.0] * channels
        cells = 0
        for y in range(h):
            for x in range(w):
                if y == 0 or x == 0 or y == h - 1 or x == w - 1:
                    cells += 1
                    for k in range(channels):
                        mean[k] += float(maps[image, k, y, x])
        mean = [total / cells for total in mean]
        for y in range(h):
            for x in range(w):
                squares = ((float(maps[image, k, y, x]) - mean[k]) ** 2 for k in range(channels))
                out[image, y, x] = math.sqrt(sum(squares))
    return out


@pytest.mark.parametrize("shape", [(2, 3, 4, 4), (1, 6, 5, 7), (3, 1, 3, 3), (2, 2, 1, 6)])
def test_it_is_the_euclidean_distance_from_the_borders_mean(shape):
    maps = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    found = border_distance(torch.from_numpy(maps)).numpy()
    np.testing.assert_allclose(found, by_loops(maps), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("h", range(1, 6))
@pytest.mark.parametrize("w", range(1, 6))
def test_the_ring_is_one_cell_wide(h, w):
    ring = border_ring(torch.zeros(h, w))
    assert ring.shape == (h, w)
    assert int((~ring).sum()) == max(h - 2, 0) * max(w - 2, 0)
    assert ring[0].all()
    assert ring[-1].all()
    assert ring[:, 0].all()
    assert ring[:, -1].all()


def test_maps_that_are_the_same_everywhere_are_dark():
    maps = torch.tensor([0.5, -2.0, 8.0])[None, :, None, None].expand(2, 3, 4, 4)
    assert border_distance(maps).tolist() == torch.zeros(2, 4, 4).tolist()


def test_a_single_odd_cell_in_the_middle_lights_up():
    maps = torch.full((1, 2, 5, 5), 1.0)
    maps[0, :, 2, 3] += torch.tensor([3.0, -4.0])  # 3-4-5: a distance of 5
    expected = torch.zeros(1, 5, 5)
    expected[0, 2, 3] = 5.0
    assert torch.equal(border_distance(maps), expected)


@pytest.mark.parametrize("step", [6.0, -6.0])
def test_a_ring_around_an_ordinary_middle_lights_up_of_either_sign(step):
    maps = torch.full((1, 1, 5, 5), 2.0)
    maps[0, 0, 1:4, 1:4] += step
    maps[0, 0, 2, 2] = 2.0
    expected = torch.zeros(1, 5, 5)
    expected[0, 1:4, 1:4] = 6.0
    expected[0, 2, 2] = 0.0
    assert torch.equal(border_distance(maps), expected)


def test_an_odd_cell_on_the_border_moves_the_mean_a_little():
    maps = torch.zeros(1, 1, 4, 4)
    maps[0, 0, 0, 1] = 12.0  # one of twelve border cells: their mean is 1
    found = border_distance(maps)
    assert found[0, 0, 1] == 11.0
    assert int((found == 1.0).sum()) == 15


@pytest.mark.parametrize("side", [1, 2])
def test_maps_that_are_all_border_are_no_trouble(side):
    maps = torch.arange(2.0 * side * side).reshape(1, 2, side, side)
    np.testing.assert_allclose(border_distance(maps).numpy(), by_loops(maps.numpy()), rtol=1e-6)
    assert border_distance(torch.ones(1, 2, side, side)).abs().max() == 0.0


def test_the_sign_is_plus_where_the_inside_is_at_least_as_high():
    heatmap = torch.zeros(4, 5)
    assert sign_inside(heatmap) == 1
    heatmap[1:3, 1:4] = 1.0
    assert (sign_inside(heatmap), sign_inside(-heatmap)) == (1, -1)
    heatmap[0, 0] = 20.0  # mean of the 14 cells of the border: 1.43
    assert sign_inside(heatmap) == -1
