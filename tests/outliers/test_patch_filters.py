"""Texture features: filters learned from a folder, and how strongly images respond to them."""

import numpy as np
import pytest
import torch

from ganloc.images.synthetic import draw_images
from ganloc.outliers.patch_filters import PatchFilters


@pytest.fixture(scope="module")
def pixels():
    return draw_images(20, 32, seed=0).pixels


@pytest.fixture(scope="module")
def learned(pixels):
    return PatchFilters.learn(pixels, seed=0)


def test_the_seed_decides(pixels, learned):
    again, other = (PatchFilters.learn(pixels, seed) for seed in (0, 1))
    assert torch.equal(again.filters, learned.filters)
    assert not torch.equal(other.filters, learned.filters)


def test_features_patch_by_patch(pixels, learned):
    mean, filters = (tensor.double().numpy() for tensor in (learned.mean, learned.filters))
    answers = []
    image = pixels[3].astype(float) / 127.5 - 1.0
    for top in range(0, 27, 2):
        for left in range(0, 27, 2):
            patch = image[top : top + 6, left : left + 6].transpose(2, 0, 1).ravel()
            even = (patch - patch.mean()) / np.sqrt(patch.var() + 10 / 127.5**2)
            answers.append((even - mean) @ filters)
    answers = np.array(answers)
    both = np.concatenate([answers, -answers], axis=1)
    expected = np.sqrt(np.maximum(both - 0.5, 0.0).mean(axis=0))
    np.testing.assert_allclose(learned.features(pixels[3:4])[0], expected, atol=1e-4)


def test_a_filter_and_its_negative_change_places(pixels, learned):
    ours = learned.features(pixels)
    negative = PatchFilters(-learned.mean, learned.filters).features(255 - pixels)
    count = ours.shape[1] // 2
    torch.testing.assert_close(negative[:, :count], ours[:, count:], atol=1e-4, rtol=0)


def test_brightness_and_contrast_hardly_matter(pixels, learned):
    dim = (40 + pixels * 0.5).round().astype(np.uint8)
    plain = learned.features(pixels)
    assert (learned.features(dim) - plain).abs().mean() < 0.2 * plain.mean()


def test_large_images_are_shrunk_first(learned):
    small = draw_images(4, 64, seed=1).pixels
    large = small.repeat(2, axis=1).repeat(2, axis=2)
    torch.testing.assert_close(learned.features(large), learned.features(small))


def test_every_image_by_itself(pixels, learned):
    many = np.concatenate([pixels] * 4)
    torch.testing.assert_close(learned.features(many)[70:], learned.features(many[70:]))


def test_flat_images_teach_nothing_and_break_nothing():
    flat = np.full((3, 32, 32, 3), 128, dtype=np.uint8)
    assert PatchFilters.learn(flat, seed=0).features(flat).isfinite().all()
