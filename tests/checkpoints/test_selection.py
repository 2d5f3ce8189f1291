"""Which checkpoint is kept, and when a training ends: by hand."""

import dataclasses

import numpy as np
import pytest
import torch

from ganloc.checkpoints.selection import Selection, best_of, criterion, with_signals
from ganloc.checkpoints.signals import Signals, measure
from ganloc.discriminator.sample import sample
from ganloc.discriminator.train_state import new_train_state
from ganloc.model import Model
from run_folders import CPU, IMAGES, assert_same_model, noise, tiny

FLAT = Signals(0.5, 0.5, 0.5, border_avoidance=0.5, separation=0.5, spread=0.5, alikeness=0.5)


def selecting(patience=0, criteria=()):
    return Selection(tiny(select=True, patience=patience), list(criteria))


def untrained(**settings):
    recipe = tiny(**settings)
    return new_train_state(recipe, CPU), recipe


@pytest.fixture
def frozen():
    """A model of an untrained discriminator, as if its border avoidance were `worth` × 2."""
    state, recipe = untrained()
    model = Model.freeze(state.discriminator, IMAGES, recipe, iteration=0)

    def with_worth(worth, iteration=0):
        signals = dataclasses.replace(FLAT, border_avoidance=2.0 * worth)
        info = {**model.info, "iteration": iteration}
        return dataclasses.replace(model, signals=signals.to_dict(), info=info)

    return with_worth


def test_the_criterion_is_separation_times_border_avoidance():
    signals = dataclasses.replace(FLAT, separation=0.7, border_avoidance=-0.3)
    assert criterion(signals) == pytest.approx(-0.21)
    others = ("shift_equivariance", "mirror_equivariance", "image_dependence", "spread")
    changed = dataclasses.replace(signals, **dict.fromkeys(others, 0.9), alikeness=float("nan"))
    assert criterion(changed) == criterion(signals)


@pytest.mark.parametrize(
    ("criteria", "index"),
    [([0.4], 0), ([0.1, 0.3, 0.2], 1), ([0.3, 0.1, 0.3, 0.2], 2), ([0.0, 0.0], 1)],
)
def test_the_highest_and_of_equals_the_last(criteria, index):
    assert best_of(criteria) == index


@pytest.mark.parametrize(
    ("criteria", "patience", "expected"),
    [
        ([], 1, False),
        ([0.5], 1, False),
        ([0.5, 0.4], 1, True),
        ([0.5, 0.5], 1, False),
        ([0.5, 0.4], 2, False),
        ([0.5, 0.4, 0.45], 2, True),
        ([0.5, 0.4, 0.6], 2, False),
        ([0.5, 0.4, 0.3, 0.2], 0, False),
    ],
)
def test_finished_when_the_last_checkpoints_brought_nothing_better(criteria, patience, expected):
    assert selecting(patience, criteria).finished is expected


def test_finished_agrees_with_looking_back_over_every_history():
    for criteria in np.array(list(np.ndindex(3, 3, 3, 3, 3)), dtype=float).tolist():
        for patience in (1, 2, 3):
            before, recent = criteria[:-patience], criteria[-patience:]
            assert selecting(patience, criteria).finished is (max(recent) < max(before))


def test_the_best_of_the_checkpoints_so_far_is_kept(frozen):
    selection = selecting()
    models = [frozen(worth) for worth in (0.1, 0.3, 0.2, 0.3)]
    assert [selection.add(model) for model in models] == [True, True, False, True]
    assert selection.criteria == pytest.approx([0.1, 0.3, 0.2, 0.3])
    assert selection.kept is models[3]


def test_without_select_the_last_checkpoint_is_kept(frozen):
    selection = Selection(tiny(select=False))
    models = [frozen(worth) for worth in (0.3, 0.1)]
    assert [selection.add(model) for model in models] == [True, True]
    assert selection.kept is models[1]


@pytest.mark.parametrize(("select", "kept_at"), [(True, 4), (False, 7)])
def test_where_training_ends_after_a_checkpoint_only_select_gives_the_checkpoint(
    select, kept_at, frozen
):
    state, _ = untrained()
    selection = Selection(tiny(select=select))
    assert (
        selection.model_to_keep(state, IMAGES).info["iteration"] == 0
    )  # no checkpoint yet: as it is
    kept = frozen(0.1, iteration=4)
    selection.add(kept)
    state.iteration = 4
    assert selection.model_to_keep(state, IMAGES) is kept
    state.iteration = 7
    assert selection.model_to_keep(state, IMAGES).info["iteration"] == kept_at


def test_signals_are_those_of_the_model_on_its_images_and_take_no_chance_from_training():
    many = noise(20)
    state, recipe = untrained()
    model = Model.freeze(state.discriminator, many, recipe, iteration=0)
    random, everywhere = state.random.get_state(), torch.get_rng_state()
    alone, beside = (with_signals(model, many, own) for own in (None, state.generator))
    assert torch.equal(state.random.get_state(), random)
    assert torch.equal(torch.get_rng_state(), everywhere)
    assert alone.signals == measure(model, many).to_dict()
    assert alone.signals["alikeness"] is None
    assert beside.signals == measure(model, many, sample(state.generator, recipe, 64)).to_dict()
    assert 0.0 <= beside.signals["alikeness"] <= 1.0
    assert_same_model(dataclasses.replace(alone, signals={}), model)
