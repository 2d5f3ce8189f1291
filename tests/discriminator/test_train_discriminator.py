"""The training step: what it shows the networks, weighs, counts and tells."""

import numpy as np
import pytest
import torch

from ganloc.discriminator import border_pretext
from ganloc.discriminator import train_discriminator as play_module
from ganloc.discriminator.train_discriminator import draw_real, train_discriminator
from ganloc.discriminator.train_state import new_train_state
from ganloc.images.augment import augment, colour_axes, recolour
from ganloc.recipes import Recipe

CPU = torch.device("cpu")
BATCH, LATENT = 4, 6
WEIGHTS = ("adversarial_weight", "border_weight")
PIXELS = np.random.default_rng(0).integers(0, 256, (7, 32, 32, 3), np.uint8)


def recipe(**settings):
    tiny = {"size": 32, "generator_width": 4, "discriminator_width": 4, "latent": LATENT}
    return Recipe(**{**tiny, "batch": BATCH, "iterations": 2, "seed": 5, **settings})


def snapshot(module):
    return {name: values.clone() for name, values in module.state_dict().items()}


def test_both_networks_end_in_training_mode_and_trainable():
    state = new_train_state(recipe(), CPU)
    state.generator.eval()
    state.discriminator.eval()
    for _ in train_discriminator(state, PIXELS, recipe()):
        assert state.generator.training
        assert state.discriminator.training
        assert all(p.requires_grad for p in state.discriminator.parameters())
        assert all(p.requires_grad for p in state.generator.parameters())


def test_iterations_are_counted_and_a_finished_game_is_left_alone():
    state = new_train_state(recipe(iterations=3), CPU)
    counted = [state.iteration for _ in train_discriminator(state, PIXELS, recipe(iterations=3))]
    assert counted == [1, 2, 3]
    before = snapshot(state.generator) | snapshot(state.discriminator)
    assert list(train_discriminator(state, PIXELS, recipe(iterations=3))) == []
    after = snapshot(state.generator) | snapshot(state.discriminator)
    assert all(torch.equal(after[name], before[name]) for name in before)


def test_losses_are_detached_scalars_and_begin_at_chance():
    state = new_train_state(recipe(), CPU)
    losses = next(train_discriminator(state, PIXELS, recipe()))
    for value in (losses.discriminator, losses.generator, losses.real, losses.fake):
        assert value.shape == ()
        assert not value.requires_grad
    # A fresh discriminator's logits are near 0: 2 ln 2, ln 2, and a probability of one half.
    assert losses.discriminator.item() == pytest.approx(1.386, abs=0.1)
    assert losses.generator.item() == pytest.approx(0.693, abs=0.1)
    assert losses.real.item() == pytest.approx(0.5, abs=0.05)
    assert losses.fake.item() == pytest.approx(0.5, abs=0.05)


@pytest.mark.parametrize("mirror", [False, True])
def test_half_of_the_real_images_are_mirrored_left_to_right(mirror):
    given = recipe(mirror=mirror, batch=700)
    state = new_train_state(given, CPU)
    drawn = draw_real(state, PIXELS, given).numpy()
    epochs = [np.random.default_rng((5, e)).permutation(7) for e in range(100)]
    plain = PIXELS[np.concatenate(epochs)].transpose(0, 3, 1, 2).astype(np.float32) / 127.5 - 1
    turned = plain[..., ::-1]
    same = np.isclose(drawn, plain, atol=1e-6).all(axis=(1, 2, 3))
    flipped = np.isclose(drawn, turned, atol=1e-6).all(axis=(1, 2, 3))
    assert np.all(same ^ flipped)
    if mirror:
        assert flipped.sum() == pytest.approx(350, abs=66)  # five standard deviations of 13.2
    else:
        assert not flipped.any()


def seen_by(state, monkeypatch, name):
    """The images that each call of the discriminator, or of the border pretext task, is given."""
    seen = []
    whole = play_module.border_pretext_loss
    if name == "border pretext task":

        def noted(discriminator, images, random):
            seen.append(images.clone())
            return whole(discriminator, images, random)

        monkeypatch.setattr(play_module, "border_task_loss", noted)
    else:
        state.discriminator.register_forward_pre_hook(
            lambda _, given: seen.append(given[0].clone())
        )
    return seen


@pytest.mark.parametrize("augmented", [True, False])
def test_real_images_are_augmented_where_the_recipe_says_so(augmented, monkeypatch):
    given = recipe(augment=augmented, batch=7, iterations=1)
    state = new_train_state(given, CPU)
    plain = draw_real(new_train_state(given, CPU), PIXELS, given)
    changed = augment(plain, colour_axes(PIXELS), torch.Generator().manual_seed(given.seed))
    assert not torch.equal(changed, plain)
    seen = seen_by(state, monkeypatch, "discriminator")
    list(train_discriminator(state, PIXELS, given))
    assert torch.equal(seen[0], changed if augmented else plain)


@pytest.mark.parametrize("augmented", [True, False])
def test_the_border_pretext_sees_the_same_images_recoloured_and_never_moved(augmented, monkeypatch):
    given = recipe(augment=augmented, batch=7, iterations=1, border_weight=1.0)
    state, stream = new_train_state(given, CPU), torch.Generator().manual_seed(given.seed)
    seen = seen_by(state, monkeypatch, "border pretext task")
    list(train_discriminator(state, PIXELS, given))
    plain = draw_real(new_train_state(given, CPU), PIXELS, given)
    axes = colour_axes(PIXELS)
    if augmented:
        augment(plain, axes, stream)
    torch.rand(7, LATENT, generator=stream)  # z comes before it
    (shown,) = seen
    assert torch.equal(shown, recolour(plain, axes, stream))


BOTH = {"variant": "dcgan", "iterations": 1, "border_weight": 3.0}


def gradients_after(given, monkeypatch):
    """The discriminator's gradients of the first iteration, and its losses."""
    state, found = new_train_state(given, CPU), {}

    def note(*_):
        for name, weights in state.discriminator.named_parameters():
            grad = weights.grad
            found[name] = torch.zeros_like(weights) if grad is None else grad.clone()

    monkeypatch.setattr(play_module, "recolour", lambda images, *_: images)
    state.discriminator_optimiser.register_step_pre_hook(note)
    (losses,) = train_discriminator(state, PIXELS, given)
    return found, losses


def test_each_game_s_gradient_enters_with_its_weight(monkeypatch):
    # The same window whatever was drawn before, so that the parts can be told apart.
    monkeypatch.setattr(border_pretext, "draw_window", lambda _: (1, 0))
    parts = {
        weights: gradients_after(
            recipe(variant="dcgan", iterations=1, **dict(zip(WEIGHTS, weights, strict=True))),
            monkeypatch,
        )[0]
        for weights in ((1.0, 1e-30), (0.0, 1.0), (0.5, 3.0))
    }
    adversarial, border, both = parts.values()
    for name, found in both.items():
        expected = 0.5 * adversarial[name] + 3.0 * border[name]
        assert expected.abs().max() > 0.0, name
        torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5 * expected.abs().max())


def test_the_border_loss_is_told_before_its_weight(monkeypatch):
    monkeypatch.setattr(border_pretext, "draw_window", lambda _: (1, 0))
    light, heavy = (
        gradients_after(recipe(**BOTH | {"border_weight": weight}), monkeypatch)[1]
        for weight in (0.5, 50.0)
    )
    assert light.border.item() == heavy.border.item() > 0.0
    assert not light.border.requires_grad
    assert light.discriminator.item() == heavy.discriminator.item()
    plain = next(train_discriminator(new_train_state(recipe(), CPU), PIXELS, recipe()))
    assert plain.border.item() == 0.0


@pytest.mark.parametrize("variant", ["dcgan", "sn-dcgan", "wgan-gp"])
def test_without_the_adversarial_game_no_generator_is_trained_and_no_z_drawn(variant, monkeypatch):
    monkeypatch.setattr(play_module, "draw_z", None)  # calling it would fail
    given = recipe(variant=variant, adversarial_weight=0.0, border_weight=1.0)
    state = new_train_state(given, CPU)
    generator, discriminator = snapshot(state.generator), snapshot(state.discriminator)
    for losses in train_discriminator(state, PIXELS, given):
        assert losses.border.item() > 0.0
        others = (losses.discriminator, losses.generator, losses.real, losses.fake, losses.penalty)
        assert [value.item() for value in others] == [0.0] * 5
    assert state.iteration == 2
    after = snapshot(state.generator)
    assert all(torch.equal(after[name], generator[name]) for name in generator)
    assert state.generator_optimiser.state_dict()["state"] == {}
    for name, weights in state.discriminator.named_parameters():
        same = torch.equal(weights, discriminator[name])
        assert same == name.startswith("linear"), name


def test_the_images_follow_the_iteration():
    given = recipe(mirror=False)
    state = new_train_state(given, CPU)
    order = np.concatenate([np.random.default_rng((5, e)).permutation(7) for e in range(4)])
    for step in (0, 1, 4):
        state.iteration = step
        drawn = (draw_real(state, PIXELS, given).permute(0, 2, 3, 1) + 1) * 127.5
        expected = PIXELS[order[step * BATCH : (step + 1) * BATCH]]
        np.testing.assert_array_equal(drawn.round().numpy(), expected)
