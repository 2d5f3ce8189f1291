"""What is learnt from a whole set: each part against numpy on all maps at once."""

import numpy as np
import pytest
import torch
from torch import nn

from ganloc.discriminator.networks import Discriminator
from ganloc.errors import UserError
from ganloc.heatmap.feature_statistics import FeatureStatistics, aspect_of, feature_statistics

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


def lda(maps):
    """S⁻¹(μ_inside − μ_border) by numpy, S the mean of both covariances plus a hundredth."""
    cells = inside_of(maps.shape[2])
    inside, border = flat(maps, cells), flat(maps, ~cells)
    within = (np.cov(inside, bias=True) + np.cov(border, bias=True)) / 2
    within += 0.01 * np.trace(within) / len(within) * np.eye(len(within))
    return np.linalg.solve(within, inside.mean(axis=1) - border.mean(axis=1))


# One set is larger than what a network reads at a time.
@pytest.mark.parametrize(("size", "count"), [(32, 131), (64, 5), (128, 5), (256, 5)])
@pytest.mark.parametrize("norm", ["none", "batch"])
def test_every_block_has_its_direction_finest_first(norm, size, count):
    discriminator, pixels = new(norm, size), drawn_pixels(count, size)
    found = feature_statistics(discriminator, pixels)
    for maps, direction, cells in zip(
        all_maps(discriminator, pixels), found.lda, CELLS, strict=True
    ):
        assert maps.shape[2:] == (cells, cells)
        assert direction.dtype == torch.float32
        expected = lda(maps)
        np.testing.assert_allclose(direction, expected, rtol=1e-3, atol=1e-3 * abs(expected).max())


def test_the_aspect_is_that_of_the_mean_of_all_of_the_finest_lda_heatmaps():
    discriminator, pixels = new(), drawn_pixels(131)
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


def test_one_image_is_enough():
    found = feature_statistics(new(), drawn_pixels(1))
    assert all(values.isfinite().all() for values in found.tensors().values())
    assert 0.5 <= found.aspect <= 2.0


def test_images_of_one_colour_teach_nothing():
    found = feature_statistics(new("none"), np.full((3, 32, 32, 3), 90, np.uint8))
    assert found.aspect == pytest.approx(1.0, abs=1e-6)
    assert all(values.isfinite().all() for values in found.tensors().values())


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


@pytest.mark.parametrize("times", [1, 60])  # 60: more than a network reads at a time
def test_the_sign_is_the_set_s_not_that_of_most_images(times):
    # 3 above the border in one bright image, 1 below it in each of two dark ones.
    discriminator = Drawn(lambda brightness: 1.0 + 2.0 * brightness)  # −1 → −1, 1 → 3
    assert sign_of(discriminator, *[0] * 2 * times, *[255] * times) == 1
    assert sign_of(discriminator, *[0] * 4 * times, *[255] * times) == -1


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_network_that_broke_down_is_told_in_one_sentence(value):
    discriminator = new("none")
    discriminator.get_submodule("blocks.1.0").get_parameter("weight").fill_(value)
    with pytest.raises(UserError, match=r"broke down .*not finite.* discriminator_rate"):
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


def some_statistics():
    random = torch.Generator().manual_seed(0)
    directions = tuple(torch.randn(2**block, generator=random) for block in (1, 2, 3))
    return FeatureStatistics(-1, directions, 1.25)


def test_tensors_there_and_back():
    statistics = some_statistics()
    own = statistics.tensors()
    assert len(own) == 3
    back = FeatureStatistics.of(-1, 1.25, own)
    assert (back.sign, back.aspect) == (-1, 1.25)
    for one, other in zip(back.lda, statistics.lda, strict=True):
        assert torch.equal(one, other)


@pytest.mark.parametrize("missing", list(some_statistics().tensors()))
def test_a_missing_tensor_is_not_made_up(missing):
    tensors = some_statistics().tensors()
    del tensors[missing]
    with pytest.raises(KeyError):
        FeatureStatistics.of(1, 1.0, tensors)


def test_moving_moves_all_of_it_and_leaves_the_original():
    statistics = some_statistics()
    moved = statistics.to(torch.device("meta"))
    assert {values.device.type for values in moved.tensors().values()} == {"meta"}
    assert {values.device.type for values in statistics.tensors().values()} == {"cpu"}
    assert (moved.sign, moved.aspect) == (-1, 1.25)
    for name, values in statistics.to(torch.device("cpu")).tensors().items():
        assert torch.equal(values, statistics.tensors()[name])
