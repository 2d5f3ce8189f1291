"""`ganloc demo`: train, evaluate and draw on the embedded data set."""

import shutil
from pathlib import Path

from ganloc.commands.common import Flag, console, print_rows, say
from ganloc.errors import UserError

DATA = "embedded"
SIZE = 32  # enough for the detail of the drawn images
SHOWN = 20  # images with boxes


def demo(out: Path = Path("runs/demo"), json: Flag = False, seed: int = 0) -> None:
    """Train on drawn images, evaluate on others and draw their boxes. It takes a few minutes.

    Args:
        out: A folder for the run. An earlier demo there is replaced.
        json: Print one JSON object instead of the table.
        seed: Random seed of the training.
    """
    from ganloc.evaluation import evaluate
    from ganloc.images.source import load_images
    from ganloc.localizer import Localizer
    from ganloc.report.grid import save_png
    from ganloc.report.progress_bar import training_progress
    from ganloc.report.training_images import heatmap_grid

    localizer = Localizer(device="cpu", size=SIZE, seed=seed)
    _clear(out)
    train, test = (load_images(DATA, SIZE, split) for split in ("train", "test"))
    say(f"Training on {len(train)} drawn images; evaluating on {len(test)} others.")
    with training_progress(localizer.recipe.steps, console) as progress:
        localizer.fit(train, out, progress=progress)
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
