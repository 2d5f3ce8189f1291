"""Augmentation against numbers worked out by hand or by a plain loop."""

import numpy as np
import pytest
import torch

from ganloc.images.augment import augment, colour_axes, jitter, recolour, relight, translate


def stream(seed=0):
    return torch.Generator().manual_seed(seed)


def images(count=8, size=64, seed=0):
    values = np.random.default_rng(seed).uniform(-1, 1, (count, 3, size, size))
    return torch.from_numpy(values).float()


@pytest.mark.parametrize(("size", "most"), [(32, 1), (64, 3), (128, 6)])
def test_translation_moves_by_whole_pixels_up_to_five_percent_and_reflects(size, most):
    given = images(200, size)[:, :1]
    moved = translate(given, stream()).numpy()
    seen = set()
    for before, after in zip(given.numpy(), moved, strict=True):
        padded = np.pad(before[0], most, mode="reflect")
        views = {
            (dy, dx): padded[most - dy :, most - dx :][:size, :size]
            for dy in range(-most, most + 1)
            for dx in range(-most, most + 1)
        }
        matches = [shift for shift, view in views.items() if np.array_equal(view, after[0])]
        assert len(matches) == 1
        seen.add(matches[0])
    assert {dy for dy, _ in seen} == {dx for _, dx in seen} == set(range(-most, most + 1))


def test_jitter_of_a_grey_image_is_its_brightness_alone():
    grey = torch.full((500, 3, 4, 4), 0.5)
    changed = jitter(grey, stream())
    factors = changed[:, 0, 0, 0] / 0.5
    assert torch.allclose(changed, (0.5 * factors)[:, None, None, None].expand_as(changed))
    assert 0.6 <= factors.min() < 0.62
    assert 1.38 < factors.max() <= 1.4
    assert abs(factors.mean() - 1.0) < 0.03


def test_jitter_is_brightness_then_contrast_then_saturation():
    given = (images(6, 8) + 1) / 2
    changed = jitter(given, stream(3)).numpy()
    b, c, s = 1 + 0.4 * (2 * torch.rand(3, 6, generator=stream(3)).numpy() - 1)
    weights = np.array([0.299, 0.587, 0.114])[:, None, None]
    for index, image in enumerate(given.numpy().astype(np.float64)):
        bright = image * b[index]
        mean = (bright * weights).sum(0).mean()
        contrasted = mean + (bright - mean) * c[index]
        grey = (contrasted * weights).sum(0)
        np.testing.assert_allclose(
            changed[index], grey + (contrasted - grey) * s[index], rtol=1e-4, atol=1e-5
        )


def test_colour_axes_are_the_principal_standard_deviations():
    random = np.random.default_rng(2)
    true_axes = np.array([[0.06, 0.06, 0.06], [0.03, -0.03, 0.0]])
    colours = 0.5 + random.normal(size=(700 * 16, 2)) @ true_axes
    pixels = (colours * 255).round().clip(0, 255).astype(np.uint8).reshape(700, 4, 4, 3)
    axes = colour_axes(pixels).numpy()
    covariance = np.cov(pixels.reshape(-1, 3).T / 255.0, bias=True)
    np.testing.assert_allclose(axes.T @ axes, covariance, atol=1e-7)
    lengths = sorted(np.linalg.norm(axes, axis=1))
    np.testing.assert_allclose(lengths[1:], [0.03 * 2**0.5, 0.06 * 3**0.5], rtol=0.03)


def test_lighting_adds_one_colour_to_an_image_with_a_tenth_of_the_sets_spread():
    axes = torch.tensor([[0.3, 0.0, 0.0], [0.0, 0.2, 0.2], [0.0, 0.0, 0.0]])
    added = relight(torch.zeros(20_000, 3, 2, 2), axes, stream())
    assert torch.equal(added, added[:, :, :1, :1].expand_as(added))
    shift = added[:, :, 0, 0].numpy()
    np.testing.assert_allclose(shift.std(0), [0.03, 0.02, 0.02], rtol=0.03)
    np.testing.assert_array_equal(shift[:, 1], shift[:, 2])


def test_augmented_images_stay_in_range_differ_and_follow_the_stream():
    given = images()
    axes = torch.eye(3)
    first, again = augment(given, axes, stream(1)), augment(given, axes, stream(1))
    assert torch.equal(first, again)
    assert not torch.equal(first, augment(given, axes, stream(2)))
    assert first.shape == given.shape
    assert first.min() >= -1.0
    assert first.max() <= 1.0
    assert (first - given).abs().mean() > 0.05


def test_augmented_is_moved_then_recoloured():
    given, axes, random = images(), torch.eye(3), stream(1)
    moved = translate(given, random)
    assert torch.equal(augment(given, axes, stream(1)), recolour(moved, axes, random))


def test_recoloured_images_are_jittered_and_relit_in_0_to_1_and_cut_off_but_not_moved():
    axes, random = torch.eye(3) * 2.0, stream(2)
    given = images(20, 16)
    found = recolour(given, axes, stream(2)).numpy()
    expected = relight(jitter((given + 1.0) / 2.0, random), axes, random).numpy()
    assert expected.min() < 0.0
    assert expected.max() > 1.0
    np.testing.assert_allclose(found, expected.clip(0.0, 1.0) * 2.0 - 1.0, atol=1e-6)
    # A grey image with one bright pixel keeps it where it is.
    dot = torch.full((5, 3, 8, 8), -0.2)
    dot[:, :, 2, 5] = 0.4
    shown = recolour(dot, torch.zeros(3, 3), stream(0))
    assert shown.amax(1).flatten(1).argmax(1).tolist() == [2 * 8 + 5] * 5
