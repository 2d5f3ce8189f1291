"""`ganloc demo`."""

from pathlib import Path

from ganloc.commands.common import console, print_rows, say
from ganloc.demo import run_demo


def demo(out: Path = Path("runs/demo"), json: bool = False, seed: int = 0) -> None:
    """Train on drawn images, score held-out ones, and draw what was found: a few minutes.

    Args:
        out: A folder for the run; an earlier demo there is replaced.
        json: Print one JSON object in place of the table.
        seed: Of the training.
    """
    images, rows = run_demo(out, seed, console)
    print_rows("embedded", images, rows, [], json)
    say(f"Images with boxes: {out / 'boxes.png'} (green found, blue true).")
