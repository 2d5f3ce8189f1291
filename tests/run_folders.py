"""What tests of training share: tiny recipes, noise to train on, and run folders."""

import json
import signal

import numpy as np
import torch
from safetensors.torch import load_file

from ganloc.checkpoints.hooks import RunHooks
from ganloc.checkpoints.run import Run
from ganloc.images.image_set import ImageSet
from ganloc.method import fit
from ganloc.recipes import Recipe

CPU = torch.device("cpu")


def noise(count, seed=0):
    """Images of 32 × 32 that show nothing, fast to train on."""
    pixels = np.random.default_rng(seed).integers(0, 256, (count, 32, 32, 3), np.uint8)
    names = tuple(f"{index}.png" for index in range(count))
    return ImageSet(pixels, names, np.full((count, 2), 32), source="photos")


IMAGES = noise(5)


def tiny(variant="dcgan", **settings):
    """A recipe of the thinnest networks."""
    widths = {"generator_width": 2, "discriminator_width": 2, "latent": 4, "student_width": 2}
    given = {"size": 32, "batch": 2, "iterations": 6, "mirror": True, "seed": 3, **settings}
    return Recipe(variant, **{**widths, **given})


def train(folder, recipe, images=IMAGES, **hooks):
    """A run in a new folder, trained; `hooks` are arguments of `RunHooks`."""
    run = Run.create(folder, recipe, images)
    train_in(run, recipe, images, **hooks)
    return run


def resume(run, recipe=None, images=IMAGES, **hooks):
    """Go on with a run, by its own recipe or a longer one; gives the model."""
    return train_in(run, recipe or run.recipe(), images, resume=True, **hooks)


def train_in(run, recipe, images=IMAGES, **hooks):
    """Train in a folder that is there; gives the model."""
    with RunHooks(run, **hooks) as opened:
        return fit(images, recipe, CPU, opened)


def stop_at(step, number=signal.SIGINT):
    """A progress callback that sends a signal once `step` is logged."""

    def progress(now, line):
        if now == step:
            signal.raise_signal(number)

    return progress


def logged(run):
    lines = run.log.read_text().splitlines() if run.log.exists() else []
    return [json.loads(line)["iteration"] for line in lines if line.endswith("}")]


def assert_same_tensors(one, other):
    assert one.keys() == other.keys()
    assert {k for k in one if not torch.equal(one[k], other[k])} == set()


def assert_same_weights(one, other):
    for path in ("checkpoint/latest.safetensors", "model.safetensors"):
        assert_same_tensors(load_file(one.folder / path), load_file(other.folder / path))


def assert_same_model(one, other):
    """Every tensor and number of two models is the same."""
    assert_same_tensors(one.discriminator.state_dict(), other.discriminator.state_dict())
    for part, tensors in (
        ("statistics", lambda part: part.tensors()),
        ("student", lambda part: part.state_dict()),
        ("outliers", lambda part: part.tensors()),
    ):
        own, others = getattr(one, part), getattr(other, part)
        assert (own is None) == (others is None), part
        if own is not None:
            assert_same_tensors(tensors(own), tensors(others))
    for name in ("recipe", "info", "signals"):
        assert getattr(one, name) == getattr(other, name)
    numbers = [(model.statistics.sign, model.statistics.aspect) for model in (one, other)]
    assert numbers[0] == numbers[1]
