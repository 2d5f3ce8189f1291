"""Files of a training state that cannot be written, loaded or gone on with."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from ganloc.discriminator.train_discriminator import train_discriminator
from ganloc.discriminator.train_state import (
    load_train_state,
    new_train_state,
    save_train_state,
)
from ganloc.errors import UserError
from ganloc.recipes import Recipe

CPU = torch.device("cpu")
PIXELS = np.random.default_rng(0).integers(0, 256, (10, 32, 32, 3), np.uint8)


def recipe(variant="sn-dcgan", **settings):
    tiny = {"size": 32, "generator_width": 2, "discriminator_width": 2, "latent": 8, "batch": 4}
    return Recipe(variant, **{**tiny, "iterations": 6, "mirror": True, "seed": 7, **settings})


def fail(error):
    def replace(_path, _target):
        raise error

    return replace


@pytest.mark.parametrize("error", [OSError(28, "No space left"), KeyboardInterrupt()])
def test_a_failed_save_leaves_the_old_file(error, tmp_path, monkeypatch):
    path = tmp_path / "state.safetensors"
    state = new_train_state(recipe(), CPU)
    save_train_state(state, path)
    before = path.read_bytes()
    next(train_discriminator(state, PIXELS, recipe()))
    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", fail(error))  # the last step of writing a file
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
    with pytest.raises(UserError, match=r"file.state\.safetensors"):
        save_train_state(new_train_state(recipe(), CPU), tmp_path / "file" / "state.safetensors")


def without(path, prefix):
    """Rewrite a saved state, leaving out the tensors whose names begin with `prefix`."""
    tensors = {k: v for k, v in load_file(path).items() if not k.startswith(prefix)}
    assert len(tensors) < len(load_file(path))
    save_file(tensors, path, metadata={"iteration": "1"})


DAMAGES = {
    "missing": lambda path: path.unlink(),
    "empty": lambda path: path.write_bytes(b""),
    "garbage": lambda path: path.write_bytes(b"not a state at all" * 100),
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
    path = tmp_path / "state.safetensors"
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
    path = tmp_path / "state.safetensors"
    save_train_state(new_train_state(recipe(), CPU), path)
    with pytest.raises(UserError) as caught:
        load_train_state(path, dataclasses.replace(recipe(), **other), CPU)
    assert str(path) in str(caught.value)


def test_a_state_of_another_kind_of_device_says_which(tmp_path):
    path = tmp_path / "state.safetensors"
    save_train_state(new_train_state(recipe(), CPU), path)
    save_file(load_file(path), path, {"iteration": "0", "device": "cuda"})
    with pytest.raises(UserError, match=r"state\.safetensors was trained on cuda.*device='cuda'"):
        load_train_state(path, recipe(), CPU)
