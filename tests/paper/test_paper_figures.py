"""The paper's figures at the smallest budget, from small archives to files."""

from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from ganloc import cli
from ganloc.discriminator.sample import sample
from ganloc.discriminator.train_state import load_generator
from ganloc.errors import UserError
from ganloc.images.tiny_imagenet import PAPER_SETS
from ganloc.metrics.diversity import diversity
from ganloc.model import Model
from ganloc.paper.figures import Bench, readings_panel, reproduce_figure, samples_panel
from ganloc.paper.tables import Data, Place
from tiny_archives import make_cifar10, make_tiny_imagenet

BLUE, GREEN = (60, 120, 255), (40, 230, 60)


class Workshop:
    """Archives, and what is trained in a folder beside them."""

    def __init__(self, folder: Path):
        self.folder = folder
        classes = [class_id for ids in PAPER_SETS.values() for class_id in ids]
        self.tiny = make_tiny_imagenet(folder / "tiny.zip", classes, train=8, val=2)
        self.cifar = make_cifar10(folder / "cifar.zip", ["bird"], train=24, test=7)
        self.trained: list[str] = []

    @contextmanager
    def show(self, name, iterations):
        self.trained.append(f"{name} {iterations}")
        yield lambda iteration, line: None

    def place(self, archive):
        return Place(self.folder / "runs", self.folder, archive, torch.device("cpu"))

    def draw(self, figure, archive):
        """The file's bytes, and what was trained for it."""
        self.trained.clear()
        out = self.folder / "figures"
        path = reproduce_figure(figure, "smoke", self.place(archive), out, self.show)
        assert path == out / f"{figure}-smoke.png"
        with Image.open(path) as image:
            assert image.format == "PNG"
            assert 1000 <= image.width <= 1300
        return path.read_bytes(), list(self.trained)


@pytest.fixture(scope="module")
def workshop(tmp_path_factory):
    return Workshop(tmp_path_factory.mktemp("workshop"))


def test_figures_1_and_2_share_their_runs_and_train_them_once(workshop):
    first, trained = workshop.draw("figure1", workshop.cifar)
    assert trained == [f"cifar10:bird {gan} 4" for gan in ("sn-dcgan", "dragan", "sn-wgan-gp")]
    bird = workshop.folder / "runs/figures-smoke/cifar10-bird"
    assert {run.name for run in bird.iterdir()} == {"sn-dcgan-0", "dragan-0", "sn-wgan-gp-0"}
    second, trained = workshop.draw("figure2", workshop.cifar)
    assert trained == []
    assert second != first
    # A run without its model has not come to its end; from its checkpoint the same comes out.
    (bird / "dragan-0" / "model.safetensors").unlink()
    assert workshop.draw("figure2", workshop.cifar) == (second, ["cifar10:bird dragan 4"])


def test_figures_3_and_4_use_the_runs_of_table_3(workshop):
    _, trained = workshop.draw("figure4", workshop.tiny)
    assert trained == ["artiodactyla sn-dcgan 4", "artiodactyla sn-dcgan+aug 4"]
    _, trained = workshop.draw("figure3", workshop.tiny)
    assert trained == [f"{name} sn-dcgan 4" for name in PAPER_SETS if name != "artiodactyla"]
    assert {run.name for run in (workshop.folder / "runs/table3-smoke").iterdir()} == {*PAPER_SETS}


def test_samples_come_with_their_own_diversity(workshop):
    bench = Bench("table3", "smoke", workshop.place(workshop.tiny), workshop.show)
    data = bench.data("bottle")
    panel = samples_panel(bench, "sn-dcgan", data, "A title", columns=3, rows=2)
    run = bench.trained("sn-dcgan", data)
    pixels = sample(load_generator(run.checkpoint, run.recipe()), run.recipe(), 1000)
    found = diversity(pixels, pairs=10, samplings=2)  # as the smallest budget has it
    assert panel.note == f"MS-SSIM {found.mean:.3f} ± {found.deviation:.3f}"
    assert (panel.title, panel.columns) == ("A title", 3)
    np.testing.assert_array_equal(panel.tiles[:, ::2, ::2], pixels[:6])


def test_a_set_is_shown_by_both_readings_with_the_true_boxes(workshop):
    bench = Bench("table3", "smoke", workshop.place(workshop.tiny), workshop.show)
    data: Data = bench.data("bottle")
    model: Model = bench.model(bench.trained("sn-dcgan", data))
    some = data.test.evenly(3)
    panel = readings_panel(model, some, "bottle")
    assert (panel.title, panel.columns, panel.note) == ("bottle", 4, "val_10, val_12, val_13")
    assert panel.tiles.shape == (12, 128, 128, 3)
    assert some.truth is not None
    for row, tiles in enumerate(panel.tiles.reshape(3, 4, 128, 128, 3)):
        for image, reading in ((tiles[0], "plain-cam"), (tiles[2], "border-distance")):
            box = model.detect(some, reading).boxes[row] * 128
            assert outlined(image, box, GREEN).mean() == 1
            seen = outlined(image, some.truth[row][0] * 2, (BLUE, GREEN))
            assert seen.mean() == 1
        assert not (tiles[1::2] == BLUE).all(axis=3).any()
    assert (panel.tiles == BLUE).all(axis=3).any(axis=(1, 2)).tolist() == [True, False] * 6


def outlined(image, box, colours):
    """Of the pixels just inside the box's edge, which have one of the colours."""
    x0, y0, x1, y1 = box.round().astype(int)
    edge = np.concatenate(
        [image[y0, x0:x1], image[y1 - 1, x0:x1], image[y0:y1, x0], image[y0:y1, x1 - 1]]
    )
    return (edge[:, None] == np.array(colours).reshape(-1, 3)).all(axis=2).any(axis=1)


def test_the_command(workshop, monkeypatch, capsys):
    monkeypatch.chdir(workshop.folder)
    monkeypatch.setenv("GANLOC_CIFAR10", str(workshop.cifar))
    given = ["--budget", "smoke", "--device", "cpu", "--out", "runs", "--figures", "drawn"]
    cli.main(["reproduce", "figure1", *given])
    assert capsys.readouterr().err.endswith("Done: drawn/figure1-smoke.png.\n")
    assert [file.name for file in Path("drawn").iterdir()] == ["figure1-smoke.png"]
    for choice in (["--sets", "bird"], ["--methods", "dragan"]):
        with pytest.raises(SystemExit, match="2"):
            cli.main(["reproduce", "figure1", *given, *choice])
        assert "figure1 is the paper's: leave out" in capsys.readouterr().err


def test_an_unknown_budget(workshop):
    with pytest.raises(UserError, match="no budget 'huge'"):
        reproduce_figure(
            "figure1", "huge", workshop.place(workshop.cifar), workshop.folder, workshop.show
        )
