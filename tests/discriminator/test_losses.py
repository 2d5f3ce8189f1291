"""The losses against plain logarithms, and spectral norm against singular values."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn.utils import parametrize

from ganloc.discriminator.losses import (
    DISCRIMINATOR_LOSSES,
    GENERATOR_LOSSES,
    cross_entropy,
    minimax,
    non_saturating,
    wasserstein_critic,
    wasserstein_generator,
)
from ganloc.discriminator.networks import Discriminator


def logits(count=9, spread=4.0, seed=0):
    return np.random.default_rng(seed).normal(0, spread, count)


def sigmoid(t):
    return 1 / (1 + np.exp(-t))


def test_cross_entropy_is_equation_1():
    real, fake = logits(seed=0), logits(seed=1)
    expected = -np.log(sigmoid(real)).mean() - np.log(1 - sigmoid(fake)).mean()
    loss = cross_entropy(torch.from_numpy(real), torch.from_numpy(fake))
    assert loss.item() == pytest.approx(expected, rel=1e-10)


def test_non_saturating_is_equation_3():
    fake = logits(seed=2)
    loss = non_saturating(torch.from_numpy(fake))
    assert loss.item() == pytest.approx(-np.log(sigmoid(fake)).mean(), rel=1e-10)


def test_minimax_is_equation_2():
    fake = logits(seed=2)
    loss = minimax(torch.from_numpy(fake))
    assert loss.item() == pytest.approx(np.log(1 - sigmoid(fake)).mean(), rel=1e-10)


def test_wasserstein_is_equation_4_with_the_sign_that_is_minimised():
    real, fake = logits(seed=0), logits(seed=1)
    loss = wasserstein_critic(torch.from_numpy(real), torch.from_numpy(fake))
    assert loss.item() == pytest.approx(fake.mean() - real.mean(), rel=1e-10)
    assert wasserstein_generator(torch.from_numpy(fake)).item() == pytest.approx(-fake.mean())


def test_a_discriminator_that_knows_nothing():
    nothing = torch.zeros(5)
    assert cross_entropy(nothing, nothing).item() == pytest.approx(2 * math.log(2))
    assert non_saturating(nothing).item() == pytest.approx(math.log(2))


def test_gradients_are_those_of_the_logarithms():
    # d(−log σ(t))/dt = σ(t) − 1 and d(−log(1 − σ(t)))/dt = σ(t), over the batch of 9.
    real = torch.from_numpy(logits(seed=3)).requires_grad_()
    fake = torch.from_numpy(logits(seed=4)).requires_grad_()
    cross_entropy(real, fake).backward()
    np.testing.assert_allclose(real.grad, (sigmoid(logits(seed=3)) - 1) / 9, rtol=1e-9)
    np.testing.assert_allclose(fake.grad, sigmoid(logits(seed=4)) / 9, rtol=1e-9)
    fake.grad = None
    non_saturating(fake).backward()
    np.testing.assert_allclose(fake.grad, (sigmoid(logits(seed=4)) - 1) / 9, rtol=1e-9)
    fake.grad = None
    minimax(fake).backward()
    np.testing.assert_allclose(fake.grad, -sigmoid(logits(seed=4)) / 9, rtol=1e-9)


def test_gradients_of_wasserstein_are_constant():
    real = torch.from_numpy(logits(seed=3)).requires_grad_()
    fake = torch.from_numpy(logits(seed=4)).requires_grad_()
    wasserstein_critic(real, fake).backward()
    np.testing.assert_allclose(real.grad, [-1 / 9] * 9, rtol=1e-12)
    np.testing.assert_allclose(fake.grad, [1 / 9] * 9, rtol=1e-12)
    fake.grad = None
    wasserstein_generator(fake).backward()
    np.testing.assert_allclose(fake.grad, [-1 / 9] * 9, rtol=1e-12)


@pytest.mark.parametrize(
    ("real", "fake", "of_discriminator", "of_generator"),
    [
        (1e4, -1e4, 0.0, 1e4),
        (-1e4, 1e4, 2e4, 0.0),
        (1e4, 1e4, 1e4, 0.0),
        (-1e4, -1e4, 1e4, 1e4),
    ],
)
def test_extreme_logits_stay_finite(real, fake, of_discriminator, of_generator):
    real, fake = torch.full((3,), real), torch.full((3,), fake)
    real.requires_grad_()
    loss = cross_entropy(real, fake)
    loss.backward()
    assert loss.item() == of_discriminator
    assert real.grad.tolist() == pytest.approx([0.0 if real[0] > 0 else -1 / 3] * 3)
    assert non_saturating(fake).item() == of_generator


@settings(max_examples=50, deadline=None)
@given(
    pairs=st.lists(st.tuples(*[st.floats(-1e4, 1e4, width=32)] * 2), min_size=1, max_size=40),
    of_discriminator=st.sampled_from(list(DISCRIMINATOR_LOSSES)),
    of_generator=st.sampled_from(list(GENERATOR_LOSSES)),
)
def test_no_loss_and_no_gradient_is_ever_nan(pairs, of_discriminator, of_generator):
    real, fake = (torch.tensor(values, requires_grad=True) for values in zip(*pairs, strict=True))
    losses = [
        DISCRIMINATOR_LOSSES[of_discriminator](real, fake),
        GENERATOR_LOSSES[of_generator](fake),
    ]
    for loss in losses:
        assert loss.abs() <= 2.001e4
        for gradient in torch.autograd.grad(loss, (real, fake), allow_unused=True):
            assert gradient is None or bool((gradient.abs() <= 1.001 / len(pairs)).all())


def discriminator_with_wrong_vectors():
    """A float64 discriminator whose u and v are far from the singular vectors."""
    torch.manual_seed(1)
    discriminator = Discriminator(32, width=4).double()
    for _, spectral in normed(discriminator):
        for vector in (spectral._u, spectral._v):
            vector.copy_(torch.randn_like(vector))
            vector.div_(vector.norm())
    return discriminator


def normed(discriminator):
    """Each spectrally normed layer with what holds its u and v."""
    layers = [m for m in discriminator.modules() if isinstance(m, nn.Conv2d | nn.Linear)]
    assert len(layers) == 5
    return [(layer, layer.parametrizations["weight"][0]) for layer in layers]


def original(layer):
    return layer.parametrizations["weight"].original


def vectors(discriminator):
    return [(s._u.numpy().copy(), s._v.numpy().copy()) for _, s in normed(discriminator)]


def iterate(weight, v):
    """One power iteration on the out × rest matrix."""
    u = weight @ v
    u = u / np.sqrt((u * u).sum())
    v = weight.T @ u
    return u, v / np.sqrt((v * v).sum())


def matrix(weight):
    return weight.detach().numpy().reshape(len(weight), -1)


def images(count=2):
    return torch.rand(count, 3, 32, 32, dtype=torch.float64) * 2 - 1


def test_spectral_norm_makes_the_largest_singular_value_one():
    discriminator = discriminator_with_wrong_vectors()
    with torch.no_grad():
        for _ in range(600):
            discriminator(images(1))
    discriminator.eval()
    for layer, _ in normed(discriminator):
        top = torch.linalg.svdvals(layer.weight.detach().flatten(1))[0].item()
        assert top == pytest.approx(1.0, abs=1e-3)
        assert torch.linalg.svdvals(original(layer).detach().flatten(1))[0].item() < 0.7


def test_a_training_forward_makes_one_power_iteration():
    discriminator = discriminator_with_wrong_vectors()
    given = images()
    expected = [
        iterate(matrix(original(layer)), v)
        for (layer, _), (_, v) in zip(normed(discriminator), vectors(discriminator), strict=True)
    ]
    with torch.no_grad():
        trained = discriminator(given)
        for (u, v), (u_after, v_after) in zip(expected, vectors(discriminator), strict=True):
            np.testing.assert_allclose(u_after, u, atol=1e-12)
            np.testing.assert_allclose(v_after, v, atol=1e-12)
        # The forward that made the iteration used its outcome: W / (uᵀ W v).
        discriminator.eval()
        for (layer, _), (u, v) in zip(normed(discriminator), expected, strict=True):
            weight = matrix(original(layer))
            np.testing.assert_allclose(matrix(layer.weight), weight / (u @ weight @ v), rtol=1e-9)
        torch.testing.assert_close(discriminator(given), trained, rtol=1e-10, atol=1e-12)


def test_evaluation_leaves_the_vectors_alone():
    discriminator = discriminator_with_wrong_vectors().eval()
    before = vectors(discriminator)
    first = discriminator(images())
    assert first.isfinite().all()
    for (u, v), (u_after, v_after) in zip(before, vectors(discriminator), strict=True):
        np.testing.assert_array_equal(u_after, u)
        np.testing.assert_array_equal(v_after, v)


def test_no_gradient_flows_through_the_singular_vectors():
    # With σ = uᵀ W v and u, v held fast, ∂L/∂W = (∂L/∂Ŵ − ⟨∂L/∂Ŵ, Ŵ⟩ u vᵀ) / σ for Ŵ = W / σ. The
    # vectors are far from singular, so that a gradient through them would show.
    discriminator = discriminator_with_wrong_vectors()
    with parametrize.cached():  # so that the Ŵ seen here is the one that is convolved with
        effective = [layer.weight for layer, _ in normed(discriminator)]
        for weight in effective:
            weight.retain_grad()
        non_saturating(30.0 * discriminator(images())).backward()
    for (layer, spectral), hat in zip(normed(discriminator), effective, strict=True):
        u, v = spectral._u.numpy(), spectral._v.numpy()
        weight, grad_hat = matrix(original(layer)), matrix(hat.grad)
        sigma = u @ weight @ v
        inner = (grad_hat * weight / sigma).sum()
        expected = (grad_hat - inner * np.outer(u, v)) / sigma
        scale = np.abs(expected).max()
        if weight.shape[0] > 1:  # The gradient of a 1 × n matrix has no part left to compare.
            assert np.abs(inner * np.outer(u, v) / sigma).max() > 1e-3 * scale
        assert scale > 1e-8
        np.testing.assert_allclose(matrix(original(layer).grad), expected, atol=1e-9 * scale)
