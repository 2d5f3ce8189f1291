"""Every way to run every table: each of its rows can be made, and is the paper's method."""

import pytest

from ganloc.paper.budgets import BUDGETS, CAM, METHODS

CELLS = [
    (table, budget, method)
    for table, budgets in BUDGETS.items()
    for budget in budgets
    for method in METHODS[table]
]


@pytest.mark.parametrize(("table", "budget", "method"), CELLS)
def test_every_cell_has_a_recipe_without_what_the_paper_does_not_do(table, budget, method):
    given = BUDGETS[table][budget]
    settings = given.settings_of(method, seed=3)
    assert settings is not None
    assert settings["seed"] == 3
    if method != CAM:
        assert (settings["adversarial_weight"], settings["border_weight"]) == (1.0, 0.0)
        assert settings["variant"] == method.removesuffix("+aug")


@pytest.mark.parametrize("method", ["dcgan", "sn-dcgan+aug", CAM])
def test_a_row_was_made_by_its_recipe_and_by_the_defaults_of_later_settings(method):
    given = BUDGETS["table3"]["quick"]
    settings = given.settings_of(method, seed=0)
    assert settings is not None
    assert given.made(method, 0, settings)
    later = {"border_weight", "student_iterations", "weight_decay"}
    assert given.made(method, 0, {k: v for k, v in settings.items() if k not in later})
    assert not given.made(method, 0, settings | {"batch": 7})
    assert not given.made(method, 0, {k: v for k, v in settings.items() if k != "iterations"})
    assert not given.made(method, 1, settings)
    assert not given.made(method, 0, None)
    assert given.made("real", 0, None)


@pytest.mark.parametrize("table", BUDGETS)
def test_only_the_paper_s_budget_has_the_paper_s_widths(table):
    widths = {
        name: given.recipe("dcgan", 0).generator_width for name, given in BUDGETS[table].items()
    }
    assert widths.pop("paper") == 64
    assert max(widths.values()) <= 16


def test_the_reference_of_table_3_is_thin_where_the_gans_are():
    widths = {name: given.reference_recipe(0).width for name, given in BUDGETS["table3"].items()}
    assert widths.pop("paper") > max(widths.values())
