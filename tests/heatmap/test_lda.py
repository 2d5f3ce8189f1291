"""The LDA direction against numpy's and scipy's own algebra on all features at once."""

import numpy as np
import pytest
import torch
from scipy.linalg import eigh

from ganloc.heatmap.lda import RIDGE, lda_direction
from ganloc.heatmap.moments import Moments

INSIDE = np.zeros((5, 6), dtype=bool)
INSIDE[1:-1, 1:-1] = True


def toy(images=8, offset=0.0):
    """Correlated noise everywhere, and a pattern inside that is weak against it."""
    random = np.random.default_rng(0)
    mix = np.array([[3.0, 0.0, 0.0, 0.0], [2.9, 0.3, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0], [0, 0, 0, 1]])
    maps = np.einsum("ck,nkhw->nchw", mix, random.normal(offset, 1.0, (images, 4, 5, 6)))
    maps += np.array([0.3, -0.3, 0.1, 0.0])[:, None, None] * INSIDE
    return torch.from_numpy(maps)


def direction_of(*batches):
    moments = Moments()
    for maps in batches:
        moments.add(maps)
    return lda_direction(moments).numpy()


def features_of(maps, cells):
    return maps.numpy().transpose(1, 0, 2, 3)[:, :, cells].reshape(maps.shape[1], -1)


def parts_of(maps):
    """The difference of the two means, and the mean of both covariances with its ridge."""
    inside, border = (features_of(maps, cells) for cells in (INSIDE, ~INSIDE))
    within = (np.cov(inside, bias=True) + np.cov(border, bias=True)) / 2
    ridged = within + 0.01 * np.trace(within) / len(within) * np.eye(len(within))
    return inside.mean(axis=1) - border.mean(axis=1), ridged


@pytest.mark.parametrize("offset", [0.0, 500.0])
def test_it_is_the_inverse_scatter_times_the_difference_of_means(offset):
    maps = toy(offset=offset)
    difference, within = parts_of(maps)
    np.testing.assert_allclose(direction_of(maps), np.linalg.inv(within) @ difference, rtol=1e-6)


def test_no_other_direction_has_a_larger_fisher_ratio():
    """Fisher's own criterion, (wᵀΔ)² / wᵀSw, is an eigenvalue problem with one solution."""
    maps = toy()
    difference, within = parts_of(maps)
    best = eigh(np.outer(difference, difference), within)[1][:, -1]
    found = direction_of(maps)
    cosine = found @ best / np.linalg.norm(found) / np.linalg.norm(best)
    assert abs(cosine) == pytest.approx(1.0, abs=1e-9)
    # It is not what the means alone would say: the noise of two channels cancels.
    assert abs(found @ difference) < 0.9 * np.linalg.norm(found) * np.linalg.norm(difference)


def test_inside_is_higher_than_border_along_it():
    maps = toy(200)
    for given in (maps, -maps):
        along = np.tensordot(direction_of(given), given.numpy(), axes=(0, 1))
        assert along[:, INSIDE].mean() > along[:, ~INSIDE].mean()


def test_what_can_be_told_apart_is():
    """Two channels whose difference tells the inside, and neither alone."""
    random = np.random.default_rng(1)
    common = random.normal(0.0, 10.0, (30, 1, 5, 6))
    maps = np.concatenate([common + INSIDE, common - INSIDE], axis=1)
    maps += random.normal(0.0, 0.02, maps.shape)
    maps = torch.from_numpy(maps)
    direction = direction_of(maps)
    along = np.tensordot(direction, maps.numpy(), axes=(0, 1))
    assert along[:, INSIDE].min() > along[:, ~INSIDE].max()
    for channel in maps.numpy().transpose(1, 0, 2, 3):
        deviation = channel.std()
        assert abs(channel[:, INSIDE].mean() - channel[:, ~INSIDE].mean()) < 0.3 * deviation


@pytest.mark.parametrize("factor", [1e-3, 7.0])
def test_all_features_times_a_factor_give_the_same_heatmap(factor):
    maps = toy()
    np.testing.assert_allclose(direction_of(factor * maps) * factor, direction_of(maps))


def test_a_shift_of_all_features_changes_nothing():
    maps = toy()
    shift = torch.tensor([5.0, -2.0, 0.0, 9.0])[:, None, None]
    np.testing.assert_allclose(direction_of(maps + shift), direction_of(maps), rtol=1e-8)


def test_batches_of_any_size_give_the_direction_of_the_whole_set():
    maps = toy(7)
    np.testing.assert_allclose(direction_of(*maps.split([1, 4, 2])), direction_of(maps))


def test_a_channel_that_never_speaks_gets_no_weight():
    maps = toy()
    silent = torch.cat([maps, torch.full_like(maps[:, :1], 3.0)], dim=1)
    direction = direction_of(silent)
    assert np.isfinite(direction).all()
    assert direction[4] == pytest.approx(0.0, abs=1e-6)
    assert abs(direction[:4]).min() > 1e-3


def test_more_channels_than_cells_are_held_by_the_ridge():
    random = np.random.default_rng(2)
    maps = torch.from_numpy(random.normal(0.0, 1.0, (1, 40, 3, 3)))  # one cell inside, 8 around
    direction = direction_of(maps)
    features = maps[0].numpy().reshape(40, 9)
    border, inside = np.delete(features, 4, axis=1), features[:, 4]
    within = np.cov(border, bias=True) / 2
    within += RIDGE * np.trace(within) / 40 * np.eye(40)
    expected = np.linalg.solve(within, inside - border.mean(axis=1))
    np.testing.assert_allclose(direction, expected, rtol=1e-6)


@pytest.mark.parametrize("value", [0.0, 5.0])
def test_features_that_are_alike_everywhere_give_no_direction(value):
    assert direction_of(torch.full((3, 4, 5, 6), value)).tolist() == [0.0] * 4


def test_what_tells_nothing_of_the_place_gives_almost_none():
    maps = toy()
    both = torch.cat([maps, maps.roll((2, 3), dims=(2, 3))])
    turned = [maps.roll((dy, dx), dims=(2, 3)) for dy in range(5) for dx in range(6)]
    assert abs(direction_of(*turned)).max() < 1e-9  # every value is everywhere equally often
    assert abs(direction_of(both)).max() > 1e-3
