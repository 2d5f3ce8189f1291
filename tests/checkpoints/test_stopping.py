"""Signals and kills, in a process of their own and within one."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ganloc.checkpoints.hooks import Cadence, RunHooks
from ganloc.checkpoints.run import Run
from ganloc.checkpoints.stop_signal import stop_signal
from ganloc.errors import Stopped
from ganloc.images.folder import load_folder
from ganloc.model import Model
from run_folders import IMAGES, assert_same_weights, logged, resume, stop_at, tiny, train, train_in

pytestmark = pytest.mark.usefixtures("one_thread")
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1"}
GANLOC = str(Path(sys.executable).with_name("ganloc"))
TINY = ["--size", "32", "--generator-width", "2", "--discriminator-width", "2", "--batch", "2",
        "--student-iterations", "2", "--student-width", "2"]  # fmt: skip
EVERY_LINE = Cadence(log=1, checkpoint=100, drawings=1)
STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@pytest.fixture(autouse=True)
def hangup():
    """The usual handler of SIGHUP, also where the tests run under nohup, which ignores it."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


# Trains the run in the folder of the first argument on the images of the second, slowly.
DRIVER = """
import sys
import time
from pathlib import Path
import torch
from ganloc.checkpoints.hooks import Cadence, RunHooks
from ganloc.checkpoints.run import Run
from ganloc.images.folder import load_folder
from ganloc.method import fit
run = Run.open(Path(sys.argv[1]))
images = load_folder(Path(sys.argv[2]), 32)
slowly = lambda *_: time.sleep(0.02)
with RunHooks(run, slowly, cadence=Cadence(log=2, checkpoint=7, drawings=1)) as hooks:
    fit(images, run.recipe(), torch.device("cpu"), hooks)
"""


@pytest.fixture
def photos(tmp_path):
    (tmp_path / "photos").mkdir()
    for index, pixels in enumerate(np.random.default_rng(0).integers(0, 256, (5, 32, 32, 3))):
        Image.fromarray(pixels.astype(np.uint8)).save(tmp_path / "photos" / f"{index}.png")
    return tmp_path / "photos"


def wait_for(condition, process, seconds=120.0):
    end = time.monotonic() + seconds
    while not condition():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.005)


# Every kind of state there is; that each variant resumes is in tests/discriminator.
@pytest.mark.parametrize("variant", ["dcgan", "sn-dcgan", "sn-wgan-gp"])
def test_killed_and_resumed_gives_the_weights_of_never_stopped(variant, tmp_path, photos):
    whole, images = tiny(variant, iterations=51), load_folder(photos, 32)
    killed = Run.create(tmp_path / "killed", whole, images)
    driver = [sys.executable, "-c", DRIVER, str(killed.folder), str(photos)]
    with subprocess.Popen(driver, env=ENVIRONMENT) as process:
        wait_for(lambda: killed.checkpoint.exists() and max(logged(killed)) > 9, process)
        process.kill()  # SIGKILL
    assert process.returncode == -signal.SIGKILL
    assert not killed.model.exists()
    with killed.log.open("a") as file:  # as if the kill had come later, in the middle of a line
        file.write('{"iteration": 50}\n{"iteration": 5')

    cadence = Cadence(log=2, checkpoint=7, drawings=1)
    resume(killed, images=images, cadence=cadence)
    straight = train(tmp_path / "straight", whole, images, cadence=cadence)
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


@pytest.mark.parametrize("number", STOPPING)
def test_a_signal_stops_after_the_iteration_and_its_handler_is_put_back(number, tmp_path):
    handlers = [signal.getsignal(each) for each in STOPPING]
    with pytest.raises(Stopped) as stop:
        train(tmp_path / "stopped", tiny(), cadence=EVERY_LINE, progress=stop_at(4, number))
    stopped = Run(tmp_path / "stopped")
    assert (stop.value.iteration, stop.value.student) == (4, False)
    assert [signal.getsignal(each) for each in STOPPING] == handlers
    assert logged(stopped) == [1, 2, 3, 4]
    resume(stopped, cadence=EVERY_LINE)
    assert_same_weights(stopped, train(tmp_path / "straight", tiny(), cadence=EVERY_LINE))


def test_a_second_interrupt_stops_at_once(tmp_path):
    run = Run.create(tmp_path / "run", tiny(), IMAGES)

    def progress(iteration, line):
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)

    usual = signal.signal(signal.SIGINT, signal.default_int_handler)  # a job of a shell ignores it
    try:
        with pytest.raises(KeyboardInterrupt):
            train_in(run, tiny(), cadence=EVERY_LINE, progress=progress)
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, usual)
    assert logged(run) == [1]
    assert not run.checkpoint.exists()


def test_an_interrupt_in_the_last_iteration_lets_it_finish(tmp_path):
    short = tiny(iterations=2)
    run = Run.create(tmp_path / "run", short, IMAGES)
    model = train_in(run, short, cadence=EVERY_LINE, progress=stop_at(2))
    assert model.info["iteration"] == 2
    assert run.model.exists()


def test_only_within_the_hooks_are_signals_caught(tmp_path):
    handlers = [signal.getsignal(each) for each in STOPPING]
    hooks = RunHooks(Run.create(tmp_path / "run", tiny(), IMAGES))
    assert [signal.getsignal(each) for each in STOPPING] == handlers
    with hooks:
        assert not set(handlers) & {signal.getsignal(each) for each in STOPPING}
    assert [signal.getsignal(each) for each in STOPPING] == handlers


@pytest.mark.parametrize("number", STOPPING)
def test_a_signal_is_noted_once_it_came(number):
    with stop_signal() as stopped:
        assert not stopped()
        signal.raise_signal(number)
        assert stopped()


def test_outside_the_main_thread_nothing_is_ever_caught(tmp_path):
    found = []

    def train_there():
        with stop_signal() as stopped:
            found.append(stopped())
        found.append(train(tmp_path / "run", tiny(iterations=2)).model.exists())

    thread = threading.Thread(target=train_there)
    thread.start()
    thread.join()
    assert found == [False, True]


@pytest.mark.parametrize("number", STOPPING)
def test_a_signal_that_is_ignored_stays_ignored(number):
    usual = signal.signal(number, signal.SIG_IGN)  # as nohup does, and a shell's `&` in a script
    try:
        with stop_signal() as stopped:
            signal.raise_signal(number)
            assert not stopped()
        assert signal.getsignal(number) is signal.SIG_IGN
    finally:
        signal.signal(number, usual)
