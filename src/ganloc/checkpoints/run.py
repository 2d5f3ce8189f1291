"""A run folder: everything that training one recipe on one set of images leaves on disk."""

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch

from ganloc.errors import UserError
from ganloc.files import write_json, write_text
from ganloc.images.image_set import ImageSet
from ganloc.model import Model
from ganloc.recipes import Recipe
from ganloc.settings import option


@dataclass(frozen=True)
class Run:
    """Where a run's files are; `create` and `open` say whether it may be there."""

    folder: Path

    @property
    def recipe_file(self) -> Path:
        """The recipe, the data's name and its checksum."""
        return self.folder / "recipe.json"

    @property
    def log(self) -> Path:
        """One JSON object a line: losses, speed, seconds."""
        return self.folder / "log.jsonl"

    @property
    def checkpoint(self) -> Path:
        """The whole state of training, to go on from."""
        return self.folder / "checkpoint" / "latest.safetensors"

    @property
    def signals(self) -> Path:
        """One JSON object a line: what each checkpoint was worth (checkpoints/signals.py)."""
        return self.folder / "signals.jsonl"

    @property
    def best(self) -> Path:
        """The model that the label-free rule prefers so far, beside the checkpoint."""
        return self.checkpoint.with_name("best.safetensors")

    @property
    def model(self) -> Path:
        """The discriminator ready for reading, and its student."""
        return self.folder / "model.safetensors"

    def milestone(self, iteration: int) -> Path:
        """The model as it was after `iteration`, where training was asked to keep it."""
        return self.folder / "milestones" / f"{iteration:06d}.safetensors"

    @classmethod
    def create(cls, folder: Path, recipe: Recipe, images: ImageSet) -> "Run":
        """Make the folder and write its recipe.

        Raises:
            UserError: there is already something, or it can't be written to.
        """
        check_new(folder)
        run = cls(folder)
        origin = {"data": images.source, "images": len(images), "checksum": images.checksum}
        write_json(run.recipe_file, {**origin, "recipe": asdict(recipe)})
        return run

    @classmethod
    def open(cls, folder: Path) -> "Run":
        """A folder that holds a run.

        Raises:
            UserError: it is not there, or not a run.
        """
        if not folder.exists():
            raise UserError(f"There is no run at {folder}: give a folder that `ganloc train` made.")
        run = cls(folder)
        if not run.recipe_file.is_file():
            raise UserError(
                f"{folder} is not a run (it has no recipe.json): "
                "give a folder that `ganloc train` made."
            )
        return run

    @classmethod
    def create_or_open(cls, folder: Path, recipe: Recipe, images: ImageSet) -> "Run":
        """A run of this recipe on these images, new or begun by an earlier call.

        Raises:
            UserError: the folder holds something else, or can't be written to.
        """
        if not (folder / "recipe.json").exists():
            return cls.create(folder, recipe, images)
        run = cls.open(folder)
        run.check_same(recipe, images)
        return run

    def read(self) -> dict[str, Any]:
        """What `recipe.json` holds; a broken file is a UserError."""
        try:
            values = json.loads(self.recipe_file.read_text(encoding="utf-8"))
            data, images, crc = (
                str(values["data"]),
                int(values["images"]),
                int(values["checksum"]),
            )
            recipe = dict(values["recipe"])
            return {"data": data, "images": images, "checksum": crc, "recipe": recipe}
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise UserError(f"{self.recipe_file} is broken: train again.") from error

    def recipe(self) -> Recipe:
        """The recipe of the run."""
        return Recipe.from_dict(self.read()["recipe"])

    def recipe_to_resume(self, changes: Mapping[str, Any]) -> Recipe:
        """The recipe to go on with: the run's own, with `changes` that are None left out.

        Raises:
            UserError: a change of another setting than the number of iterations.
        """
        recipe = self.recipe()
        given = {name: value for name, value in changes.items() if value is not None}
        for name, value in given.items():
            if name != "iterations" and value != getattr(recipe, name):
                raise UserError(
                    f"{option(name)} was {getattr(recipe, name)} in {self.folder} and cannot "
                    f"become {value} with --resume: leave it out, or choose another --out."
                )
        return replace(recipe, iterations=given.get("iterations", recipe.iterations))

    def check_same(self, recipe: Recipe, images: ImageSet) -> None:
        """Refuse to go on with another recipe (but for the iterations) or on other images.

        Raises:
            UserError: either is another.
        """
        self.recipe_to_resume(asdict(recipe))
        values = self.read()
        if values["checksum"] != images.checksum:
            raise UserError(
                f"{self.folder} was trained on other images ({values['data']}, "
                f"{values['images']}): resume with the same ones, or choose another --out."
            )

    def model_with_student(self) -> Model | None:
        """The run's model, if there is one and its student, which comes last, has learned."""
        with suppress(UserError):
            model = Model.load(self.model)
            if model.student is not None:
                return model
        return None

    def write_recipe(self, recipe: Recipe) -> None:
        """Put `recipe` in place of the one in `recipe.json`."""
        write_json(self.recipe_file, {**self.read(), "recipe": asdict(recipe)})

    def keep_log_until(self, iteration: int) -> float:
        """Drop the log's lines past the checkpoint that training goes on from.

        Returns:
            The seconds of training that the last line kept tells of.
        """
        kept = _keep_until(self.log, iteration)
        return float(kept[-1].get("seconds", 0.0)) if kept else 0.0

    def keep_signals_until(self, iteration: int) -> list[dict[str, Any]]:
        """Drop the lines of `signals` past the checkpoint that training goes on from.

        Returns:
            The lines kept.
        """
        return _keep_until(self.signals, iteration)

    def append_log(self, values: Mapping[str, int | float]) -> None:
        """Add a line to the log."""
        _append(self.log, values)

    def append_signals(self, values: Mapping[str, int | float | None]) -> None:
        """Add a line to the signals."""
        _append(self.signals, values)


def check_new(folder: Path) -> None:
    """A UserError where a new run can't go: there is something already."""
    if folder.is_dir() and any(folder.iterdir()):
        resume = ", or go on with --resume" if (folder / "recipe.json").exists() else ""
        raise UserError(f"{folder} already exists: choose another --out{resume}.")
    if folder.exists() and not folder.is_dir():
        raise UserError(f"{folder} is a file: choose another --out.")
    nearest = next(parent for parent in (folder, *folder.absolute().parents) if parent.exists())
    if not (nearest.is_dir() and os.access(nearest, os.W_OK | os.X_OK)):
        raise UserError(f"Cannot write {folder} in {nearest}: choose another --out.")


def _append(path: Path, values: Mapping[str, Any]) -> None:
    try:
        with path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(dict(values)) + "\n")
    except OSError as error:
        raise UserError(
            f"Cannot write {path} ({error.strerror or error}): put that right, then go on with "
            "`ganloc train --resume`."
        ) from error


def _keep_until(path: Path, iteration: int) -> list[dict[str, Any]]:
    if not path.exists():
        return []
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    kept = [line for line in lines if _iteration(line) <= iteration]
    write_text(path, "".join(kept))
    return [json.loads(line) for line in kept]


def _iteration(line: str) -> int | float:
    try:
        return json.loads(line)["iteration"]
    except ValueError:  # cut off by a kill
        return float("inf")


def load_model(path: Path, device: torch.device) -> Model:
    """The model of a run folder, or of a model file.

    Raises:
        UserError: there is none, or its training has left none yet.
    """
    if path.is_file():
        return Model.load(path).to(device)
    run = Run.open(path)
    if not run.model.exists():
        raise UserError(
            f"The training in {path} is not finished: go on with `ganloc train "
            f"PHOTOS --out {path} --resume`."
        )
    return Model.load(run.model).to(device)
