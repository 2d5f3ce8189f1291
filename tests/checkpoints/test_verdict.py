"""The verdict in words."""

import dataclasses

import numpy as np
import pytest
import torch

from ganloc.checkpoints.signals import Signals
from ganloc.checkpoints.verdict import LIMITS, Verdict, verdict, verdict_of
from ganloc.discriminator.train_state import new_train_state
from ganloc.images.image_set import ImageSet
from ganloc.model import Model
from ganloc.recipes import Recipe

GOOD = Signals(
    shift_equivariance=0.9,
    mirror_equivariance=0.9,
    image_dependence=0.5,
    border_avoidance=0.3,
    separation=0.8,
    spread=0.4,
    alikeness=0.3,
)
BAD = {
    "image_dependence": (0.0, "heatmaps hardly depend on the image"),
    "shift_equivariance": (-0.2, "heatmaps do not follow a shifted image"),
    "alikeness": (0.999, "generated images are nearly all alike"),
    "spread": (0.0, "boxes are nearly all the same"),
}


def test_nothing_wrong_is_trusted():
    found = verdict(GOOD)
    assert found.trusted
    assert found.sentence().startswith("Trust: yes, ")


@pytest.mark.parametrize("name", BAD)
def test_one_signal_out_of_range_is_named_alone(name):
    value, clause = BAD[name]
    found = verdict(dataclasses.replace(GOOD, **{name: value}))
    assert found == Verdict(False, clause)
    assert found.sentence() == f"Trust: doubtful, because {clause}."


@pytest.mark.parametrize("limit", LIMITS, ids=lambda limit: limit.signal)
def test_every_limit_can_be_kept_and_broken(limit):
    assert limit.holds(GOOD)
    beyond = limit.at_least - 1e-6 if limit.at_least > -1.0 else limit.at_most + 1e-6
    assert not verdict(dataclasses.replace(GOOD, **{limit.signal: beyond})).trusted


def test_several_reasons_are_joined_into_one_sentence():
    three = dataclasses.replace(GOOD, image_dependence=0.0, spread=0.0, alikeness=1.0)
    assert verdict(three).sentence() == (
        "Trust: doubtful, because heatmaps hardly depend on the image, boxes are nearly all the "
        "same and generated images are nearly all alike."
    )
    two = dataclasses.replace(three, spread=0.4)
    assert " image and generated " in verdict(two).sentence()


def test_what_could_not_be_measured_raises_no_doubt():
    assert verdict(dataclasses.replace(GOOD, alikeness=float("nan"))).trusted


def test_the_verdict_on_a_model_is_that_on_its_signals_before_and_after_saving(tmp_path):
    recipe = Recipe("dcgan", size=32, generator_width=2, discriminator_width=2, batch=2)
    pixels = np.random.default_rng(0).integers(0, 256, (4, 32, 32, 3), np.uint8)
    images = ImageSet(pixels, ("p",) * 4, np.full((4, 2), 32))
    network = new_train_state(recipe, torch.device("cpu")).discriminator
    model = Model.freeze(network, images, recipe, iteration=0)
    assert verdict_of(model) is None
    same = dataclasses.replace(GOOD, spread=0.0, alikeness=float("nan"))
    model = dataclasses.replace(model, signals=same.to_dict())
    model.save(tmp_path / "model")
    loaded = Model.load(tmp_path / "model")
    assert loaded.signals == model.signals
    assert verdict_of(loaded) == verdict_of(model) == Verdict(False, BAD["spread"][1])
    assert verdict_of(dataclasses.replace(model, signals={"of": 1.0, "another": 2.0})) is None
