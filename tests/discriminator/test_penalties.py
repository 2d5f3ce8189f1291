"""Penalties against closed forms and central differences in float64; noises and clipping."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ganloc.discriminator.networks import Discriminator
from ganloc.discriminator.penalties import (
    NOISES,
    PENALTIES,
    between,
    clip_weights,
    dragan,
    gradient_penalty,
    no_penalty,
    wgan_gp,
)

CRITICS = {"dcgan": ("batch", False), "wgan-gp": ("layer", False), "sn-wgan-gp": ("layer", True),
           "sn-dcgan": ("none", True), "plain": ("none", False)}  # fmt: skip


def stream(seed=0):
    return torch.Generator().manual_seed(seed)


def some(count=3, side=8, channels=3, seed=0):
    """Images in float64, from −1 to 1."""
    shape = (count, channels, side, side)
    return torch.rand(shape, generator=stream(seed), dtype=torch.float64) * 2 - 1


def test_a_linear_critic():
    # D(x) = ⟨w, x⟩: ∇D = w wherever x̄ is; penalty (‖w‖ − 1)², its gradient 2 (‖w‖ − 1) w / ‖w‖.
    w = some(1, seed=1)[0].requires_grad_()
    norm = math.sqrt(float((w.detach() ** 2).sum()))
    for penalty in (wgan_gp, dragan):
        value = penalty(
            lambda x: (w * x).sum((1, 2, 3)), some(), some(seed=2), "gaussian", stream()
        )
        assert value.item() == pytest.approx((norm - 1) ** 2, rel=1e-12)
        (gradient,) = torch.autograd.grad(value, w)
        torch.testing.assert_close(gradient, 2 * (norm - 1) / norm * w.detach(), rtol=1e-12, atol=0)


def test_a_quadratic_critic():
    # D(x) = a ‖x‖² / 2: ∇D = a x̄; with r = ‖x̄‖, E (a r − 1)² and its derivative E 2 (a r − 1) r.
    a = torch.tensor(0.3, dtype=torch.float64, requires_grad=True)
    points = some(5)
    r = np.sqrt((points.numpy() ** 2).sum(axis=(1, 2, 3)))
    value = gradient_penalty(lambda x: a / 2 * x.square().sum((1, 2, 3)), points)
    assert value.item() == pytest.approx(((0.3 * r - 1) ** 2).mean(), rel=1e-12)
    assert torch.autograd.grad(value, a)[0].item() == pytest.approx(
        (2 * (0.3 * r - 1) * r).mean(), rel=1e-12
    )
    assert not points.requires_grad


def new_critic(name):
    """A discriminator with slopes of about 1, whose singular vectors stay put."""
    norm, spectral = CRITICS[name]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(4)
        critic = Discriminator(32, 2, norm, spectral).double()
        for parameter in critic.parameters():
            parameter.data += 0.2 * torch.randn_like(parameter)
    # Spectral norm iterates in every training pass, so differences need evaluation mode.
    return critic.train(not spectral).requires_grad_(True)


@torch.no_grad()
def differenced_penalty(critic, points, h=1e-6):
    """Eq. 5 with ∇D by central differences in every value of every image."""
    squares = np.zeros(len(points))
    for index in np.ndindex(*points.shape):
        up, down = points.clone(), points.clone()
        up[index] += h
        down[index] -= h
        squares[index[0]] += ((critic(up).sum() - critic(down).sum()).item() / (2 * h)) ** 2
    return ((np.sqrt(squares) - 1) ** 2).mean()


@pytest.mark.parametrize("name", CRITICS)
def test_a_convolutional_critic(name):
    critic, points = new_critic(name), some(2)
    value = gradient_penalty(critic, points)
    assert value.item() > 1e-3
    assert value.item() == pytest.approx(differenced_penalty(critic, points), rel=1e-6)


@pytest.mark.parametrize("name", CRITICS)
def test_its_gradient_in_every_weight(name):
    """Double backward against central differences of the penalty, which the test above checked."""
    critic, points, h = new_critic(name), some(2), 1e-7
    gradients = torch.autograd.grad(
        gradient_penalty(critic, points), list(critic.parameters()), allow_unused=True
    )
    largest = max(g.abs().max().item() for g in gradients if g is not None)
    assert largest > 1e-2
    for (label, parameter), gradient in zip(critic.named_parameters(), gradients, strict=True):
        flat, differences = parameter.data.view(-1), []
        # A dozen values of each parameter, spread over it.
        places = torch.linspace(0, len(flat) - 1, min(12, len(flat))).long().tolist()
        for place in places:
            kept, sides = flat[place].item(), []
            for step in (h, -h):
                flat[place] = kept + step
                sides.append(gradient_penalty(critic, points).item())
            flat[place] = kept
            differences.append((sides[0] - sides[1]) / (2 * h))
        exact = torch.zeros(len(flat)) if gradient is None else gradient.reshape(-1)
        np.testing.assert_allclose(
            exact[places], differences, rtol=1e-6, atol=1e-6 * largest, err_msg=label
        )


@pytest.mark.parametrize("noise", NOISES)
def test_the_points_lie_between(noise):
    """α is one an image: x̄ = αx + (1 − α)x_gp solves for the same α everywhere in an image."""
    real, fake, seen = some(400, side=4), some(400, side=4, seed=1), {}

    def critic(name):
        def keep(points):
            seen[name] = points.detach()
            return points.sum((1, 2, 3))

        return keep

    wgan_gp(critic("wgan-gp"), real, fake, noise, stream(5))
    alpha = ((seen["wgan-gp"] - fake) / (real - fake)).flatten(1)
    torch.testing.assert_close(alpha, alpha[:, :1].expand_as(alpha), rtol=1e-6, atol=1e-8)
    shares = np.histogram(alpha[:, 0].numpy(), bins=4, range=(0, 1))[0] / 400
    np.testing.assert_allclose(shares, 0.25, atol=5 * math.sqrt(0.25 * 0.75 / 400))

    dragan(critic("dragan"), real, fake, noise, stream(5))
    same, drawn = stream(5), NOISES[noise]
    expected = between(real, real + drawn(real, same), same)
    assert torch.equal(seen["dragan"], expected)
    assert not torch.equal(seen["dragan"], real)


def test_a_random_stream_of_its_own():
    before, random = torch.get_rng_state(), stream(3)
    for penalty in PENALTIES.values():
        penalty(lambda x: x.sum((1, 2, 3)), some(), some(), "gaussian", random)
    assert torch.equal(torch.get_rng_state(), before)
    assert not torch.equal(random.get_state(), stream(3).get_state())
    untouched = stream(3)
    assert no_penalty(lambda x: x, some(), some(), "gaussian", untouched).item() == 0.0
    assert torch.equal(untouched.get_state(), stream(3).get_state())


def test_the_noises_have_the_stated_standard_deviations():
    real = 3.0 * some(200, side=16) + 0.7  # standard deviation 3 · 2 / √12 = √3
    n, half = real.numel(), 0.5 * float(real.numpy().std())
    assert half == pytest.approx(math.sqrt(3) / 2, rel=0.01)
    # Within five standard errors: s / √n of a mean, s / √(2n) of a Gaussian's deviation.
    noise = NOISES["gaussian"](real, stream()).numpy()
    assert noise.std() == pytest.approx(half, rel=5 / math.sqrt(2 * n))
    assert abs(noise.mean()) < 5 * half / math.sqrt(n)
    assert (np.abs(noise) < half).mean() == pytest.approx(0.6827, abs=0.01)
    # U[0, 1) has mean 1/2 and standard deviation 1/√12.
    noise = NOISES["uniform-scaled"](real, stream()).numpy()
    assert noise.std() == pytest.approx(half / math.sqrt(12), rel=0.01)
    assert noise.mean() == pytest.approx(half / 2, rel=0.01)
    assert 0 <= noise.min() < noise.max() < half


def test_a_batch_of_one_colour_has_no_noise():
    flat = torch.full((2, 3, 4, 4), 0.25)
    for noise in NOISES.values():
        assert torch.equal(noise(flat, stream()), torch.zeros_like(flat))


def test_a_flat_critic_costs_one_and_pulls_nowhere():
    w = torch.zeros(3, 8, 8, dtype=torch.float64, requires_grad=True)
    value = gradient_penalty(lambda x: (w * x).sum((1, 2, 3)), some())
    assert value.item() == 1.0
    assert torch.equal(torch.autograd.grad(value, w)[0], torch.zeros_like(w))


@settings(max_examples=40, deadline=None)
@given(
    shape=st.tuples(*[st.integers(1, 4)] * 2, *[st.integers(1, 6)] * 2),
    scale=st.sampled_from([0.0, 1e-30, 1e-12, 1.0, 1e4]),
    logit=st.sampled_from([-1e4, 0.0, 1e4]),
    name=st.sampled_from(list(PENALTIES)),
    noise=st.sampled_from(list(NOISES)),
)
def test_no_penalty_and_no_gradient_is_ever_nan(shape, scale, logit, name, noise):
    real, fake = torch.rand(shape, generator=stream(1)), torch.zeros(shape)
    w = torch.full(shape[1:], scale, requires_grad=True)
    bias = torch.tensor(logit, requires_grad=True)
    value = PENALTIES[name](lambda x: (w * x).sum((1, 2, 3)) + bias, real, fake, noise, stream())
    assert value.isfinite()
    gradients = torch.autograd.grad(value + 0.0 * (w.sum() + bias), (w, bias))
    assert all(gradient.isfinite().all() for gradient in gradients)


@pytest.mark.parametrize("name", CRITICS)
@pytest.mark.parametrize("scale", [1e-4, 1e4])
def test_extreme_logits_of_a_discriminator(name, scale):
    critic, points = new_critic(name).float(), some(3, side=32).float()
    value = gradient_penalty(lambda x: scale * critic(x), points)
    value.backward()
    assert value.isfinite()
    assert all(p.grad is None or p.grad.isfinite().all() for p in critic.parameters())


def test_clipping_moves_only_what_is_outside():
    weights = torch.tensor([-3.0, -0.01, -0.004, 0.0, 0.01, 0.02], requires_grad=True)
    clip_weights([weights], 0.01)
    expected = torch.tensor([-0.01, -0.01, -0.004, 0.0, 0.01, 0.01])
    assert torch.equal(weights.detach(), expected)
    assert weights.requires_grad
    assert weights.grad_fn is None
