"""The paper's table of variants: its rows, their networks, their steps."""

import copy
import dataclasses
import re
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.utils import parametrize

from ganloc.discriminator.losses import DISCRIMINATOR_LOSSES, GENERATOR_LOSSES
from ganloc.discriminator.networks import Discriminator
from ganloc.discriminator.penalties import NOISES, PENALTIES
from ganloc.discriminator.train_discriminator import train_discriminator
from ganloc.discriminator.train_state import (
    load_train_state,
    new_discriminator,
    new_train_state,
    save_train_state,
)
from ganloc.recipes import DRAGAN_NOISES, VARIANTS, Recipe

CPU = torch.device("cpu")
PIXELS = np.random.default_rng(0).integers(0, 256, (7, 32, 32, 3), np.uint8)
GUIDE = Path(__file__).parents[2] / "docs" / "add-a-variant.md"
PENALISED = [name for name, row in VARIANTS.items() if row.penalty != "none"]


def recipe(variant, **settings):
    tiny = {"size": 32, "generator_width": 2, "discriminator_width": 2, "latent": 4, "batch": 4}
    return Recipe(variant, **{**tiny, "iterations": 3, "seed": 2, **settings})


def weights(state):
    parts = (state.generator, state.discriminator)
    return [p.detach().clone() for part in parts for p in part.parameters()]


def test_the_rows_are_the_paper_s():
    # PAPER.md, "Variants": D loss, G loss, norm, spectral norm, penalty, clipping, D steps.
    one, ns, w = "cross-entropy", "non-saturating", "wasserstein"
    assert {name: dataclasses.astuple(row) for name, row in VARIANTS.items()} == {
        "gan": (one, "minimax", "batch", False, "none", 0.0, 1),
        "dcgan": (one, ns, "batch", False, "none", 0.0, 1),
        "sn-dcgan": (one, ns, "none", True, "none", 0.0, 1),
        "dragan": (one, ns, "batch", False, "dragan", 0.0, 1),
        "wgan": (w, w, "batch", False, "none", 0.01, 5),
        "wgan-gp": (w, w, "layer", False, "wgan-gp", 0.0, 5),
        "sn-wgan-gp": (w, w, "layer", True, "wgan-gp", 0.0, 5),
    }


def test_every_name_in_a_row_is_a_function():
    for row in VARIANTS.values():
        assert row.discriminator_loss in DISCRIMINATOR_LOSSES
        assert row.generator_loss in GENERATOR_LOSSES
        assert row.penalty in PENALTIES
        assert row.norm in ("batch", "layer", "none")
        assert row.n_critic >= 1
    assert set(DRAGAN_NOISES) == set(NOISES)


@pytest.mark.parametrize("spectral", [False, True])
def test_layer_norm_of_table_1(spectral):
    network = Discriminator(64, norm="layer", spectral=spectral)
    counts = [sum(p.numel() for p in block.parameters()) for block in network.blocks]
    # 4·4 kernels without a bias, and a scale and a shift a channel (not one a place: those of the
    # first map alone would be 2 · 64 · 32 · 32).
    assert counts == [
        3 * 64 * 16 + 2 * 64,  # 3,200
        64 * 128 * 16 + 2 * 128,  # 131,328
        128 * 256 * 16 + 2 * 256,  # 524,800
        256 * 512 * 16 + 2 * 512,  # 2,098,176
    ]
    assert sum(p.numel() for p in network.parameters()) == 2_758_017  # + 512 + 1
    norms = [m for m in network.modules() if isinstance(m, nn.GroupNorm)]
    assert [sum(p.numel() for p in norm.parameters()) for norm in norms] == [128, 256, 512, 1024]
    assert all(m.bias is None for m in network.modules() if isinstance(m, nn.Conv2d))
    weighted = [m for m in network.modules() if isinstance(m, nn.Conv2d | nn.Linear)]
    assert [parametrize.is_parametrized(m, "weight") for m in weighted] == [spectral] * 5


def test_layer_norm_takes_its_statistics_from_each_image():
    network = Discriminator(32, 4, "layer", spectral=False)
    images = torch.rand(3, 3, 32, 32)
    seen = []
    network.blocks[1].get_submodule("1").register_forward_hook(
        lambda _module, given, out: seen.append((given[0].detach().numpy(), out.detach().numpy()))
    )
    together = network(images)
    ((given, out),) = seen
    mean = given.mean(axis=(1, 2, 3), keepdims=True)
    expected = (given - mean) / np.sqrt(given.var(axis=(1, 2, 3), keepdims=True) + 1e-5)
    np.testing.assert_allclose(out, expected, atol=1e-4)
    alone = torch.cat([network(image[None]) for image in images])
    torch.testing.assert_close(together, alone, rtol=1e-4, atol=1e-6)


def steps_of(optimiser):
    """Adam's own count of its steps."""
    (count,) = {int(own["step"]) for own in optimiser.state_dict()["state"].values()}
    return count


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_generator_steps_once_and_a_wasserstein_critic_five_times(variant):
    given = recipe(variant)
    state = new_train_state(given, CPU)
    per_iteration = 5 if "wgan" in variant else 1
    for iteration, _ in enumerate(train_discriminator(state, PIXELS, given), 1):
        assert steps_of(state.generator_optimiser) == iteration
        assert steps_of(state.discriminator_optimiser) == per_iteration * iteration


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_discriminator_step_has_new_real_images_and_all_are_shown_as_often(variant):
    given = recipe(variant, iterations=7)
    state, shown = new_train_state(given, CPU), []
    of_pixels = PIXELS.transpose(0, 3, 1, 2).astype(np.float32) / 127.5 - 1.0

    def note(_, arguments):
        images = arguments[0].detach().numpy()
        distances = np.abs(images[:, None] - of_pixels).max(axis=(2, 3, 4))
        if (distances.min(axis=1) < 1e-6).all():  # real ones, neither generated nor between
            shown.append(distances.argmin(axis=1))

    state.discriminator.register_forward_pre_hook(note)
    list(train_discriminator(state, PIXELS, given))
    epochs = np.reshape(shown, (-1, 7))
    assert len(epochs) == (20 if "wgan" in variant else 4)  # 35 or 7 batches of four
    assert (np.sort(epochs, axis=1) == np.arange(7)).all()


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("noise", DRAGAN_NOISES)
def test_three_iterations_and_resumed_after_two(variant, noise, tmp_path):
    given = recipe(variant, mirror=True, dragan_noise=noise)
    straight, stopped = new_train_state(given, CPU), new_train_state(given, CPU)
    path = tmp_path / "state.safetensors"
    noted = []
    for losses in train_discriminator(straight, PIXELS, given):
        noted.append([value.item() for value in vars(losses).values()])
        assert (losses.penalty.item() > 0) == (variant in PENALISED)
    assert np.isfinite(noted).all()
    assert all(weight.isfinite().all() for weight in weights(straight))

    list(train_discriminator(stopped, PIXELS, dataclasses.replace(given, iterations=2)))
    save_train_state(stopped, path)
    loaded = load_train_state(path, given, CPU)
    (last,) = train_discriminator(loaded, PIXELS, given)
    assert [value.item() for value in vars(last).values()] == noted[2]
    pairs = zip(weights(loaded), weights(straight), strict=True)
    assert all(torch.equal(one, other) for one, other in pairs)


@pytest.mark.parametrize("size", [64, 128])
@pytest.mark.parametrize("variant", ["gan", "dragan", "wgan", "sn-wgan-gp"])
def test_the_larger_sizes(variant, size):
    pixels = np.random.default_rng(0).integers(0, 256, (2, size, size, 3), np.uint8)
    given = recipe(variant, size=size, generator_width=1, batch=2, iterations=1)
    (losses,) = train_discriminator(new_train_state(given, CPU), pixels, given)
    assert all(value.isfinite() for value in vars(losses).values())


def test_wgan_keeps_every_weight_within_a_hundredth():
    given = recipe("wgan")
    state = new_train_state(given, CPU)
    assert max(w.abs().max().item() for w in state.discriminator.parameters()) == 1.0
    for _ in train_discriminator(state, PIXELS, given):
        largest = [w.abs().max().item() for w in state.discriminator.parameters()]
        assert max(largest) == pytest.approx(0.01, rel=1e-6)
        assert max(w.abs().max().item() for w in state.generator.parameters()) > 0.5


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_penalty_s_settings_matter_where_there_is_one(variant):
    def trained(**settings):
        given = recipe(variant, **settings)
        state = new_train_state(given, CPU)
        list(train_discriminator(state, PIXELS, given))
        return torch.cat([w.flatten() for w in weights(state)])

    plain = trained()
    assert torch.equal(trained(penalty_weight=0.0), plain) == (variant not in PENALISED)
    assert torch.equal(trained(dragan_noise="uniform-scaled"), plain) == (variant != "dragan")


@pytest.mark.parametrize("scale", [1.0, 7.0])
@pytest.mark.parametrize("variant", PENALISED)
def test_the_first_discriminator_step_agrees_with_the_formulas(variant, scale):
    """Its gradient in float64 against Eq. 1 or 4 + 10 · Eq. 5 spelled out, on the same images."""
    given = recipe(variant, logit_scale=scale, iterations=1)
    state = new_train_state(given, CPU)
    critic, shown, gradients = state.discriminator.double(), [], []

    def note(_, arguments):
        shown.append(arguments[0].detach().double())
        return (arguments[0].double(),)

    own = copy.deepcopy(critic)
    critic.register_forward_pre_hook(note)
    state.discriminator_optimiser.register_step_pre_hook(
        lambda *_: gradients.append([p.grad.clone() for p in critic.parameters()])
    )
    next(train_discriminator(state, PIXELS, given))

    real, fake, points = shown[:3]  # what each of them is, is checked above and in test_penalties
    if variant != "dragan":
        alpha = ((points - fake) / (real - fake)).flatten(1)
        torch.testing.assert_close(alpha, alpha[:, :1].expand_as(alpha), rtol=1e-3, atol=1e-4)
    of_real, of_fake = scale * own(real), scale * own(fake)
    if variant == "dragan":
        chances = torch.sigmoid(of_real), torch.sigmoid(of_fake)
        loss = -chances[0].log().mean() - (1 - chances[1]).log().mean()
    else:
        loss = of_fake.mean() - of_real.mean()
    points = points.requires_grad_()
    slope = torch.autograd.grad((scale * own(points)).sum(), points, create_graph=True)[0]
    loss = loss + 10 * (((slope**2).sum((1, 2, 3)).sqrt() - 1) ** 2).mean()
    expected = torch.autograd.grad(loss, list(own.parameters()))
    # The slope at the points is rounded to their float32.
    for gradient, own_gradient in zip(gradients[0], expected, strict=True):
        size = own_gradient.abs().max().item()
        torch.testing.assert_close(gradient, own_gradient, rtol=1e-5, atol=1e-6 * size + 1e-15)


def test_a_network_is_made_from_its_row():
    for variant, row in VARIANTS.items():
        network = new_discriminator(recipe(variant))
        kinds = {type(m) for m in network.modules()}
        assert (nn.BatchNorm2d in kinds, nn.GroupNorm in kinds) == (
            row.norm == "batch",
            row.norm == "layer",
        )
        assert parametrize.is_parametrized(network.linear, "weight") == row.spectral


def test_the_guide_s_eighth_variant_trains():
    define, use = re.findall(r"```python\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)
    with patch.dict(VARIANTS), patch.dict(PENALTIES):
        exec(define, {})
        ((name, row),) = list(VARIANTS.items())[7:]
        assert f'variant="{name}"' in use
        given = recipe(name)
        for losses in train_discriminator(new_train_state(given, CPU), PIXELS, given):
            assert 0 < losses.penalty.item() < 1
        # D(x) = ⟨1, x⟩ has the slope 1 in each of 3 · 4 · 4 values.
        real = torch.zeros(2, 3, 4, 4)
        value = PENALTIES[row.penalty](
            lambda x: x.sum((1, 2, 3)), real, real, "", torch.Generator()
        )
        assert value.item() == 48
    assert len(VARIANTS) == 7
