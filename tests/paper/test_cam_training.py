"""Training the reference in a run folder: what it leaves, and that it goes on where it stopped."""

import json
import signal
from dataclasses import asdict, replace

import numpy as np
import pytest
import torch

from ganloc.checkpoints.hooks import Cadence
from ganloc.checkpoints.run import Run
from ganloc.errors import Stopped, UserError
from ganloc.paper.cam_model import ReferenceModel
from ganloc.paper.cam_training import train_reference
from paper.toys import TINY, toys
from run_folders import assert_same_weights, logged

CPU = torch.device("cpu")
pytestmark = pytest.mark.usefixtures("one_thread")
LOGGED = ["iteration", "loss", "accuracy", "rate", "images_per_second", "seconds"]


class Killed(Exception):
    pass


def train(folder, images, **options):
    """By `TINY`, with a line of the log at every iteration and a checkpoint at every third."""
    cadence = Cadence(log=1, checkpoint=3)
    return train_reference(folder, images, TINY, CPU, cadence=cadence, **options)


def at(iteration, act):
    return lambda now, line: act() if now == iteration else None


def test_a_run_folder_holds_everything(tmp_path):
    seen, images = [], toys(10)
    folder, cadence = tmp_path / "run", Cadence(log=3)
    progress = lambda *both: seen.append(both)  # noqa: E731
    train_reference(folder, images, TINY, CPU, progress=progress, cadence=cadence)
    files = ["checkpoint", "log.jsonl", "model.safetensors", "recipe.json"]
    assert sorted(path.name for path in folder.iterdir()) == files
    lines = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    assert [list(line) for line in lines] == [LOGGED] * 3
    assert seen == [(line["iteration"], line) for line in lines]
    assert [line["iteration"] for line in lines] == [3, 6, 8]
    assert [line["rate"] for line in lines] == pytest.approx([0.01, 0.001, 0.0001])
    written = json.loads((folder / "recipe.json").read_text())
    assert (written["recipe"], written["classes"]) == (asdict(TINY), ["red", "blue"])
    assert ReferenceModel.load(folder / "model.safetensors").info["iteration"] == 8


def test_killed_and_resumed_gives_the_weights_of_never_stopped(tmp_path):
    killed, straight, images = Run(tmp_path / "killed"), Run(tmp_path / "straight"), toys(10)

    def kill():
        raise Killed

    with pytest.raises(Killed):
        train(killed.folder, images, progress=at(5, kill))
    assert killed.checkpoint.exists()  # of iteration 3
    assert not killed.model.exists()
    train(killed.folder, images, resume=True)
    train(straight.folder, images)
    assert_same_weights(killed, straight)
    assert logged(killed) == logged(straight) == list(range(1, 9))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_with_a_checkpoint_and_a_model(number, tmp_path):
    stopped, straight, images = Run(tmp_path / "stopped"), Run(tmp_path / "straight"), toys(10)
    with pytest.raises(Stopped) as stop:
        train(stopped.folder, images, progress=at(4, lambda: signal.raise_signal(number)))
    assert stop.value.iteration == 4
    assert ReferenceModel.load(stopped.model).info["iteration"] == 4
    train(stopped.folder, images, resume=True)
    train(straight.folder, images)
    assert_same_weights(stopped, straight)


def test_resume_starts_where_nothing_was_and_leaves_alone_what_is_done(tmp_path):
    run, images = Run(tmp_path / "run"), toys(10)
    first = train(run.folder, images, resume=True)
    again = train(run.folder, images, resume=True)
    assert logged(run) == list(range(1, 9))
    assert again.info == first.info
    np.testing.assert_array_equal(again.heatmaps(images), first.heatmaps(images))


def test_resume_before_the_first_checkpoint_starts_again(tmp_path):
    run, images = Run(tmp_path / "run"), toys(10)

    def kill():
        raise Killed

    with pytest.raises(Killed):
        train(run.folder, images, progress=at(2, kill))
    train(run.folder, images, resume=True)
    assert logged(run) == list(range(1, 9))


def test_a_folder_that_holds_something_else(tmp_path):
    folder, images = tmp_path / "run", toys(10)
    train_reference(folder, images, TINY, CPU)
    with pytest.raises(UserError, match="already exists"):
        train_reference(folder, images, TINY, CPU)
    others = [
        (toys(10, seed=1), TINY),
        (replace(images, classes=("red", "green")), TINY),
        (images, replace(TINY, rate=0.2)),
        (images, replace(TINY, iterations=9)),
    ]
    for other, recipe in others:
        with pytest.raises(UserError, match="another recipe or of other images"):
            train_reference(folder, other, recipe, CPU, resume=True)
    (folder / "recipe.json").write_text("{")
    with pytest.raises(UserError, match=r"recipe\.json is broken"):
        train_reference(folder, images, TINY, CPU, resume=True)


@pytest.mark.parametrize(
    ("change", "message"),
    [({"labels": None}, "class of each image"), ({"pixels": toys(10, size=24).pixels}, "24")],
)
def test_images_that_do_not_fit_leave_no_folder(change, message, tmp_path):
    with pytest.raises(UserError, match=message):
        train_reference(tmp_path / "run", replace(toys(10), **change), TINY, CPU)
    assert not (tmp_path / "run").exists()


def test_a_loss_that_is_not_finite_ends_in_one_sentence(tmp_path):
    with pytest.raises(UserError, match=r"broke down at iteration \d.*lower rate"):
        train_reference(tmp_path / "run", toys(10), replace(TINY, rate=1e30), CPU)
    assert not (tmp_path / "run" / "model.safetensors").exists()
