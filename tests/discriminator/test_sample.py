"""Samples of a generator: whose they are, and that drawing them disturbs nothing."""

import numpy as np
import pytest
import torch

from ganloc.discriminator.sample import sample
from ganloc.discriminator.train_discriminator import train_discriminator
from ganloc.discriminator.train_state import load_train_state, new_train_state, save_train_state
from ganloc.recipes import Recipe

CPU = torch.device("cpu")
RECIPE = Recipe(
    "dcgan", 32, generator_width=2, discriminator_width=2, latent=8, batch=4, iterations=3
)


@pytest.fixture(scope="module")
def state():
    """Three iterations on noise give batch norm statistics; large weights, images with colour."""
    pixels = np.random.default_rng(0).integers(0, 256, (10, 32, 32, 3), np.uint8)
    state = new_train_state(RECIPE, CPU)
    with torch.no_grad():
        state.generator.linear.weight.mul_(30)
        state.generator.layers.image[0].weight.mul_(300)
    for _ in train_discriminator(state, pixels, RECIPE):
        pass
    return state


def test_images_are_the_generator_s_of_uniform_z(state):
    given = []
    handle = state.generator.register_forward_pre_hook(lambda _, z: given.append(z[0]))
    found = sample(state.generator, RECIPE, 200, seed=5)
    handle.remove()
    z = torch.cat(given)
    assert z.shape == (200, 8)
    shares = np.histogram(z.numpy(), bins=4, range=(-1.0, 1.0))[0] / z.numel()
    np.testing.assert_allclose(shares, 0.25, atol=0.055)  # five standard errors
    with torch.no_grad():
        values = state.generator.eval()(z).permute(0, 2, 3, 1).double().numpy()
    assert found.dtype == np.uint8
    assert found.shape == (200, 32, 32, 3)
    assert found.std() > 10
    # −1 is 0 and 1 is 255, to the nearest.
    assert np.abs(found - (values + 1) / 2 * 255).max() <= 0.5 + 1e-4


def test_an_image_does_not_depend_on_the_others(state):
    alone, among_many = sample(state.generator, RECIPE, 7), sample(state.generator, RECIPE, 140)
    assert np.abs(among_many[:7].astype(int) - alone).max() <= 1
    assert len({image.tobytes() for image in among_many}) == 140


def test_takes_no_chance_from_training_and_leaves_the_mode(state):
    chance, default = state.random.get_state(), torch.get_rng_state()
    statistics = {k: v.clone() for k, v in state.generator.state_dict().items()}
    for training in (True, False):
        state.generator.train(training)
        first = sample(state.generator, RECIPE, 4)
        assert state.generator.training is training
        np.testing.assert_array_equal(first, sample(state.generator, RECIPE, 4))
    assert not np.array_equal(first, sample(state.generator, RECIPE, 4, seed=1))
    assert torch.equal(chance, state.random.get_state())
    assert torch.equal(default, torch.get_rng_state())
    assert all(torch.equal(v, statistics[k]) for k, v in state.generator.state_dict().items())


def test_a_saved_state_gives_the_same_images(state, tmp_path):
    save_train_state(state, tmp_path / "state.safetensors")
    loaded = load_train_state(tmp_path / "state.safetensors", RECIPE, CPU)
    expected = sample(state.generator, RECIPE, 4)
    np.testing.assert_array_equal(sample(loaded.generator, RECIPE, 4), expected)
    fresh = new_train_state(RECIPE, CPU).generator
    assert not np.array_equal(sample(fresh, RECIPE, 4), expected)
