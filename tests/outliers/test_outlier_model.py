"""Outlier scores: how far an image is from most images of its folder."""

import numpy as np
import pytest
import torch

from ganloc.images.synthetic import draw_images
from ganloc.outliers.outlier_model import OutlierModel, describe_outliers, fence

SIZE = 32


def waves(count, seed, slowest=2.0, fastest=6.0, noise=20.0):
    """Gratings of any direction and colour; pixels 0–255."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[:SIZE, :SIZE] / SIZE
    turn = random.uniform(0.0, np.pi, (count, 1, 1))
    waves = random.uniform(slowest, fastest, (count, 1, 1))
    wave = np.sin(2.0 * np.pi * waves * (np.cos(turn) * x + np.sin(turn) * y))
    colour = random.uniform(30.0, 100.0, (count, 1, 1, 3))
    noisy = 128.0 + colour * wave[..., None] + random.normal(0.0, noise, (count, SIZE, SIZE, 3))
    return noisy.clip(0, 255).astype(np.uint8)


def ranked_above(scores, foreign):
    """Area under the ROC curve: the share of pairs in which the foreign image scores higher."""
    return (scores[foreign][:, None] > scores[~foreign]).mean()


def mixture(own, others):
    order = np.random.default_rng(0).permutation(len(own) + len(others))
    return np.concatenate([own, others])[order], order >= len(own)


@pytest.mark.parametrize("count", [10, 42])
def test_scattered_others_are_far(count):
    pixels, foreign = mixture(draw_images(100, SIZE, seed=0).pixels, waves(count, seed=1))
    scores = OutlierModel.fit(pixels, seed=0).scores(pixels)
    assert ranked_above(scores, foreign) > 0.95
    assert (scores[foreign] >= 1.0).mean() > 0.6
    assert (scores[~foreign] >= 1.0).mean() <= 0.03


@pytest.mark.parametrize("count", [10, 42])
def test_others_that_are_more_alike_than_the_own_are_far_nevertheless(count):
    alike = waves(1, seed=2, noise=0.0).repeat(count, axis=0)
    noise = np.random.default_rng(3).integers(0, 6, alike.shape, dtype=np.uint8)
    pixels, foreign = mixture(waves(100, seed=4, noise=40.0), alike // 2 + 60 + noise)
    scores = OutlierModel.fit(pixels, seed=0).scores(pixels)
    assert ranked_above(scores, foreign) > 0.95


def test_images_that_it_was_not_fitted_on():
    outliers = OutlierModel.fit(draw_images(100, SIZE, seed=0).pixels, seed=0)
    pixels, foreign = mixture(draw_images(50, SIZE, seed=5).pixels, waves(50, seed=6))
    scores = outliers.scores(pixels)
    assert ranked_above(scores, foreign) > 0.95
    assert (scores[~foreign] >= 1.0).mean() < 0.1


def test_hardly_an_image_of_a_clean_folder_stands_out():
    for seed in range(5):
        pixels = waves(200, seed=30 + seed)
        scores = OutlierModel.fit(pixels, seed=0).scores(pixels)
        assert (scores >= 1.0).mean() <= 0.03
        assert (scores >= 0.0).all()


def test_the_fence_of_logarithms_is_tukey_s():
    # Quartiles of the logarithms of all nine: 2 and 6, so the fence is at 6 + 1.5 × 4.
    assert np.log(fence(np.exp(np.arange(9.0)))) == pytest.approx(12.0)


def test_others_beyond_the_fence_do_not_move_it():
    own = np.exp(np.random.default_rng(0).uniform(0.0, 1.0, 100))
    for others in (1, 10, 40):
        assert fence(np.append(own, np.full(others, 90.0))) == pytest.approx(fence(own))


def test_the_fence_of_equal_distances_is_theirs():
    assert fence(np.full(5, 3.0)) == pytest.approx(3.0)
    assert fence(np.array([2.0])) == pytest.approx(2.0)
    assert 0.0 < fence(np.zeros(5)) < 0.01


def test_the_order_of_images_does_not_matter_to_a_score():
    pixels = waves(40, seed=8)
    outliers = OutlierModel.fit(pixels, seed=0)
    order = np.random.default_rng(0).permutation(40)
    np.testing.assert_allclose(outliers.scores(pixels[order]), outliers.scores(pixels)[order], 1e-4)


@pytest.mark.parametrize("count", [1, 2, 3, 5, 17])
def test_few_images(count):
    pixels = waves(count, seed=9)
    outliers = OutlierModel.fit(pixels, seed=0)
    assert outliers.scores(pixels).shape == (count,)
    new = outliers.scores(np.concatenate([pixels, waves(40, seed=20)]))
    assert (new < 1e4).all()


def test_images_that_are_all_the_same_hold_no_outlier():
    pixels = waves(1, seed=10).repeat(12, axis=0)
    outliers = OutlierModel.fit(pixels, seed=0)
    assert describe_outliers([str(index) for index in range(12)], outliers.scores(pixels)) == ""
    assert (outliers.scores(waves(40, seed=20)) < 1e4).all()


def test_copies_of_one_image_among_others():
    pixels = np.concatenate([waves(100, seed=4), waves(1, seed=10).repeat(110, axis=0)])
    assert (OutlierModel.fit(pixels, seed=0).scores(pixels) < 1000.0).all()


def test_grey_images():
    grey = waves(60, seed=11)[..., :1].repeat(3, axis=3)
    coloured = waves(30, seed=13)
    scores = OutlierModel.fit(grey, seed=0).scores(np.concatenate([grey, coloured]))
    assert ranked_above(scores, np.arange(90) >= 60) > 0.9


def test_what_no_image_of_the_folder_varied_in_counts_too():
    noise = np.random.default_rng(0).integers(0, 256, (60, SIZE, SIZE, 3), dtype=np.uint8)
    flat = np.full((1, SIZE, SIZE, 3), 128, dtype=np.uint8)
    outliers = OutlierModel.fit(noise, seed=0)
    assert outliers.scores(flat)[0] > 1.0 > outliers.scores(noise).max()


def test_tensors_there_and_back():
    pixels = waves(30, seed=12)
    outliers = OutlierModel.fit(pixels, seed=0)
    tensors = outliers.tensors()
    np.testing.assert_array_equal(OutlierModel.of(tensors).scores(pixels), outliers.scores(pixels))
    moved = outliers.to(torch.device("meta"))
    assert {tensor.device.type for tensor in moved.tensors().values()} == {"meta"}
    assert {tensor.device.type for tensor in tensors.values()} == {"cpu"}
    for missing in tensors:
        with pytest.raises(KeyError):
            OutlierModel.of({name: own for name, own in tensors.items() if name != missing})


def test_the_highest_scores_are_named_first():
    sentence = describe_outliers(list("abcde"), np.array([0.9, 1.0, 0.3, 7.25, 0.99]))
    assert sentence.startswith("Outliers, unlike most training images: 2 of 5: ")
    assert sentence.endswith(": d (7.2), b (1.0). Some may not belong.")


def test_nothing_is_said_where_there_is_no_outlier():
    assert describe_outliers(list("abc"), np.array([0.0, 0.5, 0.99])) == ""


def test_a_long_list_is_cut():
    names = [f"{index:02}" for index in range(30)]
    sentence = describe_outliers(names, np.arange(30.0))
    assert "images: 29 of 30: 29 (29.0), 28 (28.0), " in sentence
    assert ", 20 (20.0) and 19 more. Some" in sentence
