import numpy as np
import pytest
import torch

from ganloc.adversary import sample as module
from ganloc.adversary.game import load_game, new_game, save_game
from ganloc.adversary.play import play
from ganloc.adversary.sample import sample
from ganloc.recipes import Recipe

CPU = torch.device("cpu")
RECIPE = Recipe(
    "dcgan", 32, generator_width=2, discriminator_width=2, latent=8, batch=4, iterations=3
)


@pytest.fixture(scope="module")
def game():
    """Three iterations on noise give batch norm statistics; large weights, pictures with colour."""
    pixels = np.random.default_rng(0).integers(0, 256, (10, 32, 32, 3), np.uint8)
    game = new_game(RECIPE, CPU)
    with torch.no_grad():
        game.generator.linear.weight.mul_(30)
        game.generator.layers.picture[0].weight.mul_(300)
    for _ in play(game, pixels, RECIPE):
        pass
    return game


def test_pictures_are_the_generators_of_uniform_z(game):
    found = sample(game.generator, RECIPE, 6, seed=5)
    z = torch.rand(6, 8, generator=torch.Generator().manual_seed(5)) * 2 - 1
    with torch.no_grad():
        values = game.generator.eval()(z).permute(0, 2, 3, 1).double().numpy()
    assert found.dtype == np.uint8
    assert found.shape == (6, 32, 32, 3)
    assert found.std() > 10
    # −1 is 0 and 1 is 255, to the nearest.
    assert np.abs(found - (values + 1) / 2 * 255).max() <= 0.5 + 1e-4


def test_a_picture_does_not_depend_on_the_others(game, monkeypatch):
    whole = sample(game.generator, RECIPE, 7)
    monkeypatch.setattr(module, "_BATCH", 3)
    parts = sample(game.generator, RECIPE, 7)
    assert np.abs(whole.astype(int) - parts).max() <= 1
    assert len({picture.tobytes() for picture in whole}) == 7


def test_takes_no_chance_from_the_game_and_leaves_the_mode(game):
    chance, default = game.random.get_state(), torch.get_rng_state()
    statistics = {k: v.clone() for k, v in game.generator.state_dict().items()}
    for training in (True, False):
        game.generator.train(training)
        first = sample(game.generator, RECIPE, 4)
        assert game.generator.training is training
        np.testing.assert_array_equal(first, sample(game.generator, RECIPE, 4))
    assert not np.array_equal(first, sample(game.generator, RECIPE, 4, seed=1))
    assert torch.equal(chance, game.random.get_state())
    assert torch.equal(default, torch.get_rng_state())
    assert all(torch.equal(v, statistics[k]) for k, v in game.generator.state_dict().items())


def test_a_saved_game_gives_the_same_pictures(game, tmp_path):
    save_game(game, tmp_path / "game.safetensors")
    loaded = load_game(tmp_path / "game.safetensors", RECIPE, CPU)
    expected = sample(game.generator, RECIPE, 4)
    np.testing.assert_array_equal(sample(loaded.generator, RECIPE, 4), expected)
    fresh = new_game(RECIPE, CPU).generator
    assert not np.array_equal(sample(fresh, RECIPE, 4), expected)
