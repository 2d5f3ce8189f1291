"""The paper's settings, and what a recipe refuses."""

import dataclasses
import json
import math

import pytest

from ganloc.errors import UserError
from ganloc.recipes import PRESETS, VARIANTS, Recipe, make_recipe


def test_the_preset_paper_is_the_paper():
    # PAPER.md, "Training" and "Networks"; SN-DCGAN at 64×64 is the paper's best.
    assert dataclasses.asdict(make_recipe("paper")) == {
        "variant": "sn-dcgan",
        "size": 64,
        "generator_width": 64,
        "discriminator_width": 64,
        "latent": 128,
        "batch": 128,
        "iterations": 250_000,
        "generator_rate": 0.0002,
        "discriminator_rate": 0.0002,
        "beta1": 0.9,
        "logit_scale": 1.0,
        "penalty_weight": 10.0,
        "adversarial_weight": 1.0,
        "border_weight": 0.0,
        "dragan_noise": "gaussian",
        "mirror": False,
        "augment": False,
        "select": False,
        "patience": 0,
        "student_iterations": 0,
        "student_rounds": 2,
        "student_width": 16,
        "pseudo_boxes": "both",
        "several": False,
        "features": "",
        "seed": 0,
    }


def test_overrides_replace_and_none_is_refused():
    recipe = make_recipe("paper", batch=7, mirror=True, seed=0, beta1=0.0)
    with pytest.raises((UserError, TypeError)):  # TypeError by the suite's own type checks
        make_recipe("paper", seed=None)  # which other libraries take for chance
    assert recipe == dataclasses.replace(PRESETS["paper"], batch=7, mirror=True, beta1=0.0)


@pytest.mark.parametrize("preset", PRESETS)
def test_false_and_zero_are_values_not_absences(preset):
    recipe = make_recipe(preset, mirror=False, seed=0, beta1=0.0)
    assert (recipe.mirror, recipe.seed, recipe.beta1) == (False, 0, 0.0)


def test_an_unknown_preset_lists_the_known_ones():
    with pytest.raises(UserError) as error:
        make_recipe("desktop")
    assert "'desktop'" in str(error.value)
    assert all(name in str(error.value) for name in PRESETS)


def test_an_unknown_variant_lists_the_known_ones():
    with pytest.raises(UserError) as error:
        make_recipe("paper", variant="stylegan")
    assert "'stylegan'" in str(error.value)
    assert all(name in str(error.value) for name in VARIANTS)


@pytest.mark.parametrize("size", [0, -32, 16, 50, 65, 512])
def test_sizes_that_no_network_has(size):
    with pytest.raises(UserError) as error:
        make_recipe("paper", size=size)
    assert str(size) in str(error.value)
    assert "size must be 32, 64, 128 or 256" in str(error.value)


COUNTS = [
    *["generator_width", "discriminator_width", "latent", "batch", "iterations"],
    *["student_rounds", "student_width"],
]
LOSS_WEIGHTS = ["penalty_weight", "adversarial_weight", "border_weight"]
POSITIVE = ["generator_rate", "discriminator_rate", "logit_scale"]


def test_steps_are_those_of_the_discriminator_and_of_every_round_of_the_student():
    recipe = make_recipe("paper", iterations=100, student_iterations=7, student_rounds=3)
    assert recipe.steps == 121
    assert dataclasses.replace(recipe, student_iterations=0).steps == 100


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *[(name, value) for name in COUNTS for value in (0, -1)],
        *[(name, value) for name in POSITIVE for value in (0.0, -1e-4, math.nan)],
        *[("seed", value) for value in (-1, 2**64)],
        *[("beta1", value) for value in (-0.1, 1.0, 1.5, math.nan)],
        *[(name, value) for name in LOSS_WEIGHTS for value in (-0.1, math.inf, math.nan)],
        *[("dragan_noise", value) for value in ("", "none", "uniform")],
        ("student_iterations", -1),
        *[("pseudo_boxes", value) for value in ("", "none", "colours")],
    ],
)
def test_what_is_out_of_range_is_named(name, value):
    with pytest.raises(UserError, match=f"^{name} must be "):
        make_recipe("paper", **{name: value})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *[(name, 1) for name in COUNTS],
        *[(name, 1e-9) for name in POSITIVE],
        ("beta1", 0.0),
        *[(name, 0.0) for name in LOSS_WEIGHTS if name != "adversarial_weight"],
        ("adversarial_weight", 1e-9),
        ("border_weight", 1e9),
        ("dragan_noise", "uniform-scaled"),
        ("student_iterations", 0),
        ("pseudo_boxes", "colour"),
        ("pseudo_boxes", "discriminator"),
    ],
)
def test_the_ends_of_the_ranges_are_allowed(name, value):
    assert getattr(Recipe(**{name: value}), name) == value


@pytest.mark.parametrize("preset", PRESETS)
def test_json_comes_back(preset):
    recipe = make_recipe(preset, generator_rate=1.23e-4, seed=12, discriminator_width=5)
    assert Recipe.from_dict(json.loads(recipe.to_json())) == recipe
    assert list(json.loads(recipe.to_json())) == [f.name for f in dataclasses.fields(Recipe)]


def test_there_is_a_gan_or_a_border_pretext_task_to_learn_from():
    with pytest.raises(UserError) as error:
        make_recipe("paper", adversarial_weight=0.0)
    assert str(error.value) == (
        "With adversarial_weight=0 and border_weight=0 there is nothing to learn: "
        "raise one of them."
    )
    alone = make_recipe("paper", adversarial_weight=0.0, border_weight=0.1)
    assert (alone.adversarial_weight, alone.border_weight) == (0.0, 0.1)


def test_the_default_preset_alone_has_the_border_pretext_task_and_it_trains_no_gan():
    weights = {name: (p.adversarial_weight, p.border_weight) for name, p in PRESETS.items()}
    assert weights == {"default": (0.0, 1.0), "laptop": (1.0, 0.0), "paper": (1.0, 0.0)}
    summaries = {name: preset.summary for name, preset in PRESETS.items()}
    assert summaries == {
        "default": "the border pretext task, then a student",
        "laptop": "sn-dcgan",
        "paper": "sn-dcgan",
    }
    both = make_recipe("laptop", border_weight=0.5)
    assert both.summary == "sn-dcgan and the border pretext task"


def test_a_variant_is_refused_where_no_gan_is_trained():
    with pytest.raises(UserError, match="default trains no GAN, so there is no wgan:"):
        make_recipe("default", variant="wgan")
    assert make_recipe("default", variant="wgan", adversarial_weight=1.0).variant == "wgan"


@pytest.mark.parametrize(
    ("name", "value"), [("student_rounds", 2), ("student_width", 8), ("pseudo_boxes", "colour")]
)
def test_settings_of_a_student_are_refused_where_none_learns(name, value):
    with pytest.raises(UserError, match=rf"^{name} has no effect .*student_iterations"):
        make_recipe("paper", **{name: value})
    with_student = make_recipe("paper", student_iterations=5, **{name: value})
    assert getattr(with_student, name) == value
    assert getattr(make_recipe("default", **{name: value}), name) == value


def test_a_recipe_from_before_there_was_a_border_pretext_task_is_as_it_was():
    before = json.loads(Recipe(variant="dcgan", seed=3).to_json())
    del before["adversarial_weight"], before["border_weight"]
    assert Recipe.from_dict(before) == Recipe(variant="dcgan", seed=3)


def test_a_recipe_from_before_there_were_penalties_is_as_it_was():
    before = json.loads(Recipe(variant="dcgan", seed=3).to_json())
    del before["penalty_weight"], before["dragan_noise"]
    assert Recipe.from_dict(before) == Recipe(variant="dcgan", seed=3)


def test_a_recipe_of_another_version_is_told():
    with pytest.raises(UserError, match=r"another version of ganloc.*colour"):
        Recipe.from_dict({"variant": "dcgan", "colour": "red"})


def test_patience_needs_select():
    with pytest.raises(UserError, match=r"^patience must be at least 0"):
        make_recipe("paper", select=True, patience=-1)
    with pytest.raises(UserError, match=r"^patience needs select=True"):
        make_recipe("paper", patience=1)
    assert make_recipe("paper", select=True, patience=1).patience == 1
    assert (PRESETS["default"].select, PRESETS["paper"].select) == (True, False)


def test_an_unknown_setting_lists_the_known_ones():
    with pytest.raises(UserError, match=r"no setting 'epochs': choose from .*iterations"):
        make_recipe("paper", epochs=3)


def test_a_recipe_is_not_changed_by_accident():
    with pytest.raises(dataclasses.FrozenInstanceError):
        make_recipe("paper").batch = 3  # type: ignore[misc]
