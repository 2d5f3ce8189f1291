"""MS-SSIM against windows taken one by one, closed forms, and what must not become NaN."""

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter
from scipy.signal import convolve2d
from scipy.signal.windows import gaussian

from ganloc.metrics.ms_ssim import ms_ssim

C1, C2 = 0.01**2, 0.03**2


def one_channel(x, y, side, sigma):
    """The definition: moments about each window's own mean, halving by a convolution."""
    line = gaussian(side, sigma)
    window = np.outer(line, line) / line.sum() ** 2
    value = 1.0
    for scale, beta in enumerate((0.3, 0.4, 0.3)):
        similarities = []
        for row in range(len(x) - side + 1):
            for column in range(len(x) - side + 1):
                a = x[row : row + side, column : column + side]
                b = y[row : row + side, column : column + side]
                mean_a, mean_b = (window * a).sum(), (window * b).sum()
                covariance = (window * (a - mean_a) * (b - mean_b)).sum()
                variances = (window * ((a - mean_a) ** 2 + (b - mean_b) ** 2)).sum()
                similarity = (2 * covariance + C2) / (variances + C2)
                if scale == 2:
                    similarity *= (2 * mean_a * mean_b + C1) / (mean_a**2 + mean_b**2 + C1)
                similarities.append(similarity)
        value *= max(np.mean(similarities), 0.0) ** beta
        x, y = (convolve2d(p, np.full((2, 2), 0.25), "valid")[::2, ::2] for p in (x, y))
    return value


def images(count, size, channels=3, seed=0):
    """Pairs of smooth images, the second darker and with noise, 0–1."""
    random = np.random.default_rng(seed)
    smooth = gaussian_filter(random.normal(size=(count, channels, size, size)), (0, 0, 3, 3))
    first = np.clip(0.5 + smooth / smooth.std() / 5, 0, 1)
    second = np.clip(0.7 * first + random.normal(scale=0.05, size=first.shape), 0, 1)
    return torch.from_numpy(first), torch.from_numpy(second)


# 43 pixels leave 10 at the coarsest scale, 44 leave 11.
@pytest.mark.parametrize(
    ("size", "channels", "side", "sigma"),
    [(28, 3, 7, 1.0), (32, 3, 7, 1.0), (43, 1, 7, 1.0), (44, 1, 11, 1.5), (64, 3, 11, 1.5)],
)
def test_agrees_with_windows_taken_one_by_one(size, channels, side, sigma):
    first, second = images(1, size, channels)
    planes = zip(first[0].numpy(), second[0].numpy(), strict=True)
    expected = np.mean([one_channel(a, b, side, sigma) for a, b in planes])
    assert 0.3 < expected < 0.95
    assert ms_ssim(first, second).item() == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("size", [32, 64, 128])
def test_an_image_is_wholly_like_itself_and_less_like_another(size):
    first, second = images(2, size)
    assert ms_ssim(first, first).tolist() == pytest.approx([1, 1], abs=1e-12)
    assert ms_ssim(first, second).max() < 0.95
    torch.testing.assert_close(ms_ssim(first, second), ms_ssim(second, first))


@pytest.mark.parametrize(("a", "b"), [(0.2, 0.6), (0.0, 1.0), (0.9, 0.9), (0.0, 0.0)])
def test_even_images_differ_in_luminance_alone(a, b):
    even = [torch.full((1, 3, 64, 64), value, dtype=torch.float64) for value in (a, b)]
    luminance = (2 * a * b + C1) / (a**2 + b**2 + C1)
    assert ms_ssim(*even).item() == pytest.approx(luminance**0.3, abs=1e-9)


def test_the_negative_is_0_not_nan_and_channels_are_averaged():
    first, _ = images(1, 32)
    assert ms_ssim(first, 1 - first).item() == 0
    second = first.clone()
    second[:, 1] = 1 - first[:, 1]
    assert ms_ssim(first, second).item() == pytest.approx(2 / 3, abs=1e-12)


def test_each_pair_is_compared_alone():
    first, second = images(3, 32)
    together = ms_ssim(first, second)
    for i in range(3):
        torch.testing.assert_close(ms_ssim(first[i : i + 1], second[i : i + 1])[0], together[i])
    assert len(set(together.tolist())) == 3


def test_the_range_of_the_values_does_not_matter_if_it_is_told():
    first, second = images(2, 64)
    expected = ms_ssim(first, second)
    torch.testing.assert_close(ms_ssim(255 * first, 255 * second, data_range=255.0), expected)
    assert (ms_ssim(255 * first, 255 * second) - expected).abs().min() > 1e-4


def test_faint_structure_on_a_bright_ground_is_not_lost_in_float32():
    bright = [(0.9 + image / 50).float() for image in images(2, 64)]
    exact = ms_ssim(*(image.double() for image in bright))
    assert exact.max() < 0.999
    torch.testing.assert_close(ms_ssim(*bright).double(), exact, atol=1e-6, rtol=0)


def test_too_small_images_say_so():
    small = torch.zeros(1, 3, 27, 27)
    with pytest.raises(ValueError, match="28 pixels"):
        ms_ssim(small, small)
