"""The training step: what it shows the networks, weighs, counts and tells."""

import numpy as np
import pytest
import torch

from ganloc.discriminator.train_discriminator import draw_real, train_discriminator
from ganloc.discriminator.train_state import new_train_state
from ganloc.recipes import VARIANTS, Recipe

CPU = torch.device("cpu")
BATCH, LATENT = 4, 6
PIXELS = np.random.default_rng(0).integers(0, 256, (7, 32, 32, 3), np.uint8)
BORDER = {"adversarial_weight": 0.0, "border_weight": 1.0}


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


def test_iterations_are_counted_and_a_finished_training_is_left_alone():
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


def which(shown):
    """For each tensor of a batch, the number of its image and whether it is mirrored."""
    plain = PIXELS.transpose(0, 3, 1, 2).astype(np.float32) / 127.5 - 1.0
    found = []
    for one in shown.numpy():
        same = [np.abs(one - image).max() < 1e-6 for image in plain]
        turned = [np.abs(one - image[..., ::-1]).max() < 1e-6 for image in plain]
        assert sum(same) + sum(turned) == 1
        found.append((int(np.argmax(same) if any(same) else np.argmax(turned)), any(turned)))
    return found


@pytest.mark.parametrize("mirror", [False, True])
def test_half_of_the_real_images_are_mirrored_left_to_right(mirror):
    given = recipe(mirror=mirror, batch=700)
    drawn = which(draw_real(new_train_state(given, CPU), PIXELS, given))
    assert sorted(number for number, _ in drawn) == sorted([*range(7)] * 100)
    flipped = sum(turned for _, turned in drawn)
    # Five standard deviations of 13.2.
    assert flipped == (pytest.approx(350, abs=66) if mirror else 0)


@pytest.mark.parametrize("variant", VARIANTS)
def test_real_images_follow_iteration_and_critic_step_and_each_is_seen_as_often(variant):
    given = recipe(variant=variant)
    state, steps = new_train_state(given, CPU), VARIANTS[variant].n_critic
    drawn = []
    for state.iteration in range(7):
        for step in range(steps):
            batch = which(draw_real(state, PIXELS, given, step))
            assert which(draw_real(state, PIXELS, given, step)) == batch
            drawn += [number for number, _ in batch]
    epochs = np.reshape(drawn, (-1, 7))
    assert (np.sort(epochs, axis=1) == np.arange(7)).all()
    assert len({tuple(epoch) for epoch in epochs.tolist()}) > 1  # shuffled, each time anew


def marked(count):
    """Images with a bright rectangle in the upper right, of a height and colours of its own."""
    random = np.random.default_rng(1)
    pixels = np.empty((count, 32, 32, 3), np.uint8)
    for number, image in enumerate(pixels):
        image[:] = random.integers(10, 60, 3)
        image[: 10 + 2 * number, 16:] = random.integers(150, 220, 3)
    return pixels


def marks(shown):
    """First column and height of the rectangle in each image."""
    bright = shown.mean(dim=1).numpy()
    bright = (
        bright
        > (bright.min(axis=(1, 2), keepdims=True) + bright.max(axis=(1, 2), keepdims=True)) / 2
    )
    return bright.any(axis=1).argmax(axis=1), bright.any(axis=2).sum(axis=1)


def shown_to(given, pixels):
    """What the discriminator reads in the first iteration: real images, and the task's window."""
    state, seen = new_train_state(given, CPU), []
    state.discriminator.blocks[0].register_forward_pre_hook(lambda _, of: seen.append(of[0]))
    next(train_discriminator(state, pixels, given))
    windows = [images[:, :, 8:32, 8:32] for images in seen if images.shape[3] == 41]  # unpadded
    return seen[0], windows


@pytest.mark.parametrize("augmented", [True, False])
def test_real_images_are_augmented_where_the_recipe_says_so(augmented):
    given, pixels = recipe(augment=augmented, batch=7, iterations=1), marked(7)
    plain = draw_real(new_train_state(given, CPU), pixels, given)
    real, windows = shown_to(given, pixels)
    assert windows == []
    assert torch.equal(real, plain) is not augmented
    columns, heights = marks(real)
    assert (len(set(columns.tolist())) > 1) is augmented  # each is moved on its own
    np.testing.assert_allclose(heights, marks(plain)[1], atol=1 if augmented else 0)


@pytest.mark.parametrize("augmented", [True, False])
def test_the_border_pretext_task_sees_the_same_images_recoloured_and_never_moved(augmented):
    pixels = marked(7)
    given = recipe(augment=augmented, batch=7, iterations=1, border_weight=1.0)
    plain = draw_real(new_train_state(given, CPU), pixels, given)
    _, (window,) = shown_to(given, pixels)
    columns, heights = marks(window)
    assert len(set(columns.tolist())) == 1
    expected = marks(plain)[1]
    np.testing.assert_array_equal(heights - heights[0], expected - expected[0])
    # Each image's rectangle and surroundings have other colours than in the file.
    corners = (window[:, :, 0, -1], window[:, :, -1, 0])
    for found, file in zip(corners, (plain[:, :, 0, -1], plain[:, :, -1, 0]), strict=True):
        assert ((found - file).abs().amax(dim=1) > 1e-3).all()


def test_augmentation_is_for_the_gan_alone():
    states = []
    for augmented in (True, False):
        given = recipe(augment=augmented, **BORDER)
        states.append(new_train_state(given, CPU))
        list(train_discriminator(states[-1], PIXELS, given))
    weights, others = (snapshot(state.discriminator) for state in states)
    assert all(torch.equal(weights[name], others[name]) for name in weights)


def gradients_and_losses(adversarial, border):
    """The discriminator's gradients in the first iteration, and its losses."""
    given = recipe(variant="dcgan", adversarial_weight=adversarial, border_weight=border)
    state, found = new_train_state(given, CPU), {}

    def note(*_):
        for name, weights in state.discriminator.named_parameters():
            found[name] = weights.grad.clone()

    state.discriminator_optimiser.register_step_pre_hook(note)
    losses = next(train_discriminator(state, PIXELS, given))
    return found, losses


def test_the_gradient_of_each_task_enters_with_its_weight():
    (one, _), (heavy, _), (both, _) = (
        gradients_and_losses(*weights) for weights in ((1.0, 1.0), (1.0, 3.0), (0.5, 5.0))
    )
    for name, found in both.items():
        border = (heavy[name] - one[name]) / 2.0
        adversarial = one[name] - border
        expected = 0.5 * adversarial + 5.0 * border
        size = expected.abs().max()
        assert size > 0.0, name
        torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5 * size)
        # The linear unit learns from the GAN alone, the task's heads from the task alone.
        if name.startswith("linear"):
            assert border.abs().max() < 1e-6 * size
        if "border_heads" in name:
            assert adversarial.abs().max() < 1e-6 * size


def test_the_border_loss_is_told_before_its_weight():
    light, heavy = (gradients_and_losses(1.0, weight)[1] for weight in (0.5, 50.0))
    assert light.border.item() == heavy.border.item() > 0.0
    assert not light.border.requires_grad
    assert light.discriminator.item() == heavy.discriminator.item()
    plain = next(train_discriminator(new_train_state(recipe(), CPU), PIXELS, recipe()))
    assert plain.border.item() == 0.0


@pytest.mark.parametrize("variant", ["dcgan", "sn-dcgan", "wgan-gp"])
def test_without_a_gan_there_is_no_generator_and_the_linear_unit_stays(variant):
    given = recipe(variant=variant, **BORDER)
    state = new_train_state(given, CPU)
    discriminator = snapshot(state.discriminator)
    for losses in train_discriminator(state, PIXELS, given):
        assert losses.border.item() > 0.0
        others = (losses.discriminator, losses.generator, losses.real, losses.fake, losses.penalty)
        assert [value.item() for value in others] == [0.0] * 5
    assert state.iteration == 2
    assert state.generator is state.generator_optimiser is None
    assert state.parts.keys() == {"discriminator", "discriminator_optimiser"}
    for name, weights in state.discriminator.named_parameters():
        same = torch.equal(weights, discriminator[name])
        assert same == name.startswith("linear"), name
