"""Help, version and flags: what a newcomer reads first."""

import re
import subprocess
import sys
import tomllib
from dataclasses import fields
from pathlib import Path

import pytest

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
    assert "None" not in text
    if command != "localize":
        assert "False" not in text
