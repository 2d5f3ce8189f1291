"""The training step against a second, plain one in float64, written from the paper alone."""

from dataclasses import dataclass, field

import numpy as np
import pytest
import torch
from torch.nn import functional

from ganloc.discriminator import train_discriminator as play_module
from ganloc.discriminator.train_discriminator import train_discriminator
from ganloc.discriminator.train_state import new_train_state
from ganloc.recipes import Recipe

CPU = torch.device("cpu")
BATCH, LATENT = 4, 6
PIXELS = np.random.default_rng(0).integers(0, 256, (7, 32, 32, 3), np.uint8)


def recipe(**settings):
    tiny = {"size": 32, "generator_width": 4, "discriminator_width": 4, "latent": LATENT}
    return Recipe(**{**tiny, "batch": BATCH, "iterations": 2, "seed": 5, **settings})


def own_batch_norm(maps, scale, shift):
    mean = maps.mean((0, 2, 3), keepdim=True)
    variance = ((maps - mean) ** 2).mean((0, 2, 3), keepdim=True)
    return (maps - mean) / (variance + 1e-5).sqrt() * scale.view(1, -1, 1, 1) + shift.view(
        1, -1, 1, 1
    )


def own_generator(weights, z):
    """Table 1's generator at 32×32; `weights` in the order of the layers."""
    w = iter(weights)
    maps = (z @ next(w).T + next(w)).reshape(len(z), -1, 4, 4)
    for _ in range(3):
        maps = functional.conv_transpose2d(maps, next(w), stride=2, padding=1)
        maps = own_batch_norm(maps, next(w), next(w)).clamp(min=0)
    maps = functional.conv_transpose2d(maps, next(w), next(w))[:, :, 1:-2, 1:-2]
    assert next(w, None) is None
    return maps.tanh()


def own_discriminator(weights, v, images):
    """Table 1's discriminator at 32×32; `v` are the right singular vectors, or None for DCGAN.

    `v` is moved on by one power iteration.
    """
    w = iter(weights)

    def normed(weight, layer):
        if v is None:
            return weight
        with torch.no_grad():
            matrix = weight.reshape(len(weight), -1)
            u = matrix @ v[layer]
            u = u / u.square().sum().sqrt()
            v[layer] = matrix.T @ u
            v[layer] = v[layer] / v[layer].square().sum().sqrt()
            right = v[layer]
        return weight / (u @ (weight.reshape(len(weight), -1) @ right))

    maps = images
    for layer in range(4):
        kernel = normed(next(w), layer)
        if layer == 0:
            maps = functional.conv2d(functional.pad(maps, (1, 2, 1, 2)), kernel)
        else:
            maps = functional.conv2d(maps, kernel, stride=2, padding=1)
        if v is None:
            maps = own_batch_norm(maps, next(w), next(w))
        else:
            maps = maps + next(w).view(1, -1, 1, 1)
        maps = torch.where(maps > 0, maps, 0.2 * maps)
    logits = maps.mean((2, 3)) @ normed(next(w), 4)[0] + next(w)[0]
    assert next(w, None) is None
    return logits


@dataclass
class OwnAdam:
    """Kingma and Ba's Algorithm 1."""

    rate: float
    beta1: float
    step: int = 0
    mean: list = field(default_factory=list)
    square: list = field(default_factory=list)

    def update(self, weights, gradients):
        self.step += 1
        self.mean = self.mean or [torch.zeros_like(g) for g in gradients]
        self.square = self.square or [torch.zeros_like(g) for g in gradients]
        out = []
        for i, (weight, g) in enumerate(zip(weights, gradients, strict=True)):
            self.mean[i] = self.beta1 * self.mean[i] + (1 - self.beta1) * g
            self.square[i] = 0.999 * self.square[i] + 0.001 * g * g
            mean = self.mean[i] / (1 - self.beta1**self.step)
            square = self.square[i] / (1 - 0.999**self.step)
            moved = weight.detach() - self.rate * mean / (square.sqrt() + 1e-8)
            out.append(moved.requires_grad_())
        return out


def own_training(recipe, g, d, v):
    """The weights after all iterations, both Adams, and the four numbers of each iteration."""
    random = torch.Generator().manual_seed(recipe.seed)
    adam_g = OwnAdam(recipe.generator_rate, recipe.beta1)
    adam_d = OwnAdam(recipe.discriminator_rate, recipe.beta1)
    epochs = [np.random.default_rng((recipe.seed, e)).permutation(len(PIXELS)) for e in range(9)]
    order = np.concatenate(epochs)
    all_real = torch.from_numpy(PIXELS.transpose(0, 3, 1, 2) / 127.5 - 1.0)
    scale, history = recipe.logit_scale, []

    def draw():
        return (torch.rand(BATCH, LATENT, generator=random) * 2 - 1).double()

    for step in range(recipe.iterations):
        real = all_real[order[step * BATCH : (step + 1) * BATCH]]
        if recipe.mirror:
            flips = torch.rand(BATCH, generator=random) < 0.5
            real = torch.stack([p.flip(-1) if f else p for p, f in zip(real, flips, strict=True)])
        fake = own_generator(g, draw()).detach()
        of_real = torch.sigmoid(scale * own_discriminator(d, v, real))
        of_fake = torch.sigmoid(scale * own_discriminator(d, v, fake))
        loss_d = -of_real.log().mean() - (1 - of_fake).log().mean()
        d = adam_d.update(d, torch.autograd.grad(loss_d, d))

        fooled = torch.sigmoid(scale * own_discriminator(d, v, own_generator(g, draw())))
        loss_g = -fooled.log().mean()
        g = adam_g.update(g, torch.autograd.grad(loss_g, g))
        history.append([x.item() for x in (loss_d, loss_g, of_real.mean(), of_fake.mean())])
    return g, d, adam_g, adam_d, history


def in_order(network):
    """The parameters by layer, each layer's weight before its bias."""
    named = [
        (name.replace("parametrizations.weight.original", "weight"), p)
        for name, p in network.named_parameters()
    ]
    layers = list(dict.fromkeys(name.rpartition(".")[0] for name, _ in named))
    named.sort(key=lambda pair: (layers.index(pair[0].rpartition(".")[0]), "bias" in pair[0]))
    return [p for _, p in named]


def copies(tensors):
    return [t.detach().clone().requires_grad_() for t in tensors]


@pytest.fixture
def in_float64(monkeypatch):
    draw_z = play_module.draw_z
    monkeypatch.setattr(play_module, "draw_z", lambda *given: draw_z(*given).double())
    monkeypatch.setattr(
        play_module,
        "to_tensor",
        lambda pixels, _: torch.from_numpy(pixels).permute(0, 3, 1, 2).double() / 127.5 - 1.0,
    )


@pytest.mark.usefixtures("in_float64")
@pytest.mark.parametrize(
    "settings",
    [
        {"variant": "sn-dcgan", "iterations": 1},
        {"variant": "sn-dcgan", "iterations": 3, "logit_scale": 5.0, "beta1": 0.5},
        {"variant": "dcgan", "iterations": 1},
        {
            "variant": "dcgan",
            "iterations": 3,
            "mirror": True,
            "generator_rate": 1e-3,
            "discriminator_rate": 5e-4,
        },
    ],
)
def test_training_agrees_with_a_second_implementation(settings):
    given = recipe(**settings)
    state = new_train_state(given, CPU)
    networks = {
        "generator": state.generator.double(),
        "discriminator": state.discriminator.double(),
    }
    before = {part: copies(in_order(network)) for part, network in networks.items()}
    v = [
        b.clone() for name, b in state.discriminator.named_buffers() if name.endswith("_v")
    ] or None
    assert (v is None) == (given.variant == "dcgan")
    g, d, adam_g, adam_d, history = own_training(given, *before.values(), v)

    played = [
        [x.item() for x in (step.discriminator, step.generator, step.real, step.fake)]
        for step in train_discriminator(state, PIXELS, given)
    ]
    np.testing.assert_allclose(played, history, rtol=1e-9)
    for part, after, own_adam, optimiser, rate in [
        ("generator", g, adam_g, state.generator_optimiser, given.generator_rate),
        ("discriminator", d, adam_d, state.discriminator_optimiser, given.discriminator_rate),
    ]:
        parameters = in_order(networks[part])
        for i, (now, expected) in enumerate(zip(parameters, after, strict=True)):
            # A first step of Adam is little more than the gradient's sign: its means tell the size.
            mean, size = optimiser.state[now]["exp_avg"], own_adam.mean[i].abs().max().item()
            assert size > 0
            torch.testing.assert_close(mean, own_adam.mean[i], rtol=1e-6, atol=1e-8 * size)
            moved = (now.detach() - before[part][i].detach()) / rate
            own_move = (expected.detach() - before[part][i].detach()) / rate
            assert own_move.abs().max() > 0.1
            torch.testing.assert_close(moved, own_move, rtol=1e-6, atol=1e-6)
