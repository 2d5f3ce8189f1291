"""Training that is killed or interrupted ends with the weights of one that never stopped."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from ganloc import training
from ganloc.checkpoints.run import Run
from ganloc.images.folder import load_folder
from ganloc.model import Model
from ganloc.recipes import Recipe
from ganloc.training import Stopped, train_run
from run_folders import assert_same_weights, logged

CPU = torch.device("cpu")
pytestmark = pytest.mark.usefixtures("one_thread")
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1"}
GANLOC = str(Path(sys.executable).with_name("ganloc"))
TINY = ["--size", "32", "--generator-width", "2", "--discriminator-width", "2", "--batch", "2",
        "--student-iterations", "2", "--student-width", "2"]  # fmt: skip

# Trains the run in the folder of the first argument on the images of the second, slowly.
DRIVER = """
import sys
import time
from pathlib import Path
import torch
from ganloc import training
from ganloc.images.folder import load_folder
from ganloc.checkpoints.run import Run
training.LOG_EVERY, training.CHECKPOINT_EVERY, training.GRIDS = 2, 7, 1
run = Run.open(Path(sys.argv[1]))
images = load_folder(Path(sys.argv[2]), 32)
slowly = lambda *_: time.sleep(0.02)
training.train_run(run, images, run.recipe(), torch.device("cpu"), watch=slowly)
"""


@pytest.fixture
def photos(tmp_path):
    (tmp_path / "photos").mkdir()
    for index, pixels in enumerate(np.random.default_rng(0).integers(0, 256, (5, 32, 32, 3))):
        Image.fromarray(pixels.astype(np.uint8)).save(tmp_path / "photos" / f"{index}.png")
    return tmp_path / "photos"


def recipe(variant, iterations):
    tiny = {"size": 32, "generator_width": 2, "discriminator_width": 2, "latent": 4, "batch": 2}
    return Recipe(variant, iterations=iterations, mirror=True, seed=3, **tiny)


def cadence(monkeypatch, log, checkpoint):
    monkeypatch.setattr(training, "LOG_EVERY", log)
    monkeypatch.setattr(training, "CHECKPOINT_EVERY", checkpoint)
    monkeypatch.setattr(training, "GRIDS", 1)


def wait_for(condition, process, seconds=120.0):
    end = time.monotonic() + seconds
    while not condition():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.005)


# Every kind of state there is; that each variant resumes is in tests/adversary.
@pytest.mark.parametrize("variant", ["dcgan", "sn-dcgan", "sn-wgan-gp"])
def test_killed_and_resumed_gives_the_weights_of_never_stopped(
    variant, tmp_path, photos, monkeypatch
):
    whole = recipe(variant, iterations=51)
    images = load_folder(photos, 32)
    killed = Run.create(tmp_path / "killed", whole, str(photos), images)
    driver = [sys.executable, "-c", DRIVER, str(killed.folder), str(photos)]
    with subprocess.Popen(driver, env=ENVIRONMENT) as process:
        wait_for(lambda: killed.checkpoint.exists() and max(logged(killed)) > 9, process)
        process.kill()  # SIGKILL
    assert process.returncode == -signal.SIGKILL
    assert not killed.model.exists()
    with killed.log.open("a") as file:  # as if the kill had come later, in the middle of a line
        file.write('{"iteration": 50}\n{"iteration": 5')

    cadence(monkeypatch, log=2, checkpoint=7)
    train_run(killed, images, killed.resume({}, images), CPU, resume=True)
    straight = Run.create(tmp_path / "straight", whole, str(photos), images)
    train_run(straight, images, whole, CPU)
    assert_same_weights(killed, straight)
    assert logged(killed) == logged(straight) == [*range(2, 51, 2), 51]


def test_an_interrupt_saves_says_how_to_go_on_and_can_be_gone_on_from(tmp_path, photos):
    arguments = ["train", str(photos), "--out", str(tmp_path / "run")]
    settings = [*TINY, "--preset", "laptop", "--variant", "dcgan", "--iterations", "120"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    run = Run(tmp_path / "run")
    with subprocess.Popen([GANLOC, *arguments, *settings], env=ENVIRONMENT, **pipes) as process:
        wait_for(lambda: bool(logged(run)), process)
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=120)
    assert process.returncode == 130
    assert output == ""
    assert "Traceback" not in errors
    assert run.checkpoint.exists()
    assert 0 < Model.load(run.model).info["iteration"] < 120  # it can be read already
    advice = "".join(["ganloc", *arguments, "--resume"])
    assert advice in "".join(errors.split())  # however the lines are broken

    done = subprocess.run(
        [GANLOC, *arguments, "--resume"], env=ENVIRONMENT, **pipes, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert Model.load(run.model).info["iteration"] == 120
    assert logged(run) == [50, 100, 120, 124]  # the last by its student, of two rounds of two


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_after_the_iteration_and_its_handler_is_put_back(
    number, tmp_path, photos, monkeypatch
):
    cadence(monkeypatch, log=1, checkpoint=100)
    handlers = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    whole, images = recipe("dcgan", iterations=6), load_folder(photos, 32)
    stopped = Run.create(tmp_path / "stopped", whole, str(photos), images)

    def progress(iteration, line):
        if iteration == 4:
            signal.raise_signal(number)

    with pytest.raises(Stopped) as stop:
        train_run(stopped, images, whole, CPU, progress=progress)
    assert stop.value.iteration == 4
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == handlers
    assert logged(stopped) == [1, 2, 3, 4]
    train_run(stopped, images, whole, CPU, resume=True)
    straight = Run.create(tmp_path / "straight", whole, str(photos), images)
    train_run(straight, images, whole, CPU)
    assert_same_weights(stopped, straight)


def test_a_second_interrupt_stops_at_once(tmp_path, photos, monkeypatch):
    cadence(monkeypatch, log=1, checkpoint=100)
    whole, images = recipe("dcgan", iterations=6), load_folder(photos, 32)
    run = Run.create(tmp_path / "run", whole, str(photos), images)

    def progress(iteration, line):
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)

    usual = signal.signal(signal.SIGINT, signal.default_int_handler)  # a job of a shell ignores it
    try:
        with pytest.raises(KeyboardInterrupt):
            train_run(run, images, whole, CPU, progress=progress)
    finally:
        signal.signal(signal.SIGINT, usual)
    assert logged(run) == [1]
    assert not run.checkpoint.exists()


def test_an_interrupt_in_the_last_iteration_lets_it_finish(tmp_path, photos, monkeypatch):
    cadence(monkeypatch, log=1, checkpoint=100)
    whole, images = recipe("dcgan", iterations=2), load_folder(photos, 32)
    run = Run.create(tmp_path / "run", whole, str(photos), images)

    def progress(iteration, line):
        if iteration == 2:
            signal.raise_signal(signal.SIGINT)

    assert train_run(run, images, whole, CPU, progress=progress).info["iteration"] == 2
    assert run.model.exists()
