"""`ganloc demo`: train, evaluate and draw on the embedded data set."""

import shutil
from pathlib import Path
from typing import Annotated

from ganloc.commands.common import Flag, announcement, as_given, console, print_rows, say
from ganloc.errors import UserError

DATA = "embedded"
SIZE = 32  # enough for the detail of the drawn images
SHOWN = 20  # images with boxes
Seed = Annotated[int, as_given(int, "N", "seed")]


def demo(out: Path = Path("runs/demo"), json: Flag = False, seed: Seed = 0) -> None:
    """Train on drawn images, evaluate on others and draw their boxes. It takes a few minutes.

    Args:
        out: A folder for the run. An earlier demo there is replaced.
        json: Print one JSON object instead of the table.
        seed: Random seed of the training.
    """
    from ganloc.duration import measure_duration
    from ganloc.evaluation import evaluate
    from ganloc.images.source import load_images
    from ganloc.localizer import Localizer
    from ganloc.report.grid import save_png
    from ganloc.report.progress_bar import training_progress
    from ganloc.report.training_images import heatmap_grid
    from ganloc.threads import training_threads

    localizer = Localizer(device="cpu", size=SIZE, seed=seed)
    _clear(out)
    train, test = (load_images(DATA, SIZE, split) for split in ("train", "test"))
    recipe, device = localizer.recipe, localizer.device
    with training_threads() as threads:
        duration = measure_duration(train, recipe, device)
        say(announcement(train, recipe, device, threads, duration))
        with training_progress(recipe.steps, console, duration.until) as progress:
            localizer.fit(train, out, progress=progress)
    say(f"Evaluating on {len(test)} other images.")
    assert localizer.model is not None
    save_png(out / "boxes.png", heatmap_grid(localizer.model, test.evenly(SHOWN), truth=True))
    print_rows(DATA, test, evaluate(localizer.model, test, train), [], json)
    say(f"Images with boxes: {out / 'boxes.png'} (green found, blue true).")


def _clear(out: Path) -> None:
    """Remove an earlier demo. Raises a UserError if `out` holds another run."""
    from ganloc.checkpoints.run import Run

    if (out / "recipe.json").is_file():
        if Run.open(out).read()["data"] != DATA:
            raise UserError(f"{out} holds a run on your images: choose another --out.")
        shutil.rmtree(out)
