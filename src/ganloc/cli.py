"""The commands, thin: read options, call, print."""

import json
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from shlex import quote
from typing import Annotated, Literal

import tyro
from rich.console import Console
from tyro.conf import FlagCreatePairsOff, OmitArgPrefixes, Positional

from ganloc.demo import run_demo
from ganloc.errors import UserError
from ganloc.evaluation import evaluate as score_run
from ganloc.evaluation import fitted_corloc
from ganloc.heatmap.files import load_heatmaps
from ganloc.heatmap.read import DEFAULT
from ganloc.images.pictures import Pictures
from ganloc.images.source import has_boxes, has_split, load_images
from ganloc.localizer import check_enough, choose_device, default_preset, load_model
from ganloc.recipes import make_recipe
from ganloc.report.progress import training_progress
from ganloc.report.results import draw_results, write_heatmaps, write_results
from ganloc.run import Run, check_new
from ganloc.score.localization import has_truth
from ganloc.score.saved_heatmaps import score_saved
from ganloc.score.table import Row, as_json, print_table
from ganloc.training import Stopped, train_run

console = Console(stderr=True)


@dataclass(frozen=True)
class Settings:
    """What may replace a preset's settings."""

    variant: str | None = None
    """Which GAN: gan, dcgan, sn-dcgan, dragan, wgan, wgan-gp or sn-wgan-gp."""
    size: int | None = None
    """Side in pixels to which pictures are squeezed: 32, 64 or 128."""
    iterations: int | None = None
    """Generator updates."""
    batch: int | None = None
    """Pictures a step."""
    generator_width: int | None = None
    """Channels per step of the generator's ladder (the paper's is 64)."""
    discriminator_width: int | None = None
    """Channels of the discriminator's first convolution (the paper's is 64)."""
    generator_rate: float | None = None
    """Adam's learning rate for the generator."""
    discriminator_rate: float | None = None
    """Adam's learning rate for the discriminator."""
    beta1: float | None = None
    """Adam's β₁."""
    logit_scale: float | None = None
    """The discriminator's output times this goes into the losses."""
    penalty_weight: float | None = None
    """Weight of the gradient penalty (dragan, wgan-gp, sn-wgan-gp)."""
    dragan_noise: str | None = None
    """Around dragan's real pictures: gaussian or uniform-scaled."""
    latent: int | None = None
    """Length of z."""
    mirror: bool | None = None
    """Show each real picture mirrored half of the time."""
    augment: bool | None = None
    """Move each real picture a little and change its light and colours at random."""
    seed: int | None = None
    """Of weights, z and the order of the pictures."""


AS_PRESET = Settings()
Data = Annotated[Path | None, tyro.conf.arg(metavar="ARCHIVE")]
Photos = Annotated[Positional[str], tyro.conf.arg(metavar="PHOTOS")]
Scored = Annotated[Positional[str], tyro.conf.arg(metavar="DATA")]
Trained = Annotated[Positional[Path], tyro.conf.arg(metavar="RUN")]


def train(
    photos: Photos,
    out: Path,
    preset: str | None = None,
    settings: Settings = AS_PRESET,
    resume: bool = False,
    data: Data = None,
    device: str | None = None,
) -> None:
    """Train a GAN on pictures of one kind of thing.

    Args:
        photos: A folder or zip of pictures, tiny-imagenet:SET, cifar10:CATEGORY, or embedded.
        out: A new folder for the run.
        preset: paper (as published) or laptop (thin, for minutes); the default is paper where there
            is a GPU.
        settings: Any setting in place of the preset's.
        resume: Go on with the run in --out.
        data: tiny-imagenet-200.zip for tiny-imagenet:SET, cifar-10-binary.tar.gz for
            cifar10:CATEGORY, or its folder.
        device: cpu, cuda, …
    """
    place = choose_device(device)
    recipe = make_recipe(preset or default_preset(place), **asdict(settings))
    _refuse_inside(photos, out, "--out")
    if resume:
        run = Run.open(out)
        pictures = _load(photos, run.recipe().size, data)
        changes = asdict(recipe) if preset else asdict(settings)
        recipe = run.resume({**changes, "iterations": settings.iterations}, pictures)
    else:
        check_new(out)
        pictures = _load(photos, recipe.size, data)
        check_enough(pictures, photos)
        run = Run.create(out, recipe, photos, pictures)
    console.print(
        f"{len(pictures)} pictures, {recipe.variant} at {recipe.size} pixels, on {place}."
    )
    places = f" --data {quote(str(data))}" if data else ""
    places += f" --device {quote(device)}" if device else ""
    folder, origin = quote(str(out)), quote(photos)
    try:
        with training_progress(recipe.iterations, console) as watch:
            train_run(run, replace(pictures, truth=None), recipe, place, resume, watch)
    except Stopped as stop:
        again = f"ganloc train {origin} --out {folder} --resume{places}"
        _say(f"Stopped and saved after iteration {stop.iteration}. Go on with:\n  {again}")
        sys.exit(130)
    _say(f"Done. Next:  ganloc localize {folder} {origin} --out boxes.json --draw drawn{places}")


def localize(
    run: Trained,
    photos: Photos,
    out: Path,
    format: Literal["coco", "csv"] | None = None,
    draw: Path | None = None,
    heatmaps: Path | None = None,
    plain_cam: bool = False,
    data: Data = None,
    device: str | None = None,
) -> None:
    """Write a box for every picture.

    Args:
        run: A run folder, or its model.safetensors.
        photos: A folder or zip of pictures, or the test pictures of tiny-imagenet:SET,
            cifar10:CATEGORY or embedded.
        out: The file to write.
        format: By default csv where --out ends in .csv, else coco.
        draw: A folder for every picture with its box and heatmap.
        heatmaps: An .npz file for the heatmaps, which ganloc score scores.
        plain_cam: The paper's heatmap and threshold in place of the default reading.
        data: tiny-imagenet-200.zip for tiny-imagenet:SET, cifar-10-binary.tar.gz for
            cifar10:CATEGORY, or its folder.
        device: cpu, cuda, …
    """
    if draw is not None:
        _refuse_inside(photos, draw, "--draw")
    model = load_model(run, choose_device(device))
    pictures = _load(photos, model.recipe.size, data, split="test")
    reading = "plain-cam" if plain_cam else DEFAULT
    found = model.localize(pictures, reading)
    write_results(out, format or ("csv" if out.suffix == ".csv" else "coco"), pictures, found)
    if heatmaps is not None:
        write_heatmaps(heatmaps, reading, pictures, found)
    if draw is not None:
        draw_results(draw, photos, pictures, found)
    _say(f"{len(pictures)} boxes in {out}" + (f", drawn in {draw}." if draw else "."))


def evaluate(
    run: Trained,
    data_set: Scored,
    truth: Path | None = None,
    json: bool = False,
    data: Data = None,
    device: str | None = None,
) -> None:
    """Score a run where true boxes are known, beside what it has to beat.

    Args:
        run: A run folder, or its model.safetensors.
        data_set: tiny-imagenet:SET or embedded; with --truth, a folder or zip of pictures or
            cifar10:CATEGORY.
        truth: The true boxes of what comes without, as COCO JSON.
        json: Print one JSON object in place of the table.
        data: tiny-imagenet-200.zip for tiny-imagenet:SET, cifar-10-binary.tar.gz for
            cifar10:CATEGORY, or its folder.
        device: cpu, cuda, …
    """
    model = load_model(run, choose_device(device))
    pictures = _load_scored(data_set, model.recipe.size, data, truth)
    train_pictures = None
    if has_split(data_set):
        train_pictures = load_images(data_set, model.recipe.size, "train", data)
    rows = score_run(model, pictures, train_pictures)
    if train_pictures is None:
        corloc = fitted_corloc(model, pictures, rows)
    else:
        corloc = fitted_corloc(model, train_pictures)
    _print_rows(data_set, pictures, rows, corloc, json)


def score(
    heatmaps: Annotated[Positional[Path], tyro.conf.arg(metavar="HEATMAPS")],
    data_set: Scored,
    truth: Path | None = None,
    threshold: float | None = None,
    json: bool = False,
    data: Data = None,
) -> None:
    """Score saved heatmaps, of this or any other method, without a model.

    Args:
        heatmaps: The .npz file that localize --heatmaps wrote, or another in its format.
        data_set: Their pictures: a folder or zip with --truth, tiny-imagenet:SET, or embedded.
        truth: The true boxes of a folder or zip, as COCO JSON.
        threshold: Ratio of the maximum at which to cut, in place of the file's rule.
        json: Print one JSON object in place of the table.
        data: tiny-imagenet-200.zip or its folder, for tiny-imagenet:SET.
    """
    saved = load_heatmaps(heatmaps)
    pictures = _load_scored(data_set, saved.heatmaps.shape[1], data, truth)
    _print_rows(data_set, pictures, score_saved(saved, pictures, threshold), [], json)


def demo(out: Path = Path("runs/demo"), json: bool = False, seed: int = 0) -> None:
    """Train on drawn pictures, score held-out ones, and draw what was found: a few minutes.

    Args:
        out: A folder for the run; an earlier demo there is replaced.
        json: Print one JSON object in place of the table.
        seed: Of the training.
    """
    pictures, rows = run_demo(out, seed, console)
    _print_rows("embedded", pictures, rows, [], json)
    _say(f"Pictures with boxes: {out / 'boxes.png'} (green found, blue true).")


def _say(text: str) -> None:
    console.print(text, markup=False, highlight=False, soft_wrap=True)


def _refuse_inside(photos: str, folder: Path, option: str) -> None:
    """Pictures written into `photos` would be taken for pictures of the set next time."""
    root = Path(photos).expanduser().resolve()
    if root.is_dir() and folder.resolve().is_relative_to(root):
        raise UserError(f"{folder} lies inside {photos}: choose a place outside it for {option}.")


def _load(
    photos: str, size: int, archive: Path | None, split: str = "train", truth: Path | None = None
) -> Pictures:
    pictures = load_images(photos, size, split, archive, truth)
    if pictures.skipped:
        _say(f"{len(pictures.skipped)} files could not be read and are left out:")
        for line in pictures.skipped:
            _say(f"  {line}")
    return pictures


def _load_scored(data_set: str, size: int, archive: Path | None, truth: Path | None) -> Pictures:
    if truth is None and not has_split(data_set) and Path(data_set).exists():
        raise UserError(f"{data_set} has no true boxes to score with: give a COCO file by --truth.")
    return _load(data_set, size, archive, "test", truth)


def _print_rows(
    name: str, pictures: Pictures, rows: list[Row], corloc: list[Row], as_object: bool
) -> None:
    scored = int(has_truth(pictures.truth or ()).sum())
    if as_object:
        print(json.dumps(as_json(name, scored, rows, corloc), indent=2))
    else:
        print_table(rows, f"{name}: {scored} pictures, percent (95 % interval)", corloc)


COMMANDS: dict[str, Callable[..., None]] = {
    "demo": demo,
    "train": train,
    "localize": localize,
    "evaluate": evaluate,
    "score": score,
}


def main(arguments: list[str] | None = None) -> None:
    """Run one command; what the user can put right is one sentence and exit status 2."""
    try:
        tyro.extras.subcommand_cli_from_dict(
            COMMANDS,
            prog="ganloc",
            description="Boxes for a folder of unlabelled pictures of one kind of thing.",
            args=arguments,
            config=(FlagCreatePairsOff, OmitArgPrefixes),
        )
    except UserError as error:
        _say(f"ganloc: {error}")
        sys.exit(2)
    except OSError as error:
        _say(f"ganloc: {error.filename}: {error.strerror or error}.")
        sys.exit(2)
    except (KeyboardInterrupt, Stopped):
        console.print("ganloc: stopped.")
        sys.exit(130)
