"""What is learnt from a whole set: each part against numpy on all maps at once."""

import numpy as np
import pytest
import torch
from torch import nn

from ganloc.discriminator.networks import Discriminator
from ganloc.errors import UserError
from ganloc.heatmap import statistics as fitted_module
from ganloc.heatmap.ddt import Direction
from ganloc.heatmap.feature_statistics import (
    FeatureStatistics,
    aspect_of,
    feature_statistics,
    statistics_from,
    statistics_tensors,
)

CELLS = (16, 8, 4)


def new(norm="batch", size=32):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return Discriminator(size, 2, norm, spectral=False).eval().requires_grad_(False)


def drawn_pixels(count, size=32):
    """Bright noise in the middle of dark noise."""
    pixels = np.random.default_rng(0).integers(0, 100, (count, size, size, 3), dtype=np.uint8)
    pixels[:, size // 4 : -size // 4, size // 8 : -size // 8] += 120
    return pixels


def all_maps(discriminator, pixels):
    """The last three blocks' maps of all images, each going on as its reflection, in float64."""
    reach = len(pixels[0]) // 4
    around = np.pad(pixels, ((0, 0), *((reach, reach + 1),) * 2, (0, 0)), mode="reflect")
    scaled = torch.from_numpy(around.transpose(0, 3, 1, 2) / 127.5 - 1.0).float()
    maps = discriminator.feature_maps(scaled)[-3:]
    cut = zip(maps, (4, 2, 1), strict=True)
    return [m[:, :, k:-k, k:-k].double().numpy() for m, k in cut]


def flat(maps, cells):
    return maps.transpose(1, 0, 2, 3)[:, :, cells].reshape(maps.shape[1], -1)


def inside_of(side):
    inside = np.zeros((side, side), dtype=bool)
    inside[1:-1, 1:-1] = True
    return inside


def fishers(maps):
    cells = inside_of(maps.shape[2])
    inside, border = flat(maps, cells), flat(maps, ~cells)
    within = (np.cov(inside, bias=True) + np.cov(border, bias=True)) / 2
    within += 0.01 * np.trace(within) / len(within) * np.eye(len(within))
    return np.linalg.solve(within, inside.mean(axis=1) - border.mean(axis=1))


@pytest.mark.parametrize("size", [32, 64, 128, 256])
def test_every_block_has_its_directions_finest_first(size):
    discriminator, pixels = new(size=size), drawn_pixels(5, size)
    found = feature_statistics(discriminator, pixels)
    blocks = zip(all_maps(discriminator, pixels), found.lda, found.principal, CELLS, strict=True)
    for maps, lda, principal, cells in blocks:
        assert maps.shape[2:] == (cells, cells)
        assert lda.dtype == principal.mean.dtype == principal.axis.dtype == torch.float32
        expected = fishers(maps)
        np.testing.assert_allclose(lda, expected, rtol=1e-3, atol=1e-3 * abs(expected).max())
        features = flat(maps, np.ones((cells, cells), dtype=bool))
        mean = features.mean(axis=1)
        np.testing.assert_allclose(principal.mean, mean, rtol=1e-4, atol=1e-5 * abs(mean).max())
        axis = np.linalg.svd((features - mean[:, None]).T, full_matrices=False)[2][0]
        along = np.tensordot(axis, maps.mean(axis=0), axes=1)
        inside = inside_of(cells)
        axis *= 1 if along[inside].mean() > along[~inside].mean() else -1
        np.testing.assert_allclose(principal.axis, axis, atol=1e-3)


def test_the_aspect_is_that_of_the_mean_of_all_of_the_finest_fisher_heatmaps():
    discriminator, pixels = new(), drawn_pixels(6)
    found = feature_statistics(discriminator, pixels)
    heatmaps = np.tensordot(found.lda[0].numpy(), all_maps(discriminator, pixels)[0], (0, 1))
    mean = heatmaps.mean(axis=0)
    weights = (mean - mean.min()) / (mean - mean.min()).sum()
    at = (np.arange(16) + 0.5) / 16 - 0.5
    across, down = (weights.sum(axis=axis) @ at**2 for axis in (0, 1))
    assert found.aspect == pytest.approx(np.sqrt(across / down), rel=1e-4)
    assert found.aspect > 1.05  # the bright middles are 24 wide and 16 high
    turned = feature_statistics(discriminator, pixels.transpose(0, 2, 1, 3).copy())
    assert turned.aspect < 0.95


@pytest.mark.parametrize("norm", ["none", "batch"])
def test_batches_of_any_size_fit_the_same(norm, monkeypatch):
    discriminator, pixels = new(norm), drawn_pixels(7)
    whole = feature_statistics(discriminator, pixels)
    for batch in (1, 3, 7):
        monkeypatch.setattr(fitted_module, "BATCH", batch)
        parts = feature_statistics(discriminator, pixels)
        assert parts.sign == whole.sign
        assert parts.aspect == pytest.approx(whole.aspect, rel=1e-4)
        for name, value in statistics_tensors(parts).items():
            torch.testing.assert_close(value, statistics_tensors(whole)[name], rtol=1e-3, atol=1e-5)


def test_one_image_is_enough():
    found = feature_statistics(new(), drawn_pixels(1))
    assert all(values.isfinite().all() for values in statistics_tensors(found).values())
    assert 0.5 <= found.aspect <= 2.0


def test_images_of_one_colour_teach_nothing():
    found = feature_statistics(new("none"), np.full((3, 32, 32, 3), 90, np.uint8))
    assert found.aspect == pytest.approx(1.0, abs=1e-6)
    assert all(values.isfinite().all() for values in statistics_tensors(found).values())


class Drawn(Discriminator):
    """Says 0 along the border and `inside(brightness of the image)` within, times `weight`."""

    def __init__(self, inside, weight=1.0):
        super().__init__(32, 1, "none", spectral=False)
        self.inside = inside
        self.linear = nn.Linear(1, 1)
        self.linear.weight.data.fill_(weight)
        self.linear.bias.data.fill_(100.0)  # must not matter
        self.eval()

    def feature_maps(self, images):
        maps = [torch.zeros(len(images), 1, *[images.shape[2] * c // 32] * 2) for c in CELLS]
        maps[-1][:, :, 1:-1, 1:-1] = self.inside(images[:, :1, :1, :1])
        return maps


def flat_pixels(*values):
    return np.stack([np.full((32, 32, 3), value, dtype=np.uint8) for value in values])


def sign_of(discriminator, *values):
    return feature_statistics(discriminator, flat_pixels(*values)).sign


def test_the_sign_makes_the_inside_higher_than_the_border():
    assert sign_of(Drawn(lambda _: 2.0), 0, 255) == 1
    assert sign_of(Drawn(lambda _: -2.0), 0, 255) == -1
    assert sign_of(Drawn(lambda _: 2.0, weight=-1.0), 0, 255) == -1
    assert sign_of(Drawn(lambda _: -2.0, weight=-1.0), 0, 255) == 1
    assert sign_of(Drawn(lambda _: 0.0), 0, 255) == 1  # nothing to choose by: the paper's


def test_the_sign_is_the_sets_not_that_of_most_images(monkeypatch):
    # 3 above the border in one bright image, 1 below it in each of two dark ones.
    discriminator = Drawn(lambda brightness: 1.0 + 2.0 * brightness)  # −1 → −1, 1 → 3
    for batch in (2, 128):
        monkeypatch.setattr(fitted_module, "BATCH", batch)
        assert sign_of(discriminator, 0, 0, 255) == 1
        assert sign_of(discriminator, 0, 0, 0, 0, 255) == -1


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_network_that_broke_down_is_told_in_one_sentence(value):
    discriminator = new("none")
    discriminator.get_submodule("blocks.1.0").get_parameter("weight").fill_(value)
    with pytest.raises(UserError, match=r"broke down .*not finite.* --discriminator-rate"):
        feature_statistics(discriminator, drawn_pixels(2))


def on_a_grid(rows, columns, size=8):
    """1 at some cells, 0 elsewhere."""
    heatmap = torch.zeros(size, size)
    for row in rows:
        for column in columns:
            heatmap[row, column] = 1.0
    return heatmap


@pytest.mark.parametrize(
    ("rows", "columns", "expected"),
    [
        # Cell centres of 8 lie at 1, 3, 5 and 7 sixteenths from the middle.
        ([3, 4], [3, 4], 1.0),
        ([3, 4], [2, 3, 4, 5], 5.0**0.5),  # (1 + 9) / 2 against 1: 2.2, more than 2
        ([2, 5], [1, 6], 5.0 / 3.0),
        ([1, 6], [2, 5], 3.0 / 5.0),
        ([3], [0, 7], 7.0),
        ([0, 7], [4], 1.0 / 7.0),
        ([2], [1, 2], (17.0 / 9.0) ** 0.5),  # (25 + 9) / 2: from the image's middle, not its own
    ],
)
def test_the_aspect_by_hand(rows, columns, expected):
    heatmap = on_a_grid(rows, columns)
    kept = min(max(expected, 0.5), 2.0)
    assert aspect_of(heatmap) == pytest.approx(kept, rel=1e-6)
    # Neither scale nor level counts, and every place weighs as much as it is above the lowest.
    assert aspect_of(3.0 * heatmap - 7.0) == pytest.approx(kept, rel=1e-5)
    assert aspect_of(heatmap.T) == pytest.approx(1.0 / kept, rel=1e-6)


def test_the_aspect_of_maps_that_are_not_square_is_in_sides():
    # Cell centres along 4 rows: 1 and 3 eighths; along 8 columns: 1, 3, 5, 7 sixteenths.
    heatmap = torch.zeros(4, 8)
    heatmap[1:3, 2:6:3] = 1.0  # rows at 2 sixteenths, columns at 3
    assert aspect_of(heatmap) == pytest.approx(1.5)


def test_a_flat_heatmap_has_no_aspect():
    assert aspect_of(torch.full((4, 4), 3.0)) == 1.0


def some_fitted():
    random = torch.Generator().manual_seed(0)
    drawn = [torch.randn(2**i, generator=random) for i in (1, 2, 3) for _ in range(3)]
    principal = tuple(Direction(drawn[3 * i], drawn[3 * i + 1]) for i in range(3))
    return FeatureStatistics(-1, tuple(drawn[2::3]), principal, 1.25)


def test_tensors_there_and_back():
    statistics = some_fitted()
    own = statistics_tensors(statistics)
    assert len(own) == 9
    back = statistics_from(-1, 1.25, own)
    assert (back.sign, back.aspect) == (-1, 1.25)
    for one, other in zip(back.lda, statistics.lda, strict=True):
        assert torch.equal(one, other)
    for one, other in zip(back.principal, statistics.principal, strict=True):
        assert torch.equal(one.mean, other.mean)
        assert torch.equal(one.axis, other.axis)


@pytest.mark.parametrize("missing", list(statistics_tensors(some_fitted())))
def test_a_missing_tensor_is_not_made_up(missing):
    tensors = statistics_tensors(some_fitted())
    del tensors[missing]
    with pytest.raises(KeyError):
        statistics_from(1, 1.0, tensors)


def test_moving_moves_all_of_it_and_leaves_the_original():
    statistics = some_fitted()
    moved = statistics.to(torch.device("meta"))
    assert {values.device.type for values in statistics_tensors(moved).values()} == {"meta"}
    assert {values.device.type for values in statistics_tensors(statistics).values()} == {"cpu"}
    assert (moved.sign, moved.aspect) == (-1, 1.25)
    for name, values in statistics_tensors(statistics.to(torch.device("cpu"))).items():
        assert torch.equal(values, statistics_tensors(statistics)[name])
