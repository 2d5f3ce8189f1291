"""Deep descriptor transforming against numpy on all features at once."""

import numpy as np
import pytest
import torch

from ganloc.heatmap.ddt import Direction, ddt_heatmaps, principal_direction
from ganloc.heatmap.moments import Moments


def direction_of(*batches):
    moments = Moments()
    for maps in batches:
        moments.add(maps)
    return principal_direction(moments)


def toy(images=6, channels=5, height=4, width=7, offset=0.0):
    """Features that differ most along one direction: more of it inside than along the border."""
    random = np.random.default_rng(0)
    maps = random.normal(offset, 0.3, (images, channels, height, width))
    pattern = np.array([3.0, -1.0, 0.0, 2.0, 0.5])
    maps[:, :, 1:-1, 2:-2] += pattern[:, None, None]
    return torch.from_numpy(maps)


def by_svd(maps):
    """Mean, and the first right singular vector of the centred features: its sign is chance."""
    features = maps.numpy().transpose(0, 2, 3, 1).reshape(-1, maps.shape[1])
    mean = features.mean(axis=0)
    return mean, np.linalg.svd(features - mean, full_matrices=False)[2][0]


@pytest.mark.parametrize("offset", [0.0, 1000.0])
def test_the_direction_is_numpys_first_singular_vector(offset):
    maps = toy(offset=offset)
    found = direction_of(maps)
    mean, axis = by_svd(maps)
    np.testing.assert_allclose(found.mean.numpy(), mean)
    assert abs(found.axis.numpy() @ axis) == pytest.approx(1.0, abs=1e-9)
    assert found.axis.norm() == pytest.approx(1.0)


def test_batches_of_any_size_give_the_direction_of_the_whole_set():
    maps = toy(images=7)
    whole, parts = direction_of(maps), direction_of(*maps.split([1, 4, 2]))
    torch.testing.assert_close(parts.mean, whole.mean)
    torch.testing.assert_close(parts.axis, whole.axis)


def test_a_heatmap_is_each_places_distance_along_the_axis():
    direction = Direction(torch.tensor([1.0, 2.0]), torch.tensor([0.6, 0.8]))
    maps = torch.tensor([[[[1.0, 6.0, 0.0]], [[2.0, 2.0, 7.0]]]])  # 2 channels, 1 × 3 places
    expected = torch.tensor([[[0.0, 3.0, 3.4]]])  # 0.6 · 5; −0.6 + 0.8 · 5
    torch.testing.assert_close(ddt_heatmaps(maps, direction), expected)


def test_heatmaps_over_the_fitted_set_average_to_nothing_and_mark_the_inside():
    maps = toy()
    heatmaps = ddt_heatmaps(maps, direction_of(maps))
    assert heatmaps.mean() == pytest.approx(0.0, abs=1e-9)
    assert heatmaps[:, 1:-1, 2:-2].min() > 0.0
    assert heatmaps[:, 0].max() < 0.0


def test_the_sign_follows_the_border_whatever_the_features_sign():
    maps = toy()
    plus, minus = direction_of(maps), direction_of(-maps)
    torch.testing.assert_close(minus.axis, -plus.axis)
    torch.testing.assert_close(ddt_heatmaps(-maps, minus), ddt_heatmaps(maps, plus))


def test_the_sign_is_the_sets_not_that_of_most_images():
    # One channel: 1 below the border inside two images, 3 above it inside a third.
    maps = torch.zeros(3, 1, 3, 3)
    maps[:, :, 1, 1] = torch.tensor([-1.0, -1.0, 3.0])[:, None]
    assert direction_of(maps).axis == 1.0
    assert direction_of(-maps).axis == -1.0


def test_single_precision_features_are_summed_in_double():
    # 2¹⁸ places at 300 and one pixel of noise: sums of squares in single precision lose the noise.
    random = torch.Generator().manual_seed(0)
    noise = (
        torch.randn(4, 2, 256, 256, generator=random) * torch.tensor([0.02, 0.01])[:, None, None]
    )
    maps = noise + 300.0
    found = direction_of(maps)
    np.testing.assert_allclose(found.axis.abs().numpy(), [1.0, 0.0], atol=0.02)
    assert ddt_heatmaps(maps, found).dtype == torch.float32


@pytest.mark.parametrize("batches", [[], [torch.zeros(2, 3, 2, 5)], [torch.zeros(0, 3, 4, 4)]])
def test_maps_without_an_inside_or_none_at_all_are_refused(batches):
    with pytest.raises(ValueError, match="at least 3 × 3 cells"):
        direction_of(*batches)


def test_constant_features_give_a_constant_heatmap():
    maps = torch.full((2, 3, 4, 4), 5.0)
    heatmaps = ddt_heatmaps(maps, direction_of(maps))
    torch.testing.assert_close(heatmaps, torch.zeros(2, 4, 4))
