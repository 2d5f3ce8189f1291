import itertools

import numpy as np
import pytest
import torch

from ganloc.metrics.diversity import diversity, draw_pairs
from ganloc.metrics.ms_ssim import ms_ssim


def noise(count, size=32, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (count, size, size, 3), np.uint8)


def all_pairs(pixels):
    """MS-SSIM of every pair, one at a time."""
    planes = torch.from_numpy(pixels.astype(np.float64) / 255).permute(0, 3, 1, 2)
    pairs = itertools.combinations(range(len(pixels)), 2)
    return [ms_ssim(planes[i : i + 1], planes[j : j + 1]).item() for i, j in pairs]


@pytest.mark.parametrize(("count", "pairs"), [(5, 5), (12, 33)])  # 66: more than at a time
def test_every_pair_of_a_small_set(count, pairs):
    pixels = noise(count)
    pixels[1] = pixels[0] // 2
    expected = all_pairs(pixels)
    found = diversity(pixels, pairs=pairs, samplings=2)
    assert found.mean == pytest.approx(np.mean(expected), abs=1e-12)
    drawn = draw_pairs(count, 2 * pairs, seed=0)
    table = dict(zip(itertools.combinations(range(count), 2), expected, strict=True))
    values = [table[j, i] for i, j in drawn.tolist()]
    first, second = np.mean(values[:pairs]), np.mean(values[pairs:])
    assert found.deviation == pytest.approx(abs(first - second) / np.sqrt(2), abs=1e-12)


def test_copies_are_alike_and_noise_is_not():
    copies = diversity(noise(1).repeat(8, axis=0), pairs=4, samplings=3)
    assert copies.mean == pytest.approx(1, abs=1e-12)
    assert copies.deviation == pytest.approx(0, abs=1e-12)
    assert diversity(noise(8), pairs=4, samplings=3).mean < 0.2


def test_the_same_seed_draws_the_same_pairs():
    pixels = noise(20)
    assert diversity(pixels, 3, seed=1) == diversity(pixels, 3, seed=1)
    assert diversity(pixels, 3, seed=1) != diversity(pixels, 3, seed=2)


@pytest.mark.parametrize("count", [2, 3, 7, 60])
def test_all_pairs_are_every_pair_once(count):
    pairs = draw_pairs(count, count * (count - 1) // 2, seed=3)
    assert sorted((j, i) for i, j in pairs.tolist()) == [*itertools.combinations(range(count), 2)]


def test_few_of_very_many_pairs_are_different_and_spread_evenly():
    pairs = draw_pairs(1_000_000, 4000, seed=0)
    assert (pairs[:, 0] > pairs[:, 1]).all()
    assert pairs.min() >= 0
    assert pairs.max() < 1_000_000
    # Image numbers are uniform: their mean has a standard error of 3227 over 8000 draws.
    assert pairs.mean() == pytest.approx(500_000, abs=13_000)


def test_too_few_images_pairs_or_samplings():
    with pytest.raises(ValueError, match="4 images make 6 different pairs, not 8"):
        diversity(noise(4), pairs=4, samplings=2)
    for pairs, samplings in ((0, 2), (1, 1)):
        with pytest.raises(ValueError, match="at least one pair"):
            diversity(noise(4), pairs=pairs, samplings=samplings)
