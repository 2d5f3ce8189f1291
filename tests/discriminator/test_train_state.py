"""A game that is saved, loaded and played on, and files that can't be loaded."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from ganloc.discriminator.train_discriminator import train_discriminator
from ganloc.discriminator.train_state import (
    load_generator,
    load_train_state,
    new_train_state,
    save_train_state,
)
from ganloc.errors import UserError
from ganloc.recipes import VARIANTS, Recipe

CPU = torch.device("cpu")
PIXELS = np.random.default_rng(0).integers(0, 256, (10, 32, 32, 3), np.uint8)


def recipe(variant="sn-dcgan", **settings):
    tiny = {"size": 32, "generator_width": 2, "discriminator_width": 2, "latent": 8, "batch": 4}
    return Recipe(variant, **{**tiny, "iterations": 6, "mirror": True, "seed": 7, **settings})


def everything(state):
    """All that a game consists of, as a flat table of tensors and numbers."""
    table = {"iteration": torch.tensor(state.iteration), "random": state.random.get_state()}
    for part in ("generator", "discriminator"):
        table |= {f"{part} {k}": v for k, v in getattr(state, part).state_dict().items()}
        saved = getattr(state, f"{part}_optimiser").state_dict()
        for index, moments in saved["state"].items():
            table |= {f"{part} adam {index} {k}": v for k, v in moments.items()}
        table[f"{part} settings"] = repr(saved["param_groups"])
    return {k: v.clone() if isinstance(v, torch.Tensor) else v for k, v in table.items()}


def differences(one, other):
    assert one.keys() == other.keys()
    return {k for k in one if not np.array_equal(np.asarray(one[k]), np.asarray(other[k]))}


def play_on(state, recipe):
    return [losses.discriminator.item() for losses in train_discriminator(state, PIXELS, recipe)]


@pytest.mark.parametrize(("variant", "augment"), [(v, False) for v in VARIANTS] + [("dcgan", True)])
def test_a_loaded_game_goes_on_bit_for_bit(variant, augment, tmp_path):
    whole = recipe(variant, augment=augment)
    straight = new_train_state(whole, CPU)
    losses = play_on(straight, whole)
    assert len(losses) == straight.iteration == 6

    stopped = new_train_state(whole, CPU)
    assert play_on(stopped, dataclasses.replace(whole, iterations=3)) == losses[:3]
    save_train_state(stopped, tmp_path / "game.safetensors")
    kept = everything(stopped)
    loaded = load_train_state(tmp_path / "game.safetensors", whole, CPU)
    assert differences(everything(loaded), kept) == set()

    assert play_on(loaded, whole) == losses[3:]
    assert differences(everything(loaded), everything(straight)) == set()
    # Three more iterations did change everything that can change.
    moved = differences(everything(loaded), kept)
    assert moved >= {"iteration", "random"}
    can = {k for k in kept if k.endswith(("exp_avg", "exp_avg_sq", "original", "_v"))}
    if VARIANTS[variant].discriminator_loss == "wasserstein":
        # The last bias adds the same to both means of Eq. 4, and nothing to a slope.
        names = [name for name, _ in loaded.discriminator.named_parameters()]
        bias = f"discriminator adam {names.index('linear.bias')} exp_avg"
        can -= {bias, f"{bias}_sq"}
    assert can <= moved


@pytest.mark.parametrize("variant", ["dcgan", "sn-dcgan", "wgan-gp"])
@pytest.mark.parametrize("adversarial", [0.0, 0.5])
def test_with_the_border_pretext_too_a_loaded_game_goes_on_bit_for_bit(
    variant, adversarial, tmp_path
):
    whole = recipe(variant, adversarial_weight=adversarial, border_weight=10.0, augment=True)
    straight, stopped = new_train_state(whole, CPU), new_train_state(whole, CPU)
    losses = [step.border.item() for step in train_discriminator(straight, PIXELS, whole)]
    list(train_discriminator(stopped, PIXELS, dataclasses.replace(whole, iterations=3)))
    save_train_state(stopped, tmp_path / "game.safetensors")
    loaded = load_train_state(tmp_path / "game.safetensors", whole, CPU)
    assert differences(everything(loaded), everything(stopped)) == set()
    assert [step.border.item() for step in train_discriminator(loaded, PIXELS, whole)] == losses[3:]
    assert differences(everything(loaded), everything(straight)) == set()
    assert len(set(losses)) == 6


def test_heads_for_the_border_pretext_change_no_other_weight():
    plain, with_heads = (
        everything(new_train_state(recipe(border_weight=weight), CPU)) for weight in (0.0, 1.0)
    )
    more = {k for k in with_heads if "border_heads" in k}
    assert len(more) == 6
    without = {k: v for k, v in with_heads.items() if k not in more}
    plain.pop("discriminator settings")
    without.pop("discriminator settings")  # which count the parameters
    assert differences(without, plain) == set()


def test_saving_between_two_iterations_disturbs_nothing(tmp_path):
    whole = recipe()
    straight, saved = new_train_state(whole, CPU), new_train_state(whole, CPU)
    losses = play_on(straight, whole)
    noted = []
    for step in train_discriminator(saved, PIXELS, whole):
        noted.append(step.discriminator.item())
        save_train_state(saved, tmp_path / f"{saved.iteration}.safetensors")
    assert noted == losses
    assert differences(everything(saved), everything(straight)) == set()
    loaded = load_train_state(tmp_path / "4.safetensors", whole, CPU)
    assert loaded.iteration == 4
    assert play_on(loaded, whole) == losses[4:]


def test_a_game_that_was_never_played_can_be_saved(tmp_path):
    fresh = new_train_state(recipe(), CPU)
    save_train_state(fresh, tmp_path / "new" / "folder" / "game.safetensors")
    loaded = load_train_state(tmp_path / "new" / "folder" / "game.safetensors", recipe(), CPU)
    assert differences(everything(loaded), everything(fresh)) == set()


def fail_half_way(error):
    def write(path, _data):
        with path.open("wb") as file:
            file.write(b"half of a file")
        raise error

    return write


@pytest.mark.parametrize("error", [OSError(28, "No space left"), KeyboardInterrupt()])
def test_a_failed_save_leaves_the_old_file(error, tmp_path, monkeypatch):
    path = tmp_path / "game.safetensors"
    state = new_train_state(recipe(), CPU)
    save_train_state(state, path)
    before = path.read_bytes()
    next(train_discriminator(state, PIXELS, recipe()))
    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", fail_half_way(error))
        with pytest.raises((UserError, KeyboardInterrupt)) as caught:
            save_train_state(state, path)
    if isinstance(error, OSError):
        assert caught.type is UserError
        assert str(path) in str(caught.value)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]
    save_train_state(state, path)
    assert load_train_state(path, recipe(), CPU).iteration == 1
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(UserError, match=r"file.game\.safetensors"):
        save_train_state(new_train_state(recipe(), CPU), tmp_path / "file" / "game.safetensors")


def without(path, prefix):
    """Rewrite a saved game, leaving out the tensors whose names begin with `prefix`."""
    tensors = {k: v for k, v in load_file(path).items() if not k.startswith(prefix)}
    assert len(tensors) < len(load_file(path))
    save_file(tensors, path, metadata={"iteration": "1"})


DAMAGES = {
    "missing": lambda path: path.unlink(),
    "empty": lambda path: path.write_bytes(b""),
    "garbage": lambda path: path.write_bytes(b"not a game at all" * 100),
    "cut short": lambda path: path.write_bytes(path.read_bytes()[:-100]),
    "a folder": lambda path: (path.unlink(), path.mkdir()),
    "no iteration": lambda path: save_file(load_file(path), path),
    "not a number": lambda path: save_file(load_file(path), path, metadata={"iteration": "two"}),
    "no random state": lambda path: without(path, "random"),
    "no discriminator": lambda path: without(path, "discriminator/"),
    "no weight": lambda path: without(path, "generator/linear.weight"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_broken_file_is_named(damage, tmp_path):
    path = tmp_path / "game.safetensors"
    state = new_train_state(recipe(), CPU)
    next(train_discriminator(state, PIXELS, recipe()))
    save_train_state(state, path)
    assert load_train_state(path, recipe(), CPU).iteration == 1
    DAMAGES[damage](path)
    with pytest.raises(UserError) as caught:
        load_train_state(path, recipe(), CPU)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    "other",
    [
        {"variant": "dcgan"},
        {"size": 64},
        {"size": 128},
        {"generator_width": 3},
        {"discriminator_width": 3},
        {"latent": 9},
        {"border_weight": 1.0},
    ],
)
def test_the_file_of_another_recipe_is_named(other, tmp_path):
    path = tmp_path / "game.safetensors"
    save_train_state(new_train_state(recipe(), CPU), path)
    with pytest.raises(UserError) as caught:
        load_train_state(path, dataclasses.replace(recipe(), **other), CPU)
    assert str(path) in str(caught.value)


def test_the_seed_alone_makes_a_new_game():
    torch.manual_seed(1)
    before = torch.get_rng_state()
    first = everything(new_train_state(recipe(), CPU))
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(2)
    assert differences(everything(new_train_state(recipe(), CPU)), first) == set()
    other = differences(everything(new_train_state(recipe(seed=8), CPU)), first)
    weights = {k for k in first if k.endswith((".original", "up1.weight", "linear.weight"))}
    assert len(weights) == 7
    assert weights | {"random"} <= other


def test_loading_and_playing_leave_the_global_randomness_alone(tmp_path):
    save_train_state(new_train_state(recipe(), CPU), tmp_path / "game.safetensors")
    before, legacy = torch.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    play_on(load_train_state(tmp_path / "game.safetensors", recipe(), CPU), recipe())
    assert torch.equal(torch.get_rng_state(), before)
    assert np.array_equal(np.random.get_state()[1], legacy)  # noqa: NPY002


def test_each_network_learns_at_its_own_rate():
    given = recipe(generator_rate=1e-3, discriminator_rate=3e-4, beta1=0.5)
    state = new_train_state(given, CPU)
    for optimiser, rate in [
        (state.generator_optimiser, 1e-3),
        (state.discriminator_optimiser, 3e-4),
    ]:
        (group,) = optimiser.param_groups
        assert group["lr"] == rate
        assert group["betas"] == (0.5, 0.999)
        assert group["weight_decay"] == 0
    owned = {id(p) for p in state.generator_optimiser.param_groups[0]["params"]}
    assert owned == {id(p) for p in state.generator.parameters()}
    owned = {id(p) for p in state.discriminator_optimiser.param_groups[0]["params"]}
    assert owned == {id(p) for p in state.discriminator.parameters()}


def test_the_generator_alone_can_be_loaded_wherever_it_was_trained(tmp_path):
    path, given = tmp_path / "game.safetensors", recipe()
    state = new_train_state(given, CPU)
    play_on(state, recipe(iterations=2))
    save_train_state(state, path)
    tensors = load_file(path)
    save_file(tensors, path, {"iteration": "2", "device": "cuda"})
    loaded, weights = load_generator(path, given).state_dict(), state.generator.state_dict()
    assert {name for name in weights if not torch.equal(weights[name], loaded[name])} == set()
    with pytest.raises(UserError, match="no whole generator of this recipe"):
        load_generator(path, recipe(generator_width=3))
    with pytest.raises(UserError, match="no whole generator"):
        load_generator(tmp_path / "none.safetensors", given)
