"""Help, version and flags: what a newcomer reads first."""

import re
import subprocess
import sys
import tomllib
from dataclasses import fields
from pathlib import Path

import pytest
import torch

import ganloc
from cli_runs import TINY
from ganloc import cli
from ganloc.model import Model
from ganloc.recipes import VARIANTS, Recipe


def shown_help(monkeypatch, capsys, *command):
    """The help of a command in one line, without the boxes around it."""
    monkeypatch.setenv("COLUMNS", "200")
    with pytest.raises(SystemExit) as stop:
        cli.main([*command, "--help"])
    assert stop.value.code == 0
    return " ".join(re.sub(r"[│╭╮╰╯─|+]", " ", capsys.readouterr().out).split())


def test_the_help_of_train_shows_each_setting_with_its_value_in_each_preset(capsys, monkeypatch):
    text = shown_help(monkeypatch, capsys, "train")
    values = {
        "--variant": "dcgan; laptop sn-dcgan, paper sn-dcgan",
        "--size": "64",
        "--generator-width": "16; paper 64",
        "--batch": "32; paper 128",
        "--iterations": "1500; laptop 10000, paper 250000",
        "--generator-rate": "0.0002",
        "--discriminator-rate": "0.001; laptop 0.0004, paper 0.0002",
        "--beta1": "0.5; paper 0.9",
        "--logit-scale": "1.0; laptop 10.0",
        "--mirror": "on; paper off",
        "--select": "on; laptop off, paper off",
        "--student-iterations": "1200; laptop 0, paper 0",
        "--student-rounds": "2",
        "--pseudo-boxes": "both",
        "--features": "none",
        "--seed": "0",
    }
    for name, value in values.items():
        own = text.partition(f" {name} ")[2].partition("(default: ")[2]
        assert own.startswith(f"{value})"), name
    options = [f"--{field.name.replace('_', '-')}" for field in fields(Recipe)]
    assert text.count("(default: ") >= len(options)
    assert all(f" {option} " in text for option in options)


def test_the_help_of_train_names_every_variant(capsys, monkeypatch):
    words = re.findall(r"[\w-]+", shown_help(monkeypatch, capsys, "train"))
    assert set(VARIANTS) <= set(words)


def test_the_help_of_localize_names_refinement_and_the_formats(capsys, monkeypatch):
    text = shown_help(monkeypatch, capsys, "localize")
    for words in (
        "--no-refine",
        "coco",
        "coco-results",
        "csv",
        "--plain-cam",
        "--heatmaps",
        "--draw",
        "--category",
    ):
        assert words in text


def test_the_command_and_its_help():
    ganloc = str(Path(sys.executable).with_name("ganloc"))
    done = subprocess.run([ganloc, "--help"], capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert all(
        command in done.stdout
        for command in ("demo", "train", "localize", "evaluate", "evaluate-heatmaps", "reproduce")
    )
    assert done.stderr == ""


def test_the_version(capsys):
    cli.main(["--version"])
    assert capsys.readouterr().out == f"ganloc {ganloc.__version__}\n"
    project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())
    assert project["tool"]["hatch"]["version"]["path"] == "src/ganloc/__init__.py"
    assert re.fullmatch(r"\d+\.\d+\.\d+", ganloc.__version__)


def test_a_setting_is_switched_on_and_off_by_flags(tmp_path, work, capsys):
    train = ["train", str(work / "photos"), "--device", "cpu", *TINY, "--iterations", "1"]
    cli.main([*train, "--out", str(tmp_path / "run"), "--no-mirror", "--no-select"])
    recipe = Model.load(tmp_path / "run" / "model.safetensors").recipe
    assert (recipe.mirror, recipe.select, recipe.augment) == (False, False, False)
    capsys.readouterr()
    with pytest.raises(SystemExit) as stop:
        cli.main([*train, "--out", str(tmp_path / "other"), "--mirror", "--no-mirror"])
    assert stop.value.code == 2
    assert capsys.readouterr().err == "ganloc: Give --mirror or --no-mirror, not both.\n"


@pytest.mark.parametrize("command", [*cli.COMMANDS])
def test_no_help_shows_python_s_none_or_false(command, capsys, monkeypatch):
    text = shown_help(monkeypatch, capsys, command)
    assert not re.search("None|False|True", text)


def test_no_help_breaks_a_line_that_has_room(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "1000")
    for command in {*cli.COMMANDS} - {"reproduce"}:  # whose choices are wider than the column
        with pytest.raises(SystemExit):
            cli.main([command, "--help"])
        lines = [line.strip("│ ") for line in capsys.readouterr().out.splitlines()]
        options = lines.index(next(line for line in lines if line.startswith("-h, --help")))
        within = [line for line in lines[options:] if line and line[0] not in "╭╰─"]
        assert [
            line
            for line in within
            if not line.startswith(("-", "settings options", "Settings that"))
        ] == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("train x --out y --size big", "--size must be a whole number, not 'big'."),
        ("train x --out y --iterations 1e3", "--iterations must be a whole number, not '1e3'."),
        ("train x --out y --beta1 fast", "--beta1 must be a number, not 'fast'."),
        ("train x --out y --student-width None", "--student-width must be a whole number, not"),
        ("demo --seed x", "--seed must be a whole number, not 'x'."),
        ("reproduce table3 --minutes x", "--minutes must be a number, not 'x'."),
        ("evaluate-heatmaps a b --threshold x", "--threshold must be a number, not 'x'."),
        ("train x --out y --device None", "There is no device 'None' here"),  # not the default
        ("train x --out y --preset None", "There is no preset 'None'"),
    ],
)
def test_a_value_that_is_none_is_named_in_a_sentence(arguments, said, capsys):
    with pytest.raises(SystemExit) as stop:
        cli.main(arguments.split())
    assert stop.value.code == 2
    errors = capsys.readouterr().err
    assert errors.startswith(f"ganloc: {said}")
    assert len(errors.splitlines()) == 1


def test_the_help_says_how_to_begin(capsys, monkeypatch):
    text = shown_help(monkeypatch, capsys)
    assert "ganloc train PHOTOS" in text
    assert "ganloc localize RUN PHOTOS" in text
    assert "version" in text


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 9 GiB."),
        RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried"),
    ],
)
def test_too_little_memory_is_a_sentence(error, capsys, monkeypatch):
    def fail():
        raise error

    monkeypatch.setitem(cli.COMMANDS, "demo", fail)
    with pytest.raises(SystemExit) as stop:
        cli.main(["demo"])
    assert stop.value.code == 2
    assert re.fullmatch("ganloc: There is too little memory: .*\n", capsys.readouterr().err)


def test_another_runtime_error_is_ours_and_keeps_its_traceback(monkeypatch):
    def fail():
        raise RuntimeError("shapes do not match")

    monkeypatch.setitem(cli.COMMANDS, "demo", fail)
    with pytest.raises(RuntimeError, match="shapes"):
        cli.main(["demo"])
