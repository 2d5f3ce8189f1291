"""What the scripts have in common: their options, how they end, and rows kept in a file."""

import argparse
from collections.abc import Callable
from pathlib import Path

from ganloc.errors import Stopped, UserError
from ganloc.paper.results import ResultRow, Results

FOLDERS = ("butterflies", "cells", "heads", "pliers")


def parser(description: str, needs_data: bool) -> argparse.ArgumentParser:
    """A parser with the options of every script that reads Tiny ImageNet."""
    options = parser_without_data(description)
    data = "tiny-imagenet-200.zip, or its folder"
    options.add_argument("--data", type=Path, required=needs_data, help=data)
    return options


def parser_without_data(description: str) -> argparse.ArgumentParser:
    """A parser with the options of every script."""
    options = argparse.ArgumentParser(description=description)
    options.add_argument("--sets", nargs="+", help="default: all that are given")
    options.add_argument("--results", type=Path, default=Path("docs/results"), help="folder")
    return options


def add_folders(options: argparse.ArgumentParser) -> None:
    """Options for folders of images beside the sets of Tiny ImageNet, and for the paper's sets."""
    for name in FOLDERS:
        options.add_argument(
            f"--{name}", type=Path, help="folder of images; run.py needs its truth.coco.json"
        )
    options.add_argument("--exam", action="store_true", help="allow the paper's six sets")


def folders_of(options: argparse.Namespace) -> dict[str, Path]:
    """The folders that were given, by name."""
    return {name: path for name in FOLDERS if (path := getattr(options, name))}


def exit_status(work: Callable[[], str]) -> int:
    """Print what `work` returns.

    Returns:
        0; 2 where the user has something to put right; 130 where training was stopped.
    """
    try:
        print(work())
    except UserError as error:
        print(error)
        return 2
    except Stopped as stop:
        print(f"{stop}: the same command goes on from there.")
        return 130
    return 0


def kept_row(results: Results, identity: ResultRow, work: Callable[[], ResultRow]) -> ResultRow:
    """The row with this identity; `work` is called where it is missing, and its row kept."""
    if results.find(**identity) is None:
        results.add({**identity, **work()})
    row = results.find(**identity)
    assert row is not None
    return row
