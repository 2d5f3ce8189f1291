"""A chunk of Table 3 at full width, for a GPU that is lent by the minute.

Runs from a plain checkout and needs only torch, numpy, pillow, scipy and safetensors. It stops
after `--minutes`, and the same command goes on. Finished cells are rows in `--results`.

    python benchmarks/paper/chunk.py --data six-sets.zip --minutes 8.5 --iterations 10000
"""

import argparse
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "src"))

from ganloc.checkpoints.training_log import ProgressCallback
from ganloc.errors import Stopped, UserError
from ganloc.images.tiny_imagenet import PAPER_SETS
from ganloc.paper.markdown import one_line
from ganloc.paper.tables import Place, reproduce_table, until
from ganloc.tensors import choose_device

EVERY = 1000  # iterations between two printed lines


def main() -> int:
    """Train and evaluate cells.

    Returns:
        0 where all cells that were asked for are rows; 2 where the user has something to put
        right; 3 where time is up.
    """
    parser = argparse.ArgumentParser(description="A chunk of Table 3 at full width.")
    parser.add_argument("--data", type=Path, required=True, help="archive of pack.py")
    parser.add_argument("--minutes", type=float, default=8.5, help="until it stops")
    parser.add_argument("--table", choices=("table3", "variants"), default="table3")
    parser.add_argument("--budget", default="paper")
    parser.add_argument("--iterations", type=int, help="in place of the budget's")
    parser.add_argument("--sets", nargs="+", default=list(PAPER_SETS))
    parser.add_argument("--methods", nargs="+", default=[], help="by default all of the table's")
    parser.add_argument(
        "--runs", type=Path, default=Path("runs/reproduce"), help="folder for the trainings"
    )
    parser.add_argument(
        "--results", type=Path, default=Path("docs/results"), help="folder for the rows"
    )
    parser.add_argument("--device", help="cpu, cuda, …; by default a GPU where there is one")
    options = parser.parse_args()
    show = partial(_show, end=time.monotonic() + 60.0 * options.minutes)
    try:
        device = choose_device(options.device)
        place = Place(options.runs, options.results, options.data, device)
        settings = (options.table, options.budget, place, show, options.sets, options.methods)
        for row in reproduce_table(*settings, options.iterations):
            print(one_line(row), f"{row.get('images_per_second', '')} images/s", flush=True)
    except Stopped:
        print("Time is up: the same command goes on.")
        return 3
    except UserError as error:
        print(error)
        return 2
    return 0


@contextmanager
def _show(name: str, iterations: int, end: float) -> Iterator[ProgressCallback]:
    if time.monotonic() > end:
        raise Stopped(0)

    def progress(iteration: int, line: dict[str, int | float]) -> None:
        if iteration % EVERY == 0 or iteration == iterations:
            print(f"{name}: {iteration} of {iterations}, {line['images_per_second']} images/s")

    yield until(end, progress)


if __name__ == "__main__":
    sys.exit(main())
