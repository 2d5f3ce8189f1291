"""The paper's four figures, with the trainings that they need.

The module needs matplotlib (the extra `figures`). Its import raises a UserError otherwise.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ganloc.checkpoints.run import Run
from ganloc.discriminator.sample import sample
from ganloc.discriminator.train_state import load_generator
from ganloc.evaluation import untrained_model
from ganloc.images.image_set import ImageSet
from ganloc.images.tiny_imagenet import PAPER_SETS
from ganloc.metrics.uniformity import uniformity
from ganloc.model import Model
from ganloc.paper.budgets import AUGMENTED, METHODS, Budget, budget_of
from ganloc.paper.cell import Cell, Show, train_cell
from ganloc.paper.cell_metrics import OURS, PAPER, SAMPLES, alikeness
from ganloc.paper.tables import Data, Place
from ganloc.report.panels import (
    Figure,
    Panel,
    beside,
    boxed_tiles,
    draw_panels,
    heatmap_tiles,
    overlay_tiles,
    sample_tiles,
    save_figure,
)

CIFAR10_BIRD = "cifar10:bird"
BEST = "sn-dcgan"  # the best GAN of the paper
TITLES = {"sn-dcgan": "SN-DCGAN", "dragan": "DRAGAN", "sn-wgan-gp": "SN-WGAN-GP"}
HANDFUL = 5  # test images of figure 2
OF_A_SET = 3  # test images of each set of figure 3
_SEED = 0


@dataclass(frozen=True)
class Bench:
    """The trainings of one figure.

    Attributes:
        table: gives the budget and the run folders.
        budget_name: a row of the table's `BUDGETS`.
        place: folders, archive and device. The folder of results is not used.
        show: opens the progress bar of a training.
    """

    table: str
    budget_name: str
    place: Place
    show: Show

    @property
    def budget(self) -> Budget:
        """The row of `BUDGETS`."""
        return budget_of(self.table, self.budget_name)

    def data(self, set_name: str) -> Data:
        """A set at the budget's size."""
        return Data(set_name, self.budget.size, self.place.archive)

    def trained(self, method: str, data: Data) -> Run:
        """The run of a cell, trained if needed (errors as in `train_cell`)."""
        cell = Cell(data.set_name, method, _SEED, self.budget)
        runs = self.place.runs / f"{self.table}-{self.budget_name}"
        return train_cell(cell, runs, data.train, self.place.device, self.show)

    def model(self, run: Run) -> Model:
        """The model of a run at its last iteration."""
        return Model.load(run.model).to(self.place.device)

    def settings(self) -> str:
        """The settings of the trainings, for a caption."""
        recipe = self.budget.recipe(BEST, _SEED)
        return (
            f"Budget {self.budget_name}: {recipe.iterations:,} iterations at "
            f"{recipe.size}×{recipe.size} pixels, batch {recipe.batch}, widths "
            f"{recipe.generator_width} and {recipe.discriminator_width}, seed {recipe.seed}."
        )


def reproduce_figure(
    figure: str, budget_name: str, place: Place, figures: Path, show: Show
) -> Path:
    """Train the cells that a figure needs and draw it.

    Args:
        figure: a row of `FIGURES`.
        budget_name: a row of its table's `BUDGETS`.
        place: folders, archive and device. Figures 3 and 4 share their runs with table 3.
        figures: the folder of figures.
        show: opens the progress bar of a training.

    Returns:
        The path of the file, FIGURE-BUDGET.png.

    Raises:
        Stopped: by Ctrl-C. The next call goes on.
        UserError: the budget is unknown, the archive is missing, or a folder can't be used.
    """
    table, draw = FIGURES[figure]
    path = figures / f"{figure}-{budget_name}.png"
    save_figure(path, draw(Bench(table, budget_name, place, show)))
    return path


def samples_of_three(bench: Bench) -> Figure:
    """Figure 1: samples of three GANs of CIFAR-10's bird, at the same iteration."""
    data = bench.data(CIFAR10_BIRD)
    panels = [
        samples_panel(bench, method, data, TITLES[method], columns=5, rows=6)
        for method in METHODS[bench.table]
    ]
    what = "Samples of three GANs trained on the images of CIFAR-10's bird, at the same iteration"
    return draw_panels(panels, len(panels), f"{what}. {_alike(bench, data)} {bench.settings()}")


def heatmaps_of_three(bench: Bench) -> Figure:
    """Figure 2: heatmaps of the same three GANs on some test images."""
    data = bench.data(CIFAR10_BIRD)
    some = data.test.evenly(HANDFUL)
    panels = []
    for method in METHODS[bench.table]:
        model = bench.model(bench.trained(method, data))
        found = model.detect(some, PAPER)
        tiles = beside(
            boxed_tiles(some, found.boxes),
            heatmap_tiles(found.heatmaps),
            overlay_tiles(some, found.heatmaps),
        )
        alike, before = (
            uniformity(each.heatmaps(data.test, PAPER))
            for each in (model, untrained_model(model, data.train))
        )
        note = f"uniformity {alike:.2f}, before training {before:.2f}"
        panels.append(Panel(TITLES[method], note, tiles, 3, ("found box", "heatmap", "overlay")))
    caption = (
        "Test images of CIFAR-10's bird, chosen by their numbers, with the paper's heatmap and box "
        "of three GANs at the same iteration. Uniformity: mean correlation between the heatmaps of "
        f"all {len(data.test):,} test images; 1 means that all heatmaps are the same. "
        f"{bench.settings()}"
    )
    return draw_panels(panels, len(panels), caption)


def boxes_of_six_sets(bench: Bench) -> Figure:
    """Figure 3: heatmaps and boxes on Tiny ImageNet, by the paper's reading and by ours."""
    panels = []
    for set_name in PAPER_SETS:
        data = bench.data(set_name)
        model = bench.model(bench.trained(BEST, data))
        panels.append(readings_panel(model, data.test.evenly(OF_A_SET), set_name))
    caption = (
        "Test images of Tiny ImageNet, chosen by their numbers, with the true box in blue and "
        f"the box found in green; {TITLES[BEST]}, one network a set. {bench.settings()}"
    )
    return draw_panels(panels, 2, caption)


def samples_with_augmentation(bench: Bench) -> Figure:
    """Figure 4: samples without and with augmentation of the training images."""
    data = bench.data("artiodactyla")
    titles = {BEST: "without augmentation", BEST + AUGMENTED: "with augmentation"}
    panels = [
        samples_panel(bench, method, data, f"{TITLES[BEST]} {title}", columns=8, rows=5)
        for method, title in titles.items()
    ]
    what = "Samples of GANs trained on four-legs animals (artiodactyla) of Tiny ImageNet"
    return draw_panels(panels, len(panels), f"{what}. {_alike(bench, data)} {bench.settings()}")


FIGURES: dict[str, tuple[str, Callable[[Bench], Figure]]] = {
    "figure1": ("figures", samples_of_three),
    "figure2": ("figures", heatmaps_of_three),
    "figure3": ("table3", boxes_of_six_sets),
    "figure4": ("table3", samples_with_augmentation),
}


def samples_panel(
    bench: Bench, method: str, data: Data, title: str, columns: int, rows: int
) -> Panel:
    """The first samples of a cell's generator, with the MS-SSIM of `SAMPLES`."""
    run = bench.trained(method, data)
    recipe = run.recipe()
    generator = load_generator(run.checkpoint, recipe).to(bench.place.device)
    pixels = sample(generator, recipe, SAMPLES)
    found = alikeness(pixels, bench.budget)
    note = f"MS-SSIM {found['ms_ssim']:.3f} ± {found['ms_ssim_deviation']:.3f}"
    return Panel(title, note, sample_tiles(pixels[: columns * rows]), columns)


def readings_panel(model: Model, images: ImageSet, set_name: str) -> Panel:
    """Boxes and heatmaps of a set by the paper's reading and by the border distance."""
    tiles = []
    for reading in (PAPER, OURS):
        found = model.detect(images, reading)
        tiles += [boxed_tiles(images, found.boxes, truth=True), heatmap_tiles(found.heatmaps)]
    headings = ("the paper's reading", "our border distance")
    numbers = ", ".join(Path(name).stem for name in images.names)
    return Panel(set_name, numbers, beside(*tiles), len(tiles), headings)


def _alike(bench: Bench, data: Data) -> str:
    real = alikeness(data.train.pixels, bench.budget)["ms_ssim"]
    return (
        f"MS-SSIM: mean over pairs of {SAMPLES:,} samples; a high value means low diversity "
        f"(training images: {real:.3f})."
    )
