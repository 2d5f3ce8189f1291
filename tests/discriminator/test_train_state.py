"""A training state: what it is made from, and that saved and loaded it goes on bit for bit."""

import dataclasses

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
    """All that a state consists of, as a flat table of tensors and numbers."""
    table = {"iteration": torch.tensor(state.iteration), "random": state.random.get_state()}
    for part in ("generator", "discriminator"):
        if getattr(state, part) is None:
            assert getattr(state, f"{part}_optimiser") is None
            continue
        table |= {f"{part} {k}": v for k, v in getattr(state, part).state_dict().items()}
        saved = getattr(state, f"{part}_optimiser").state_dict()
        for index, moments in saved["state"].items():
            table |= {f"{part} adam {index} {k}": v for k, v in moments.items()}
        table[f"{part} settings"] = repr(saved["param_groups"])
    return {k: v.clone() if isinstance(v, torch.Tensor) else v for k, v in table.items()}


def differences(one, other):
    assert one.keys() == other.keys()
    return {k for k in one if not np.array_equal(np.asarray(one[k]), np.asarray(other[k]))}


def train_on(state, recipe):
    return [losses.discriminator.item() for losses in train_discriminator(state, PIXELS, recipe)]


@pytest.mark.parametrize(("variant", "augment"), [(v, False) for v in VARIANTS] + [("dcgan", True)])
def test_a_loaded_state_goes_on_bit_for_bit(variant, augment, tmp_path):
    whole = recipe(variant, augment=augment)
    straight = new_train_state(whole, CPU)
    losses = train_on(straight, whole)
    assert len(losses) == straight.iteration == 6

    stopped = new_train_state(whole, CPU)
    assert train_on(stopped, dataclasses.replace(whole, iterations=3)) == losses[:3]
    save_train_state(stopped, tmp_path / "state.safetensors")
    kept = everything(stopped)
    loaded = load_train_state(tmp_path / "state.safetensors", whole, CPU)
    assert differences(everything(loaded), kept) == set()

    assert train_on(loaded, whole) == losses[3:]
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
def test_with_the_border_pretext_task_too_a_loaded_state_goes_on_bit_for_bit(
    variant, adversarial, tmp_path
):
    whole = recipe(variant, adversarial_weight=adversarial, border_weight=10.0, augment=True)
    straight, stopped = new_train_state(whole, CPU), new_train_state(whole, CPU)
    losses = [step.border.item() for step in train_discriminator(straight, PIXELS, whole)]
    list(train_discriminator(stopped, PIXELS, dataclasses.replace(whole, iterations=3)))
    save_train_state(stopped, tmp_path / "state.safetensors")
    loaded = load_train_state(tmp_path / "state.safetensors", whole, CPU)
    assert differences(everything(loaded), everything(stopped)) == set()
    assert [step.border.item() for step in train_discriminator(loaded, PIXELS, whole)] == losses[3:]
    assert differences(everything(loaded), everything(straight)) == set()
    assert len(set(losses)) == 6


def test_heads_for_the_border_pretext_task_change_no_other_weight():
    plain, with_heads = (
        everything(new_train_state(recipe(border_weight=weight), CPU)) for weight in (0.0, 1.0)
    )
    more = {k for k in with_heads if "border_heads" in k}
    assert len(more) == 6
    without = {k: v for k, v in with_heads.items() if k not in more}
    plain.pop("discriminator settings")
    without.pop("discriminator settings")  # which count the parameters
    assert differences(without, plain) == set()


def test_a_seed_gives_one_discriminator_with_a_gan_and_without():
    pretext = {"border_weight": 1.0}
    with_gan, without = (
        new_train_state(recipe(adversarial_weight=weight, **pretext), CPU) for weight in (1.0, 0.0)
    )
    weights, others = (state.discriminator.state_dict() for state in (with_gan, without))
    assert weights.keys() == others.keys()
    assert all(torch.equal(weights[name], others[name]) for name in weights)


def test_without_a_gan_there_is_no_generator_and_none_is_saved(tmp_path):
    path, given = tmp_path / "state.safetensors", recipe(adversarial_weight=0.0, border_weight=1.0)
    state = new_train_state(given, CPU)
    assert state.generator is state.generator_optimiser is None
    list(train_discriminator(state, PIXELS, given))
    save_train_state(state, path)
    assert {name.split("/")[0] for name in load_file(path)} == {
        "discriminator",
        "discriminator_optimiser",
        "random",
    }
    loaded = load_train_state(path, given, CPU)
    assert loaded.generator is loaded.generator_optimiser is None
    with pytest.raises(UserError, match="no whole generator"):
        load_generator(path, given)


def test_a_state_without_a_generator_does_not_go_on_with_a_gan(tmp_path):
    path, given = tmp_path / "state.safetensors", recipe(adversarial_weight=0.0, border_weight=1.0)
    save_train_state(new_train_state(given, CPU), path)
    with pytest.raises(UserError, match=r"state\.safetensors.*another recipe"):
        load_train_state(path, recipe(border_weight=1.0), CPU)


def test_saving_between_two_iterations_disturbs_nothing(tmp_path):
    whole = recipe()
    straight, saved = new_train_state(whole, CPU), new_train_state(whole, CPU)
    losses = train_on(straight, whole)
    noted = []
    for step in train_discriminator(saved, PIXELS, whole):
        noted.append(step.discriminator.item())
        save_train_state(saved, tmp_path / f"{saved.iteration}.safetensors")
    assert noted == losses
    assert differences(everything(saved), everything(straight)) == set()
    loaded = load_train_state(tmp_path / "4.safetensors", whole, CPU)
    assert loaded.iteration == 4
    assert train_on(loaded, whole) == losses[4:]


def test_a_state_that_was_never_trained_can_be_saved(tmp_path):
    fresh = new_train_state(recipe(), CPU)
    save_train_state(fresh, tmp_path / "new" / "folder" / "state.safetensors")
    loaded = load_train_state(tmp_path / "new" / "folder" / "state.safetensors", recipe(), CPU)
    assert differences(everything(loaded), everything(fresh)) == set()


def test_the_seed_alone_makes_a_new_state():
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


def test_loading_and_training_leave_the_global_randomness_alone(tmp_path):
    save_train_state(new_train_state(recipe(), CPU), tmp_path / "state.safetensors")
    before, legacy = torch.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    train_on(load_train_state(tmp_path / "state.safetensors", recipe(), CPU), recipe())
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
    path, given = tmp_path / "state.safetensors", recipe()
    state = new_train_state(given, CPU)
    train_on(state, recipe(iterations=2))
    save_train_state(state, path)
    tensors = load_file(path)
    save_file(tensors, path, {"iteration": "2", "device": "cuda"})
    loaded, weights = load_generator(path, given).state_dict(), state.generator.state_dict()
    assert {name for name in weights if not torch.equal(weights[name], loaded[name])} == set()
    with pytest.raises(UserError, match="no whole generator of this recipe"):
        load_generator(path, recipe(generator_width=3))
    with pytest.raises(UserError, match="no whole generator"):
        load_generator(tmp_path / "none.safetensors", given)
