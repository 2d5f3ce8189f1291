"""The command line: commands, and errors as messages."""

import inspect
import os
import re
import sys
import warnings
from collections.abc import Callable
from typing import Any

import tyro
from tyro.conf import OmitArgPrefixes

from ganloc import __version__
from ganloc.commands.common import say
from ganloc.commands.demo import demo
from ganloc.commands.evaluate import evaluate, evaluate_heatmaps
from ganloc.commands.finetune import finetune
from ganloc.commands.localize import localize
from ganloc.commands.reproduce import reproduce
from ganloc.commands.suggest import suggest
from ganloc.commands.train import train
from ganloc.errors import Notice, Stopped, UserError
from ganloc.wording import on_command_line

COMMANDS: dict[str, Callable[..., None]] = {
    "demo": demo,
    "train": train,
    "suggest": suggest,
    "finetune": finetune,
    "localize": localize,
    "evaluate": evaluate,
    "evaluate-heatmaps": evaluate_heatmaps,
    "reproduce": reproduce,
}
for _command in map(inspect.unwrap, COMMANDS.values()):
    # tyro keeps the line breaks of a docstring within the help of an option
    _command.__doc__ = re.sub(r"\n {8}(?=\S)", " ", inspect.cleandoc(_command.__doc__ or ""))

DESCRIPTION = """\
A box around the object in every image of a folder, without labels.

1. ganloc train PHOTOS --out RUN
2. ganloc localize RUN PHOTOS --out boxes.json --draw DRAWN

`ganloc COMMAND --help` explains a command, `ganloc --version` tells the version."""


def main(arguments: list[str] | None = None) -> None:
    """Run one command. A UserError becomes one sentence and exit status 2."""
    given = sys.argv[1:] if arguments is None else arguments
    with warnings.catch_warnings(), on_command_line():
        warnings.simplefilter("always", Notice)
        warnings.showwarning = _show(warnings.showwarning)
        try:
            try:
                _run(given)
            finally:
                sys.stdout.flush()
        except UserError as error:
            say(f"ganloc: {error}")
            sys.exit(2)
        except BrokenPipeError:  # the reader of our output has enough
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            sys.exit(141)
        except (MemoryError, RuntimeError) as error:
            if not _is_out_of_memory(error):
                raise
            say(
                "ganloc: There is too little memory: give a smaller --batch or --size, or --device "
                "cpu, or end other programs."
            )
            sys.exit(2)
        except OSError as error:
            named = f"{error.filename}: " if error.filename else ""  # unknown once a file is open
            say(f"ganloc: {named}{error.strerror or error}.")
            sys.exit(2)
        except (KeyboardInterrupt, Stopped) as stop:
            say("ganloc: stopped.")
            sys.exit(stop.status if isinstance(stop, Stopped) else 130)


def _run(arguments: list[str]) -> None:
    if arguments == ["--version"]:
        print(f"ganloc {__version__}")
        return
    tyro.extras.subcommand_cli_from_dict(
        COMMANDS,
        prog="ganloc",
        description=DESCRIPTION,
        args=arguments,
        config=(OmitArgPrefixes,),
    )


def _is_out_of_memory(error: Exception) -> bool:
    # torch's own class exists for GPUs alone
    return isinstance(error, MemoryError) or bool(
        re.search(r"out of memory|not enough memory|can't allocate memory", str(error))
    )


def _show(otherwise: Callable[..., None]) -> Callable[..., None]:
    """A `warnings.showwarning` that prints notices as lines. It passes other warnings on."""

    def show(message: Warning | str, category: type[Warning], *others: Any) -> None:
        if issubclass(category, Notice):
            say(str(message))
        else:
            otherwise(message, category, *others)

    return show
