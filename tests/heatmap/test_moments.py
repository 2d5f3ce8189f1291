"""Moments against numpy on all features at once."""

import numpy as np
import pytest
import torch

from ganloc.heatmap.moments import Moments


def some_maps(images=5, channels=3, height=4, width=6, offset=0.0):
    random = np.random.default_rng(0)
    return torch.from_numpy(random.normal(offset, 1.0, (images, channels, height, width)))


def moments_of(*batches):
    moments = Moments()
    for maps in batches:
        moments.add(maps)
    return moments


def by_numpy(maps, cells):
    """Mean and covariance of the features at `cells` (h × w) of all images."""
    features = maps.numpy().transpose(1, 0, 2, 3)[:, :, cells].reshape(maps.shape[1], -1)
    return features.mean(axis=1), np.cov(features, bias=True)


WHERE = {
    "inside": np.array([[0] * 6, [0, 1, 1, 1, 1, 0], [0, 1, 1, 1, 1, 0], [0] * 6], dtype=bool),
}
WHERE["border"] = ~WHERE["inside"]


@pytest.mark.parametrize("where", WHERE)
@pytest.mark.parametrize("offset", [0.0, 1000.0])
def test_means_and_covariances_are_numpys(where, offset):
    maps = some_maps(offset=offset)
    mean, covariance = getattr(moments_of(maps), where)()
    expected_mean, expected_covariance = by_numpy(maps, WHERE[where])
    np.testing.assert_allclose(mean.numpy(), expected_mean)
    np.testing.assert_allclose(covariance.numpy(), expected_covariance, atol=1e-8)


def test_the_mean_maps_keep_every_place():
    maps = some_maps()
    found = moments_of(maps).mean_maps
    np.testing.assert_allclose(found.numpy(), maps.numpy().mean(axis=0))


@pytest.mark.parametrize("where", WHERE)
def test_batches_of_any_size_and_order_give_the_moments_of_the_whole_set(where):
    maps = some_maps(7)
    whole = getattr(moments_of(maps), where)()
    first, second, third = maps.split([1, 4, 2])
    parts = moments_of(third, first, maps[:0], second)
    assert parts.images == 7
    for one, other in zip(getattr(parts, where)(), whole, strict=True):
        torch.testing.assert_close(one, other)


def test_two_sets_do_not_share_their_sums():
    one, other = moments_of(some_maps()), moments_of(some_maps(offset=3.0))
    torch.testing.assert_close(one.mean_maps, moments_of(some_maps()).mean_maps)
    assert (other.mean_maps - one.mean_maps).mean() == pytest.approx(3.0)


def test_features_of_single_precision_are_summed_in_double():
    # Squares of 300 in single precision are 2⁻⁷ apart: a deviation of 0.02 would be lost.
    noise = some_maps(20, height=40, width=40) * 0.02
    _, covariance = moments_of((noise + 300.0).float()).inside()
    np.testing.assert_allclose(covariance.numpy(), np.eye(3) * 0.0004, atol=2e-5)


def test_one_image_and_one_cell_inside_are_enough():
    maps = some_maps(1, height=3, width=3)
    mean, covariance = moments_of(maps).inside()
    np.testing.assert_allclose(mean.numpy(), maps[0, :, 1, 1].numpy())
    np.testing.assert_allclose(covariance.numpy(), np.zeros((3, 3)), atol=1e-12)


@pytest.mark.parametrize("where", WHERE)
@pytest.mark.parametrize("shape", [None, (0, 3, 4, 4), (2, 3, 2, 5), (2, 3, 5, 2)])
def test_no_maps_or_none_with_an_inside_are_refused(where, shape):
    moments = moments_of() if shape is None else moments_of(torch.zeros(shape))
    with pytest.raises(ValueError, match="at least 3 × 3 cells"):
        getattr(moments, where)()
