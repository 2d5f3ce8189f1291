import json
from dataclasses import replace

import pytest

from ganloc.errors import UserError
from ganloc.paper.cam_recipe import REFERENCE_PRESETS, ReferenceRecipe

PAPER = REFERENCE_PRESETS["paper"]


def test_the_paper_preset_is_as_published():
    assert (PAPER.width, PAPER.batch, PAPER.iterations) == (64, 256, 100_000)
    assert (PAPER.rate, PAPER.weight_decay) == (0.1, 1e-4)


@pytest.mark.parametrize(
    ("iteration", "rate"),
    [
        *[(0, 0.1), (24_999, 0.1), (25_000, 0.01), (49_999, 0.01)],
        *[(50_000, 0.001), (74_999, 0.001), (75_000, 0.0001), (99_999, 0.0001)],
    ],
)
def test_the_rate_is_a_tenth_every_25000_iterations(iteration, rate):
    assert PAPER.rate_at(iteration) == pytest.approx(rate, rel=1e-12)


def test_quarters_of_a_number_that_four_does_not_divide():
    recipe = ReferenceRecipe(iterations=6, rate=1.0)
    rates = [recipe.rate_at(iteration) for iteration in range(6)]
    assert rates == pytest.approx([1, 1, 0.1, 0.01, 0.01, 0.001])


def test_json_there_and_back():
    recipe = ReferenceRecipe(size=32, width=3, rate=0.025, seed=2**40)
    assert ReferenceRecipe.from_dict(json.loads(recipe.to_json())) == recipe
    with pytest.raises(UserError, match="another version"):
        ReferenceRecipe.from_dict({"breadth": 3})


@pytest.mark.parametrize(
    "setting",
    [
        *[{"size": 60}, {"size": 0}, {"width": 0}, {"batch": 0}, {"iterations": 0}],
        *[{"rate": 0.0}, {"rate": float("nan")}, {"rate": float("inf")}, {"seed": -1}],
        *[{"weight_decay": -1e-4}, {"weight_decay": float("nan")}],
    ],
)
def test_settings_out_of_range(setting):
    (name,) = setting
    with pytest.raises(UserError, match=name):
        replace(PAPER, **setting)
