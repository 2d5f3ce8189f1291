"""Settings: what is checked of each, and how it is said."""

import ast
import dataclasses
import math
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

import ganloc
from ganloc.errors import UserError
from ganloc.recipes import Recipe
from ganloc.settings import check_settings, recipe_from, setting
from ganloc.wording import listed, on_command_line, option

COLOURS = {"red": 1, "green": 2}


@dataclass(frozen=True)
class Toy:
    count: int = setting(3, "How many.", at_least=1)
    rate: float = setting(0.5, "How fast.", above=0, below=2)
    mirror: bool = setting(False, "Whether to mirror.")
    main_colour: str = setting("red", "Which colour.", choices=COLOURS)
    free: float = setting(0.0, "Anything finite.")
    text: str = setting("", "Anything.")

    def __post_init__(self):
        check_settings(self)


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("count", 0, "count must be at least 1, not 0."),
        ("count", 2.0, "count must be a whole number, not 2.0."),
        ("count", True, "count must be a whole number, not True."),
        ("count", "3", "count must be a whole number, not '3'."),
        ("count", None, "count must be a whole number, not None."),
        ("rate", 0.0, "rate must be above 0 and below 2, not 0.0."),
        ("rate", -1, "rate must be above 0 and below 2, not -1."),
        ("rate", 2.0, "rate must be above 0 and below 2, not 2.0."),
        ("rate", math.nan, "rate must be finite, not nan."),
        ("rate", math.inf, "rate must be finite, not inf."),
        ("rate", "fast", "rate must be a number, not 'fast'."),
        ("rate", False, "rate must be a number, not False."),
        ("free", -math.inf, "free must be finite, not -inf."),
        ("mirror", 1, "mirror must be True or False, not 1."),
        ("mirror", "True", "mirror must be True or False, not 'True'."),
        ("main_colour", "blue", "main_colour must be red or green, not 'blue'."),
        ("main_colour", "", "main_colour must be red or green, not ''."),
        ("main_colour", 1, "main_colour must be a text, not 1."),
        ("count", [0] * 1000, "count must be a whole number, not a list."),
        ("count", np.zeros((64, 64)), "count must be a whole number, not a ndarray."),
        ("count", np.bool_(True), "count must be a whole number, not True."),
        ("rate", 10**400, f"rate must be finite, not 1{'0' * 49}…."),
        ("rate", np.float32("nan"), "rate must be finite, not nan."),
        ("text", b"x", "text must be a text, not a bytes."),
    ],
)
def test_a_setting_that_is_not_what_it_should_be_is_named_as_it_was_given(name, value, sentence):
    with pytest.raises(UserError) as error:
        Toy(**{name: value})
    assert str(error.value) == sentence
    with on_command_line(), pytest.raises(UserError) as error:
        Toy(**{name: value})
    assert str(error.value) == sentence.replace(name, f"--{name.replace('_', '-')}", 1)


def test_numbers_of_numpy_become_python_s_which_json_holds():
    toy = Toy(np.int32(7), np.float64(0.25), np.bool_(True), np.str_("green"), free=np.int8(1))
    assert toy == Toy(7, 0.25, True, "green", 1)
    assert [type(value) for value in dataclasses.astuple(toy)] == [int, float, bool, str, int, str]


@pytest.mark.parametrize(
    ("name", "value"),
    [("count", 1), ("rate", 1e-300), ("rate", 1), ("rate", 1.999), ("free", -1e300)],
)
def test_the_ends_of_a_range_and_whole_numbers_for_numbers_are_allowed(name, value):
    assert getattr(Toy(**{name: value}), name) == value


def test_of_several_wrong_settings_the_first_is_named():
    with pytest.raises(UserError, match=r"^count "):
        Toy(rate=-1.0, count=0)


def test_a_choice_may_be_added_to_the_table(monkeypatch):
    monkeypatch.setitem(COLOURS, "blue", 3)
    assert Toy(main_colour="blue").main_colour == "blue"


def test_every_setting_of_a_recipe_says_what_it_means():
    helps = {field.name: field.metadata["help"] for field in dataclasses.fields(Recipe)}
    assert all(text.strip().endswith(".") and len(text) > 10 for text in helps.values()), helps
    assert len(set(helps.values())) == len(helps)


def test_every_setting_of_a_recipe_is_checked():
    for field in dataclasses.fields(Recipe):
        for value in (object(), None, *([math.nan] if field.type is float else [])):
            recipe = Recipe()
            object.__setattr__(recipe, field.name, value)  # past the tests' own type checks
            with pytest.raises(UserError, match=rf"^{option(field.name)} must be "):
                check_settings(recipe)


def test_options_are_spelled_with_dashes_on_the_command_line_alone():
    with on_command_line():
        assert option("discriminator_rate") == "--discriminator-rate"
        assert option("seed", 3) == "--seed 3"
        assert option("device", "cpu") == "--device cpu"
        assert (option("select", True), option("select", False)) == ("--select", "--no-select")
    assert option("discriminator_rate") == "discriminator_rate"
    assert option("seed", 3) == "seed=3"
    assert option("device", "cpu") == "device='cpu'"
    assert (option("select", True), option("select", False)) == ("select=True", "select=False")


def strings_of_messages():
    """Every text in the package's code that is no docstring and not in a command's own module."""
    root = Path(ganloc.__file__).parent
    for path in sorted(root.rglob("*.py")):
        if path.parent.name in ("commands", "paper") or path.name in ("cli.py", "wording.py"):
            continue  # they are reached by commands alone
        tree = ast.parse(path.read_text(encoding="utf-8"))
        spoken = [
            inside
            for node in ast.walk(tree)
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "either"
            for inside in ast.walk(node)
        ]
        docs = [node.value for node in ast.walk(tree) if isinstance(node, ast.Expr)]
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and node not in spoken and node not in docs:
                yield f"{path.relative_to(root)}:{node.lineno}", node.value


def test_no_message_of_the_library_speaks_of_options_but_by_the_wording():
    texts = [(where, text) for where, text in strings_of_messages() if isinstance(text, str)]
    assert len(texts) > 500
    assert [each for each in texts if re.search(r"(?<![\w-])--[a-z]|`ganloc ", each[1])] == []


@pytest.mark.parametrize(
    ("choices", "expected"),
    [
        (["a"], "a"),
        (["a", "b"], "a or b"),
        (["a", "b", "c"], "a, b or c"),
        ((32, 64), "32 or 64"),
        ({"x": 1, "y": 2}, "x or y"),
    ],
)
def test_choices_are_listed_as_a_person_would(choices, expected):
    assert listed(choices) == expected
    assert listed(choices, "and") == expected.replace(" or ", " and ")


def test_a_recipe_comes_from_its_settings_or_says_that_it_is_of_another_version():
    assert recipe_from(Toy, {"count": 7}) == Toy(count=7)
    with pytest.raises(UserError, match=r"another version of ganloc \(.*weight.*\): train again"):
        recipe_from(Toy, {"weight": 7})
    with pytest.raises(UserError, match=r"^count must be at least 1"):
        recipe_from(Toy, {"count": 0})
