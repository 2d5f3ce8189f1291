"""The examples in docstrings give what they say."""

import doctest
import importlib
import inspect
import pkgutil
import re
from pathlib import Path

import pytest

import ganloc

OPTIONS = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
MODULES = {
    module.name: importlib.import_module(module.name)
    for module in pkgutil.walk_packages(ganloc.__path__, "ganloc.")
}


def source_of(module):
    return Path(module.__file__).read_text(encoding="utf-8")


def number_in(text):
    return len(re.findall(r"^\s*>>> ", text, re.MULTILINE))


WITH_EXAMPLES = [name for name, module in MODULES.items() if number_in(source_of(module))]


def docstrings(module):
    """Its own and those of its classes and functions, by their names.

    Doctest's own finder leaves out functions in a wrapper, as the suite's checks of types are.
    """
    found, open_parts = {module.__name__: inspect.getdoc(module) or ""}, list(vars(module).values())
    while open_parts:
        part = open_parts.pop()
        part = inspect.unwrap(getattr(part, "__func__", getattr(part, "fget", None) or part))
        if getattr(part, "__module__", None) != module.__name__:
            continue
        if inspect.isclass(part) or inspect.isfunction(part):
            found[f"{module.__name__}.{part.__qualname__}"] = inspect.getdoc(part) or ""
        if inspect.isclass(part):
            open_parts += vars(part).values()
    return found


@pytest.mark.parametrize("name", WITH_EXAMPLES)
def test_the_examples_of_a_module(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # some write files
    module, parser, said, run = MODULES[name], doctest.DocTestParser(), [], 0
    runner = doctest.DocTestRunner(optionflags=OPTIONS)
    for whose, text in docstrings(module).items():
        test = parser.get_doctest(text, dict(vars(module)), whose, module.__file__, 0)
        run += len(test.examples)
        runner.run(test, out=said.append)
    assert runner.failures == 0, "".join(said)
    assert run == number_in(source_of(module))  # none was overlooked


def test_there_are_examples_where_a_user_would_call():
    assert {"ganloc.localizer", "ganloc.images.image_set", "ganloc.recipes"} <= set(WITH_EXAMPLES)
    assert len(WITH_EXAMPLES) > 20
