"""The training step against a second, plain one in float64, written from the paper alone."""

from dataclasses import dataclass, field

import numpy as np
import pytest
import torch
from torch.nn import functional

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


def own_training(recipe, g, d, v, inputs):
    """The weights after all iterations, both Adams, and the four numbers of each iteration.

    `inputs` are the real images and the z of every step, whatever they were.
    """
    adam_g = OwnAdam(recipe.generator_rate, recipe.beta1)
    adam_d = OwnAdam(recipe.discriminator_rate, recipe.beta1)
    scale, history = recipe.logit_scale, []
    for real, z_of_d, z_of_g in inputs:
        fake = own_generator(g, z_of_d).detach()
        of_real = torch.sigmoid(scale * own_discriminator(d, v, real))
        of_fake = torch.sigmoid(scale * own_discriminator(d, v, fake))
        loss_d = -of_real.log().mean() - (1 - of_fake).log().mean()
        d = adam_d.update(d, torch.autograd.grad(loss_d, d))

        fooled = torch.sigmoid(scale * own_discriminator(d, v, own_generator(g, z_of_g)))
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


def check_real(batch, mirror):
    """Each is an image of the set, or where the recipe says so its mirror image."""
    images = PIXELS.transpose(0, 3, 1, 2) / 127.5 - 1.0
    if mirror:
        images = np.concatenate([images, images[..., ::-1]])
    distances = np.abs(batch.numpy()[:, None] - images).max(axis=(2, 3, 4))
    assert batch.shape == (BATCH, 3, 32, 32)
    assert distances.min(axis=1).max() < 1e-6


def copies(tensors):
    return [t.detach().clone().requires_grad_() for t in tensors]


def in_float64(network):
    """The network in float64, and a list of what it is given from now on."""
    given = []

    def note(_, arguments):
        given.append(arguments[0].detach().double())
        return (arguments[0].double(),)

    network.double().register_forward_pre_hook(note)
    return network, given


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
    (generator, z), (discriminator, images) = map(
        in_float64, (state.generator, state.discriminator)
    )
    networks = {"generator": generator, "discriminator": discriminator}
    before = {part: copies(in_order(network)) for part, network in networks.items()}
    v = [b.clone() for name, b in discriminator.named_buffers() if name.endswith("_v")] or None
    assert (v is None) == (given.variant == "dcgan")

    told = [
        [x.item() for x in (step.discriminator, step.generator, step.real, step.fake)]
        for step in train_discriminator(state, PIXELS, given)
    ]
    # An iteration shows the discriminator real images, fakes, and once more fakes.
    inputs = list(zip(images[::3], z[::2], z[1::2], strict=True))
    assert len(inputs) == given.iterations
    for number, real in enumerate(images[::3]):
        check_real(real, given.mirror)
        assert not torch.equal(z[2 * number], z[2 * number + 1])
    g, d, adam_g, adam_d, history = own_training(given, *before.values(), v, inputs)
    np.testing.assert_allclose(told, history, rtol=1e-9)
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
