"""Training that keeps the checkpoint which looks best without labels, whatever stops it."""

import json
import math
import re
import signal
from functools import partial

import numpy as np
import pytest
import torch
from PIL import Image

from ganloc import Localizer, UserError, cli, training
from ganloc.checkpoints import candidates
from ganloc.checkpoints.candidates import Candidates
from ganloc.checkpoints.run import Run
from ganloc.checkpoints.signals import Signals, measure
from ganloc.checkpoints.verdict import verdict
from ganloc.images.image_set import ImageSet
from ganloc.model import Model
from ganloc.recipes import PRESETS, Recipe
from ganloc.training import Stopped, train_in_memory, train_run
from run_folders import assert_same_weights, logged

CPU = torch.device("cpu")
pytestmark = pytest.mark.usefixtures("one_thread")
PIXELS = np.random.default_rng(0).integers(0, 256, (5, 32, 32, 3), np.uint8)
IMAGES = ImageSet(PIXELS, tuple(f"{i}.png" for i in range(5)), np.full((5, 2), 32))
TINY = {"size": 32, "generator_width": 2, "discriminator_width": 2, "latent": 4, "batch": 2}
EVERY, LAST = 2, 6


def cadence(patch):
    patch.setattr(training, "LOG_EVERY", 1)
    patch.setattr(training, "CHECKPOINT_EVERY", EVERY)
    patch.setattr(training, "GRIDS", 1)
    patch.setattr(candidates, "score", first_is_best)


def first_is_best(signals):
    """Whatever a tiny network learns: only the first checkpoint has none to agree with."""
    return 2.0 if math.isnan(signals.agreement) else 1.0


@pytest.fixture(autouse=True)
def often(monkeypatch):
    cadence(monkeypatch)


def recipe(**settings):
    given = {**TINY, "iterations": LAST, "mirror": True, "seed": 2, "select": True, **settings}
    return Recipe("dcgan", **given)


def begin(folder, wanted):
    return Run.create(folder, wanted, "photos", IMAGES)


def lines(run):
    return [json.loads(line) for line in run.signals.read_text().splitlines()]


def signals_of(line):
    return {name: value for name, value in line.items() if name not in ("iteration", "score")}


def assert_same_model(one, other):
    assert (one.info, one.recipe) == (other.info, other.recipe)
    weights, others = one.discriminator.state_dict(), other.discriminator.state_dict()
    assert weights.keys() == others.keys()
    assert {k for k in weights if not torch.equal(weights[k], others[k])} == set()


def assert_same_choice(one, other):
    assert_same_weights(one, other)
    assert one.signals.read_text() == other.signals.read_text()
    models = [Model.load(run.model) for run in (one, other)]
    assert_same_model(*models)
    assert models[0].signals == models[1].signals


@pytest.fixture(scope="module")
def straight(tmp_path_factory):
    """A run that nothing stopped, with the model of every checkpoint beside it."""
    run = begin(tmp_path_factory.mktemp("straight") / "run", recipe())
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    with pytest.MonkeyPatch.context() as patch:
        cadence(patch)
        train_run(run, IMAGES, recipe(), CPU, milestones=range(EVERY, LAST + 1, EVERY))
    torch.set_num_threads(threads)
    return run


def chosen(run):
    """The iteration with the highest score of `signals.jsonl`, the last of equals."""
    ranked = sorted((line["score"], line["iteration"]) for line in lines(run))
    return ranked[-1][1]


def test_the_model_is_that_of_the_checkpoint_with_the_highest_score(straight):
    assert chosen(straight) < LAST  # else the last would do
    assert logged(straight) == list(range(1, LAST + 1))
    milestone = Model.load(straight.milestone(chosen(straight)))
    assert_same_model(Model.load(straight.model), milestone)
    assert_same_model(Model.load(straight.best), milestone)


def test_every_checkpoint_has_a_line_of_what_its_model_is_worth(straight):
    written = lines(straight)
    assert [line["iteration"] for line in written] == list(range(EVERY, LAST + 1, EVERY))
    assert [line["agreement"] is None for line in written] == [True, False, False]
    boxes = None
    for line in written:
        found, boxes = measure(Model.load(straight.milestone(line["iteration"])), IMAGES, boxes)
        expected = found.to_dict() | {"alikeness": line["alikeness"]}
        assert signals_of(line) == expected
        assert 0.0 <= line["alikeness"] <= 1.0
    of_chosen = next(line for line in written if line["iteration"] == chosen(straight))
    assert Model.load(straight.model).signals == signals_of(of_chosen)


def test_without_select_the_last_is_kept_and_measured_all_the_same(tmp_path, straight):
    run = begin(tmp_path / "run", recipe(select=False))
    train_run(run, IMAGES, recipe(select=False), CPU)
    assert run.signals.read_text() == straight.signals.read_text()
    model = Model.load(run.model)
    assert model.info["iteration"] == LAST
    assert model.signals == signals_of(lines(run)[-1])
    assert not run.best.exists()


def test_in_memory_chooses_the_same(straight):
    model, kept = train_in_memory(IMAGES, recipe(), CPU), Model.load(straight.model)
    assert_same_model(model, kept)
    assert model.signals == kept.signals


@pytest.mark.parametrize("when", [1, 2, 5])
def test_stopped_and_resumed_chooses_the_model_of_never_stopped(when, tmp_path, straight):
    run = begin(tmp_path / "run", recipe())

    def progress(iteration, line):
        if iteration == when:
            signal.raise_signal(signal.SIGINT)

    with pytest.raises(Stopped):
        train_run(run, IMAGES, recipe(), CPU, progress=progress)
    # What it left can be read already: the best so far, or with no checkpoint yet what there is.
    expected = chosen(run) if run.signals.exists() else when
    assert Model.load(run.model).info["iteration"] == expected
    train_run(run, IMAGES, run.resume({}, IMAGES), CPU, resume=True)
    assert_same_choice(run, straight)


class Killed(BaseException):
    pass


# The first checkpoint is the best one.
@pytest.mark.parametrize(("place", "name"), [(candidates, "save_game"), (Candidates, "_keep")])
@pytest.mark.parametrize("checkpoint", [1, 2])
def test_killed_within_a_checkpoint_and_resumed(
    place, name, checkpoint, tmp_path, straight, monkeypatch
):
    act, calls = getattr(place, name), []

    def act_or_die(*arguments):
        calls.append(name)
        if len(calls) == checkpoint:
            raise Killed
        act(*arguments)

    run = begin(tmp_path / "run", recipe())
    monkeypatch.setattr(place, name, act_or_die)
    with pytest.raises(Killed):
        train_run(run, IMAGES, recipe(), CPU)
    monkeypatch.setattr(place, name, act)
    with run.signals.open("a") as file:  # and as if a later line had been cut off
        file.write('{"iteration": 9, "sco')
    train_run(run, IMAGES, run.resume({}, IMAGES), CPU, resume=True)
    assert_same_choice(run, straight)


def test_patience_ends_training_early_and_that_is_finished(tmp_path, straight):
    scores = [line["score"] for line in lines(straight)]
    assert scores[0] > scores[1]  # so a patience of 1 ends at the second checkpoint
    patient = recipe(patience=1)
    run = begin(tmp_path / "run", patient)
    train_run(run, IMAGES, patient, CPU)
    assert logged(run) == list(range(1, 2 * EVERY + 1))
    assert lines(run) == lines(straight)[:2]
    assert Model.load(run.model).info["iteration"] == EVERY
    assert (run.folder / f"fakes-{2 * EVERY:06d}.png").exists()
    before, model = run.log.read_text(), Model.load(run.model)
    run.model.unlink()
    train_run(run, IMAGES, run.resume({}, IMAGES), CPU, resume=True)
    assert run.log.read_text() == before
    assert_same_model(Model.load(run.model), model)
    seen = []
    model = train_in_memory(IMAGES, patient, CPU, progress=lambda i, _: seen.append(i))
    assert (seen[-1], model.info["iteration"]) == (2 * EVERY, EVERY)


def test_a_run_that_goes_further_names_its_new_end(tmp_path, straight):
    short = recipe(iterations=2 * EVERY)
    run = begin(tmp_path / "run", short)
    train_run(run, IMAGES, short, CPU)
    train_run(run, IMAGES, run.resume({"iterations": LAST}, IMAGES), CPU, resume=True)
    assert_same_choice(run, straight)


def test_a_best_model_that_is_lost_is_named(tmp_path):
    short = recipe(iterations=2 * EVERY)
    run = begin(tmp_path / "run", short)
    train_run(run, IMAGES, short, CPU)
    run.best.unlink()
    with pytest.raises(UserError, match=r"best\.safetensors"):
        train_run(run, IMAGES, run.resume({"iterations": 9}, IMAGES), CPU, resume=True)


def test_what_generates_nothing_has_no_alikeness():
    border = recipe(adversarial_weight=0.0, border_weight=1.0, iterations=EVERY)
    assert train_in_memory(IMAGES, border, CPU).signals["alikeness"] is None


def test_patience_and_select_are_checked():
    with pytest.raises(UserError, match="--patience must be at least 0"):
        recipe(patience=-1)
    with pytest.raises(UserError, match="--patience needs --select"):
        recipe(select=False, patience=1)
    assert (PRESETS["default"].select, PRESETS["paper"].select) == (True, False)


def test_train_localize_and_the_localizer_say_whether_to_trust_it(tmp_path, capsys):
    (tmp_path / "photos").mkdir()
    for index, pixels in enumerate(PIXELS):
        Image.fromarray(pixels).save(tmp_path / "photos" / f"{index}.png")
    tiny = {name: value for name, value in TINY.items() if name != "latent"} | {"iterations": 2}
    options = [part for k, v in tiny.items() for part in (f"--{k.replace('_', '-')}", str(v))]
    options += ["--select", "True", "--patience", "3", "--preset", "laptop", "--device", "cpu"]
    cli.main(["train", str(tmp_path / "photos"), "--out", str(tmp_path / "run"), *options])
    model = Model.load(tmp_path / "run" / "model.safetensors")
    assert (model.recipe.select, model.recipe.patience) == (True, 3)
    expected = verdict(Signals.from_dict(model.signals))
    describe_outliers = partial(re.findall, r"^Trust: .*\.$", flags=re.MULTILINE)
    assert describe_outliers(capsys.readouterr().err) == [expected.sentence()]
    again = ["localize", str(tmp_path / "run"), str(tmp_path / "photos"), "--device", "cpu"]
    cli.main([*again, "--out", str(tmp_path / "boxes.csv")])
    assert describe_outliers(capsys.readouterr().err) == [expected.sentence()]
    cli.main([*again, "--out", str(tmp_path / "boxes.csv"), "--plain-cam"])
    assert describe_outliers(capsys.readouterr().err) == []
    assert Localizer.load(tmp_path / "run", device="cpu").verdict == expected
    assert Localizer(device="cpu").verdict is None
    statistics = Localizer(preset="laptop", device="cpu", select=True, **tiny).fit(
        tmp_path / "photos"
    )
    assert statistics.verdict == expected
