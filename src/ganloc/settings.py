"""Declarations of settings: default, help and range in one place.

A recipe is a frozen dataclass of such settings. Checks, options of the command line and their help
come from these declarations.
"""

import dataclasses
import sys
from collections.abc import Callable, Collection, Mapping
from typing import Any, TypeVar

import numpy as np

from ganloc.errors import UserError
from ganloc.wording import listed, option, shown

R = TypeVar("R")

KINDS = {int: "a whole number", float: "a number", bool: "True or False", str: "a text"}


def setting(
    default: Any,
    help: str,
    *,
    choices: Collection[Any] = (),
    at_least: int | float | None = None,
    above: int | float | None = None,
    below: int | float | None = None,
) -> Any:
    """A field of a recipe.

    Args:
        default: default value.
        help: help text of the command line.
        choices: allowed values. The collection may grow later, because it is read when a recipe is
            made.
        at_least: lower limit, allowed.
        above: lower limit, not allowed.
        below: upper limit, not allowed. Numbers must always be finite.
    """
    limits = {"at_least": at_least, "above": above, "below": below}
    return dataclasses.field(
        default=default, metadata={"help": help, "choices": choices, "limits": limits}
    )


def check_settings(recipe: Any) -> None:
    """Check type and range of each setting of a recipe.

    NumPy's numbers, bools and texts become Python's, which JSON can hold.

    Raises:
        UserError: a setting has the wrong type or is out of its range.
    """
    for field in dataclasses.fields(recipe):
        value = getattr(recipe, field.name)
        value = value.item() if isinstance(value, np.generic) else value
        _check(field, value)
        object.__setattr__(recipe, field.name, value)  # recipes are frozen


def recipe_from(kind: Callable[..., R], values: Mapping[str, Any]) -> R:
    """A recipe with these settings.

    Raises:
        UserError: a setting is unknown, because another version of ganloc wrote the recipe.
    """
    try:
        return kind(**values)
    except TypeError as error:
        raise UserError(
            f"This recipe was written by another version of ganloc ({error}): train again."
        ) from error


def _check(field: "dataclasses.Field[Any]", value: Any) -> None:
    name, kind, choices = option(field.name), field.type, field.metadata["choices"]
    if not _is_a(value, kind):
        raise UserError(f"{name} must be {KINDS[kind]}, not {shown(value)}.")
    if choices and value not in choices:
        raise UserError(f"{name} must be {listed(choices)}, not {shown(value)}.")
    if kind is float and not abs(value) <= sys.float_info.max:  # NaN too
        raise UserError(f"{name} must be finite, not {shown(value)}.")
    limits = field.metadata["limits"]
    ranges = {
        "at least": (limits["at_least"], lambda limit: value >= limit),
        "above": (limits["above"], lambda limit: value > limit),
        "below": (limits["below"], lambda limit: value < limit),
    }
    said = [f"{words} {limit}" for words, (limit, _) in ranges.items() if limit is not None]
    if not all(holds(limit) for limit, holds in ranges.values() if limit is not None):
        raise UserError(f"{name} must be {' and '.join(said)}, not {shown(value)}.")


def _is_a(value: Any, kind: Any) -> bool:
    if isinstance(value, bool) or kind is bool:
        return kind is bool and isinstance(value, bool)
    return isinstance(value, (int, float) if kind is float else kind)
