"""A run folder: all files of one training."""

import json
import math
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
from ganloc.wording import either, option


@dataclass(frozen=True)
class Run:
    """The paths of a run's files. `create` makes a new run, `open` opens an existing one."""

    folder: Path

    @property
    def recipe_file(self) -> Path:
        """Recipe, name of the data, checksum of the images, and number of threads."""
        return self.folder / "recipe.json"

    @property
    def log(self) -> Path:
        """One JSON object a line: losses, speed, seconds."""
        return self.folder / "log.jsonl"

    @property
    def checkpoint(self) -> Path:
        """The training state, for resuming."""
        return self.folder / "checkpoint" / "latest.safetensors"

    @property
    def signals(self) -> Path:
        """One JSON object a line: the signals of each checkpoint (checkpoints/signals.py)."""
        return self.folder / "signals.jsonl"

    @property
    def best(self) -> Path:
        """The best model so far by the label-free criterion (checkpoints/selection.py)."""
        return self.checkpoint.with_name("best.safetensors")

    @property
    def model(self) -> Path:
        """The finished model: discriminator and student."""
        return self.folder / "model.safetensors"

    def milestone(self, iteration: int) -> Path:
        """The model of a milestone, the iteration `iteration`."""
        return self.folder / "milestones" / f"{iteration:06d}.safetensors"

    @classmethod
    def create(cls, folder: Path, recipe: Recipe, images: ImageSet) -> "Run":
        """Make the folder and write its recipe.

        Raises:
            UserError: the folder is not empty or can't be written to.
        """
        check_new(folder)
        run = cls(folder)
        origin = {"data": images.source, "images": len(images), "checksum": images.checksum}
        origin |= {"threads": torch.get_num_threads()}  # which the last digits depend on
        write_json(run.recipe_file, {**origin, "recipe": asdict(recipe)})
        return run

    @classmethod
    def open(cls, folder: Path) -> "Run":
        """Open the folder of an existing run.

        Raises:
            UserError: the folder does not exist or is not a run.
        """
        if not folder.exists():
            raise UserError(f"There is no run at {folder}: give the folder of a training.")
        run = cls(folder)
        if not run.recipe_file.is_file():
            raise UserError(
                f"{folder} is not a run (it has no recipe.json): give the folder of a training."
            )
        return run

    @classmethod
    def create_or_open(cls, folder: Path, recipe: Recipe, images: ImageSet) -> "Run":
        """Open the run of this recipe on these images, or create it.

        Raises:
            UserError: the folder holds anything else, or can't be written to.
        """
        if not (folder / "recipe.json").exists():
            return cls.create(folder, recipe, images)
        run = cls.open(folder)
        run.check_same(recipe, images)
        return run

    def read(self) -> dict[str, Any]:
        """The contents of `recipe.json`. Raises a UserError if it is broken."""
        try:
            values = json.loads(self.recipe_file.read_text(encoding="utf-8"))
            data, images, crc = (
                str(values["data"]),
                int(values["images"]),
                int(values["checksum"]),
            )
            recipe = dict(values["recipe"])
            threads = int(values.get("threads", 0)) or None  # unknown in older runs
            origin = {"data": data, "images": images, "checksum": crc, "threads": threads}
            return {**origin, "recipe": recipe}
        except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
            raise UserError(f"{self.recipe_file} is broken: train again.") from error

    def recipe(self) -> Recipe:
        """The recipe of the run."""
        return Recipe.from_dict(self.read()["recipe"])

    def recipe_to_resume(self, changes: Mapping[str, Any]) -> Recipe:
        """The recipe of a resumed training: the run's own, with another number of iterations.

        Args:
            changes: settings by name. None stands for no change.

        Raises:
            UserError: another setting than `iterations` would change.
        """
        recipe = self.recipe()
        given = {name: value for name, value in changes.items() if value is not None}
        for name, value in given.items():
            if name != "iterations" and value != getattr(recipe, name):
                raise UserError(
                    f"{option(name)} was {getattr(recipe, name)} in {self.folder} and cannot "
                    f"become {value} with {option('resume', True)}: leave it out, or choose "
                    f"another {option('out')}."
                )
        return replace(recipe, iterations=given.get("iterations", recipe.iterations))

    def check_same(self, recipe: Recipe, images: ImageSet) -> None:
        """Check that a resumed training has the run's recipe and images.

        Raises:
            UserError: the images or a setting other than `iterations` differ.
        """
        self.recipe_to_resume(asdict(recipe))
        values = self.read()
        if values["checksum"] != images.checksum:
            raise UserError(
                f"{self.folder} was trained on other images ({values['data']}, "
                f"{values['images']}): resume with the same ones, or choose another "
                f"{option('out')}."
            )

    def model_with_student(self) -> Model | None:
        """The run's model; None if it does not exist or its student is not trained yet."""
        with suppress(UserError):
            model = Model.load(self.model)
            if model.student is not None:
                return model
        return None

    def write_recipe(self, recipe: Recipe) -> None:
        """Replace the recipe in `recipe.json`."""
        write_json(self.recipe_file, {**self.read(), "recipe": asdict(recipe)})

    def keep_log_until(self, iteration: int) -> float:
        """Remove the lines of the log after `iteration`.

        Returns:
            The seconds of training at the last remaining line.
        """
        kept = _keep_until(self.log, iteration)
        return float(kept[-1].get("seconds", 0.0)) if kept else 0.0

    def keep_signals_until(self, iteration: int) -> list[dict[str, Any]]:
        """Remove the lines of `signals` after `iteration`.

        Returns:
            The remaining lines.

        Raises:
            UserError: a line of an earlier checkpoint is broken.
        """
        # A kill may have cut the last line off.
        if math.inf in map(_iteration, _lines(self.signals)[:-1]):
            raise UserError(f"{self.signals} is broken: train again into a new folder.")
        return _keep_until(self.signals, iteration)

    def append_log(self, values: Mapping[str, int | float]) -> None:
        """Add a line to the log."""
        _append(self.log, values)

    def append_signals(self, values: Mapping[str, int | float | None]) -> None:
        """Add a line to the signals."""
        _append(self.signals, values)


def check_new(folder: Path) -> None:
    """Raise a UserError if a new run can't be made in `folder`."""
    if folder.is_dir() and any(folder.iterdir()):
        go_on = f", or go on with {option('resume', True)}"
        is_run = (folder / "recipe.json").exists()
        raise UserError(
            f"{folder} already exists: choose another {option('out')}{go_on if is_run else ''}."
        )
    if folder.exists() and not folder.is_dir():
        raise UserError(f"{folder} is a file: choose another {option('out')}.")
    nearest = next(parent for parent in (folder, *folder.absolute().parents) if parent.exists())
    if not (nearest.is_dir() and os.access(nearest, os.W_OK | os.X_OK)):
        raise UserError(f"Cannot write {folder} in {nearest}: choose another {option('out')}.")


def going_on(folder: str) -> str:
    """The call that goes on with the training in a run folder."""
    return either(
        f"`ganloc train PHOTOS --out {folder} --resume`",
        f"fit(photos, out={folder!r}, resume=True)",
    )


def _append(path: Path, values: Mapping[str, Any]) -> None:
    # JSON knows no NaN and no infinity.
    known = {
        key: None if isinstance(value, float) and not math.isfinite(value) else value
        for key, value in values.items()
    }
    try:
        with path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(known, allow_nan=False) + "\n")
    except OSError as error:
        raise UserError(
            f"Cannot write {path} ({error.strerror or error}): put that right, then go on with "
            f"{option('resume', True)}."
        ) from error


def _keep_until(path: Path, iteration: int) -> list[dict[str, Any]]:
    if not path.exists():
        return []
    kept = [line for line in _lines(path) if _iteration(line) <= iteration]
    write_text(path, "".join(kept))
    return [json.loads(line) for line in kept]


def _lines(path: Path) -> list[str]:
    if not path.exists():
        return []
    return path.read_text(encoding="utf-8", errors="replace").splitlines(keepends=True)


def _iteration(line: str) -> float:
    try:
        return float(json.loads(line)["iteration"])
    except (ValueError, KeyError, TypeError, RecursionError):  # a kill cut the line off
        return math.inf


def load_model(path: Path, device: torch.device) -> Model:
    """Load the model of a run folder, or a model file.

    Raises:
        UserError: the run or file does not exist or is broken, or the training is not finished.
    """
    if path.is_file():
        return Model.load(path).to(device)
    run = Run.open(path)
    if not run.model.exists():
        raise UserError(
            f"The training in {path} is not finished: go on with {going_on(str(path))}."
        )
    return Model.load(run.model).to(device)
