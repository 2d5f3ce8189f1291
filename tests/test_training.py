"""Training in a run folder: what it leaves, and that no way of stopping it changes the weights."""

import json
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from ganloc import training
from ganloc.adversary.play import Losses
from ganloc.errors import UserError
from ganloc.images.folder import load_folder
from ganloc.images.pictures import Pictures
from ganloc.model import Model
from ganloc.recipes import VARIANTS, Recipe
from ganloc.run import Run
from ganloc.training import Stopped, train_in_memory, train_run

CPU = torch.device("cpu")
PIXELS = np.random.default_rng(0).integers(0, 256, (5, 32, 32, 3), np.uint8)
PICTURES = Pictures(PIXELS, tuple(f"{i}.png" for i in range(5)), np.full((5, 2), 32))
LOGGED = ["discriminator_loss", "generator_loss", "real", "fake", "images_per_second", "seconds"]
TINY = ["--size", "32", "--generator-width", "2", "--discriminator-width", "2", "--batch", "2"]

# Trains the run folder that the first argument names on the folder of the second.
DRIVER = """
import sys
from pathlib import Path
import torch
from ganloc import training
from ganloc.images.folder import load_folder
from ganloc.run import Run
torch.set_num_threads(1)
training.LOG_EVERY, training.CHECKPOINT_EVERY, training.GRIDS = 2, 7, 1
run = Run.open(Path(sys.argv[1]))
pictures = load_folder(Path(sys.argv[2]), 32)
training.train_run(run, pictures, run.recipe(), torch.device("cpu"))
"""


@pytest.fixture(autouse=True)
def one_thread():
    """Sums are split over threads, so equality bit for bit needs the same number everywhere."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def photos(tmp_path):
    (tmp_path / "photos").mkdir()
    for index, pixels in enumerate(PIXELS):
        Image.fromarray(pixels).save(tmp_path / "photos" / f"{index}.png")
    return tmp_path / "photos"


def recipe(variant="dcgan", **settings):
    tiny = {"size": 32, "generator_width": 2, "discriminator_width": 2, "latent": 4, "batch": 2}
    return Recipe(variant, **{**tiny, "iterations": 6, "mirror": True, "seed": 3, **settings})


def cadence(monkeypatch, log=2, checkpoint=3, grids=2):
    monkeypatch.setattr(training, "LOG_EVERY", log)
    monkeypatch.setattr(training, "CHECKPOINT_EVERY", checkpoint)
    monkeypatch.setattr(training, "GRIDS", grids)


def train(folder, recipe, pictures=PICTURES, watch=None):
    run = Run.create(folder, recipe, "photos", pictures)
    train_run(run, pictures, recipe, CPU, watch=watch)
    return run


def logged(run):
    lines = run.log.read_text().splitlines() if run.log.exists() else []
    return [json.loads(line)["iteration"] for line in lines if line.endswith("}")]


def assert_same_weights(one, other):
    for path in ("checkpoint/latest.safetensors", "model.safetensors"):
        first, second = load_file(one.folder / path), load_file(other.folder / path)
        assert first.keys() == second.keys()
        assert {k for k in first if not torch.equal(first[k], second[k])} == set()


def wait_for(condition, process, seconds=60.0):
    end = time.monotonic() + seconds
    while not condition():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.005)


@pytest.mark.parametrize("variant", VARIANTS)
def test_killed_and_resumed_gives_the_weights_of_never_stopped(
    variant, tmp_path, photos, monkeypatch
):
    whole = recipe(variant, iterations=151)
    pictures = load_folder(photos, 32)
    killed = Run.create(tmp_path / "killed", whole, str(photos), pictures)
    process = subprocess.Popen([sys.executable, "-c", DRIVER, str(killed.folder), str(photos)])
    wait_for(lambda: killed.checkpoint.exists() and max(logged(killed), default=0) > 9, process)
    process.kill()  # SIGKILL
    assert process.wait() == -signal.SIGKILL
    assert not killed.model.exists()
    with killed.log.open("a") as file:  # as if the kill had come in the middle of a line, later on
        file.write('{"iteration": 150}\n{"iteration": 15')

    cadence(monkeypatch, log=2, checkpoint=7, grids=1)
    going_on = killed.resume({}, pictures)
    train_run(killed, pictures, going_on, CPU, resume=True)
    straight = train(tmp_path / "straight", whole, pictures)
    assert_same_weights(killed, straight)
    assert logged(killed) == logged(straight) == [*range(2, 151, 2), 151]


def test_an_interrupt_saves_says_how_to_go_on_and_can_be_gone_on_from(tmp_path, photos):
    # A space in the folder's name: the advice has to work as it stands, in a shell.
    out = tmp_path / "run"
    command = [str(Path(sys.executable).with_name("ganloc")), "train", str(photos), "--out", str(out)]
    settings = [*TINY, "--variant", "dcgan", "--iterations", "400"]
    process = subprocess.Popen(
        [*command, *settings], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    run = Run(out)
    wait_for(lambda: bool(logged(run)), process)
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert output == ""
    assert "Traceback" not in errors
    assert run.checkpoint.exists()
    assert not run.model.exists()
    assert " ".join(["ganloc", *command[1:], "--resume"]) in " ".join(errors.split())

    done = subprocess.run([*command, "--resume"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert Model.load(run.model).info["iteration"] == 400
    assert logged(run) == list(range(50, 401, 50))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_after_the_iteration_and_its_handler_is_put_back(
    number, tmp_path, monkeypatch
):
    cadence(monkeypatch, log=1, checkpoint=100)
    handlers = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    run = Run.create(tmp_path / "run", recipe(), "photos", PICTURES)

    def watch(iteration, line):
        if iteration == 4:
            signal.raise_signal(number)

    with pytest.raises(Stopped) as stop:
        train_run(run, PICTURES, recipe(), CPU, watch=watch)
    assert stop.value.iteration == 4
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == handlers
    assert logged(run) == [1, 2, 3, 4]
    train_run(run, PICTURES, recipe(), CPU, resume=True)
    assert_same_weights(run, train(tmp_path / "straight", recipe()))


def test_a_second_interrupt_stops_at_once(tmp_path, monkeypatch):
    cadence(monkeypatch, log=1)

    def watch(iteration, line):
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        train(tmp_path / "run", recipe(), watch=watch)


@pytest.mark.parametrize("variant", VARIANTS)
def test_looking_does_not_change_what_is_trained(variant, tmp_path, monkeypatch):
    cadence(monkeypatch, log=1, checkpoint=1, grids=6)
    often = train(tmp_path / "often", recipe(variant))
    cadence(monkeypatch, log=100, checkpoint=100, grids=1)
    seldom = train(tmp_path / "seldom", recipe(variant))
    assert logged(often) == [1, 2, 3, 4, 5, 6]
    assert logged(seldom) == [6]
    assert_same_weights(often, seldom)
    other_seed = train(tmp_path / "other", recipe(variant, seed=4))
    with pytest.raises(AssertionError):
        assert_same_weights(often, other_seed)


def test_in_memory_gives_the_model_of_a_run(tmp_path):
    run = train(tmp_path / "run", recipe())
    train_in_memory(PICTURES, recipe(), CPU).save(tmp_path / "memory.safetensors")
    assert (tmp_path / "memory.safetensors").read_bytes() == run.model.read_bytes()


def test_going_further_equals_having_wanted_it_from_the_start(tmp_path):
    run = train(tmp_path / "run", recipe(iterations=3))
    longer = run.resume({"iterations": 6}, PICTURES)
    train_run(run, PICTURES, longer, CPU, resume=True)
    assert_same_weights(run, train(tmp_path / "straight", recipe()))
    assert Model.load(run.model).info == {"iteration": 6, "pictures": 5}


def test_resume_before_the_first_checkpoint_starts_again(tmp_path, monkeypatch):
    cadence(monkeypatch, log=1)
    run = Run.create(tmp_path / "run", recipe(), "photos", PICTURES)
    run.append_log({"iteration": 1})
    train_run(run, PICTURES, recipe(), CPU, resume=True)
    assert logged(run) == [1, 2, 3, 4, 5, 6]


def test_a_run_folder_holds_everything(tmp_path, monkeypatch):
    cadence(monkeypatch, log=2, checkpoint=100, grids=2)
    seen = []
    run = train(tmp_path / "run", recipe(), watch=lambda *both: seen.append(both))
    grids = [f"{kind}-{i:06d}.png" for kind in ("fakes", "heatmaps") for i in (0, 3, 6)]
    files = ["checkpoint", "log.jsonl", "model.safetensors", "reals.png", "recipe.json"]
    assert sorted(path.name for path in run.folder.iterdir()) == sorted([*files, *grids])
    assert [path.name for path in run.checkpoint.parent.iterdir()] == ["latest.safetensors"]
    lines = [json.loads(line) for line in run.log.read_text().splitlines()]
    assert [list(line) for line in lines] == [["iteration", *LOGGED]] * 3
    assert seen == [(line["iteration"], line) for line in lines]
    assert all(line["images_per_second"] > 0 and 0 < line["real"] < 1 for line in lines)
    assert run.recipe() == recipe()
    for name in [*grids, "reals.png"]:
        with Image.open(run.folder / name) as picture:
            assert picture.size >= (32, 32)
            picture.load()


@pytest.mark.parametrize("part", ["discriminator", "generator"])
@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_loss_that_is_not_finite_ends_training_in_one_sentence(
    part, value, tmp_path, monkeypatch
):
    cadence(monkeypatch, log=1)
    fine = Losses(*[torch.tensor(0.5)] * 4)

    def play(game, pixels, recipe):
        for game.iteration in (1, 2):
            yield fine if game.iteration == 1 else replace(fine, **{part: torch.tensor(value)})

    monkeypatch.setattr(training, "play", play)
    with pytest.raises(UserError, match=r"iteration 2 .*not finite.* --discriminator-rate"):
        train(tmp_path / "run", recipe())
    assert not (tmp_path / "run" / "model.safetensors").exists()
    assert logged(Run(tmp_path / "run")) == [1]


def test_rates_that_blow_up_do_not_end_in_a_model(tmp_path, monkeypatch):
    cadence(monkeypatch, log=1)
    with pytest.raises(UserError, match="not finite"):
        train(tmp_path / "run", recipe(discriminator_rate=1e30, generator_rate=1e30))
    assert not (tmp_path / "run" / "model.safetensors").exists()


def test_a_folder_that_cannot_be_written_to_any_more(tmp_path, monkeypatch):
    cadence(monkeypatch, log=1)
    run = Run.create(tmp_path / "run", recipe(), "photos", PICTURES)
    (run.folder / "checkpoint").touch()  # in the way of the folder
    with pytest.raises(UserError, match="checkpoint"):
        train_run(run, PICTURES, recipe(), CPU)
