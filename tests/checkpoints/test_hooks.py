"""What hooks write beside a training, and that looking at a training changes nothing of it."""

import json
import time
from dataclasses import replace

import pytest
import torch
from PIL import Image

from ganloc.checkpoints.hooks import Cadence, Hooks, RunHooks
from ganloc.checkpoints.run import Run
from ganloc.discriminator.train_discriminator import Losses
from ganloc.discriminator.train_state import new_train_state
from ganloc.errors import Notice, UserError
from ganloc.model import Model
from ganloc.recipes import VARIANTS
from run_folders import (
    CPU,
    IMAGES,
    assert_same_tensors,
    assert_same_weights,
    logged,
    resume,
    tiny,
    train,
    train_in,
)

pytestmark = pytest.mark.usefixtures("one_thread")
LOSSES = ["discriminator_loss", "generator_loss", "penalty"]  # without the border pretext task
LOGGED = [*LOSSES, "real", "fake", "images_per_second", "seconds"]
EVERY_LINE = Cadence(log=1)


def lines(run):
    return [json.loads(line) for line in run.log.read_text().splitlines()]


def assert_same_discriminator(one, other):
    assert_same_tensors(one.discriminator.state_dict(), other.discriminator.state_dict())


@pytest.mark.parametrize("variant", VARIANTS)
def test_looking_does_not_change_what_is_trained(variant, tmp_path):
    often = train(tmp_path / "often", tiny(variant), cadence=Cadence(1, 1, 6))
    seldom = train(tmp_path / "seldom", tiny(variant), cadence=Cadence(100, 100, 1))
    assert logged(often) == [1, 2, 3, 4, 5, 6]
    assert logged(seldom) == [6]
    assert_same_weights(often, seldom)
    other_seed = train(tmp_path / "other", tiny(variant, seed=4), cadence=Cadence(100, 100, 1))
    with pytest.raises(AssertionError):
        assert_same_weights(often, other_seed)


def test_checkpoints_come_every_so_many_iterations_and_at_the_last():
    state, recipe = new_train_state(tiny(), CPU), tiny(iterations=8)
    found = []
    for state.iteration in range(1, 9):
        if Cadence(checkpoint=3).is_checkpoint(state, recipe):
            found.append(state.iteration)
    assert found == [3, 6, 8]


def test_milestones_are_the_models_of_shorter_trainings(tmp_path):
    run = train(tmp_path / "run", tiny(), milestones=[4, 6])
    assert sorted(path.name for path in run.milestone(0).parent.iterdir()) == [
        "000004.safetensors",
        "000006.safetensors",
    ]
    short = train(tmp_path / "short", tiny(iterations=4))
    for iteration, expected in ((4, short.model), (6, run.model)):
        kept = Model.load(run.milestone(iteration))
        assert kept.info["iteration"] == iteration
        assert_same_discriminator(kept, Model.load(expected))


def test_a_milestone_that_a_kill_came_before_is_kept_on_resuming(tmp_path):
    run = train(tmp_path / "run", tiny(iterations=3))
    at_three = Model.load(run.model)
    resume(run, tiny(iterations=6), milestones=[3, 6])
    assert_same_discriminator(Model.load(run.milestone(3)), at_three)
    assert run.milestone(6).exists()


def test_going_further_equals_having_wanted_it_from_the_start(tmp_path):
    run = train(tmp_path / "run", tiny(iterations=3))
    resume(run, run.recipe_to_resume({"iterations": 6}))
    assert_same_weights(run, train(tmp_path / "straight", tiny()))
    assert Model.load(run.model).info["iteration"] == 6
    assert run.recipe() == tiny()


def test_resumed_before_the_first_checkpoint_it_starts_again(tmp_path):
    run = Run.create(tmp_path / "run", tiny(), IMAGES)
    run.append_log({"iteration": 1})
    with pytest.warns(Notice, match="no checkpoint in .*run: its training begins anew"):
        resume(run, cadence=EVERY_LINE)
    assert logged(run) == [1, 2, 3, 4, 5, 6]


def test_a_run_folder_holds_everything(tmp_path):
    seen = []
    run = train(
        tmp_path / "run",
        tiny(),
        cadence=Cadence(log=2, checkpoint=100, drawings=2),
        progress=lambda *both: seen.append(both),
    )
    grids = [f"{kind}-{i:06d}.png" for kind in ("fakes", "heatmaps") for i in (0, 3, 6)]
    files = ["checkpoint", "log.jsonl", "model.safetensors", "reals.png", "recipe.json"]
    files.append("signals.jsonl")
    assert sorted(path.name for path in run.folder.iterdir()) == sorted([*files, *grids])
    assert [path.name for path in run.checkpoint.parent.iterdir()] == ["latest.safetensors"]
    assert [list(line) for line in lines(run)] == [["iteration", *LOGGED]] * 3
    assert seen == [(line["iteration"], line) for line in lines(run)]
    assert all(line["images_per_second"] > 0 and 0 < line["real"] < 1 for line in lines(run))
    assert run.recipe() == tiny()
    for name in [*grids, "reals.png"]:
        with Image.open(run.folder / name) as image:
            assert image.size >= (32, 32)
            image.load()


def test_the_border_pretext_task_is_logged(tmp_path):
    given = tiny(border_weight=10.0, iterations=2)
    run = train(tmp_path / "run", given, cadence=EVERY_LINE)
    assert all(0.0 < line["border_loss"] < 5.0 for line in lines(run))
    assert set(LOSSES) < set(lines(run)[0])
    assert Model.load(run.model).recipe.border_weight == 10.0


def test_without_a_gan_nothing_is_logged_or_drawn_of_one(tmp_path):
    given = tiny(adversarial_weight=0.0, border_weight=1.0, iterations=2)
    run = train(tmp_path / "run", given, cadence=EVERY_LINE)
    assert [list(line) for line in lines(run)] == [
        ["iteration", "border_loss", "images_per_second", "seconds"]
    ] * 2
    assert not list(run.folder.glob("fakes-*"))
    assert list(run.folder.glob("heatmaps-*"))


def begun(recipe, hooks, iteration=1):
    """Hooks that have begun, and a state that has done `iteration` iterations."""
    state, _ = hooks.begin(IMAGES, recipe, CPU)
    state.iteration = iteration
    return hooks, state


def some_losses(**changed):
    values = dict.fromkeys(("discriminator", "generator", "real", "fake", "penalty", "border"), 0.5)
    return Losses(**{name: torch.tensor(value) for name, value in (values | changed).items()})


def test_small_and_large_losses_are_logged_with_six_digits():
    seen = []
    hooks, state = begun(tiny(), Hooks(lambda _, line: seen.append(line), EVERY_LINE))
    hooks.losses(state, some_losses(discriminator=-1.234567e-7, generator=1386.2944), tiny())
    (line,) = seen
    assert [line[name] for name in LOSSES] == [-1.23457e-7, 1386.29, 0.5]


@pytest.mark.parametrize("part", ["discriminator", "generator", "penalty", "border"])
@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_loss_that_is_not_finite_is_one_sentence_and_no_line(part, value, tmp_path):
    recipe, seen = tiny(border_weight=1.0), []
    run = Run.create(tmp_path / "run", recipe, IMAGES)
    hooks = RunHooks(run, lambda step, _: seen.append(step), cadence=EVERY_LINE)
    _, state = begun(recipe, hooks)
    hooks.losses(state, some_losses(), recipe)
    state.iteration = 2
    with pytest.raises(UserError, match=r"iteration 2 .*not finite.* discriminator_rate"):
        hooks.losses(state, some_losses(**{part: value}), recipe)
    assert logged(run) == seen == [1]


@pytest.mark.parametrize("loss", [float("nan"), float("inf")])
def test_a_student_s_loss_that_is_not_finite_is_one_sentence_at_once(loss):
    recipe = tiny(student_iterations=9)
    hooks, _ = begun(recipe, Hooks(cadence=Cadence(log=100)))
    hooks.student_step(1, 0.5, recipe)
    with pytest.raises(UserError, match=r"student broke down at step 8 .*seed"):
        hooks.student_step(2, loss, recipe)


@pytest.mark.parametrize(("variant", "batches"), [("dcgan", 1), ("wgan", 5)])
def test_a_line_tells_the_real_images_a_second_since_the_line_before(variant, batches):
    seen, recipe = [], tiny(variant, batch=4)
    hooks, state = begun(recipe, Hooks(lambda _, line: seen.append(line), EVERY_LINE))
    for state.iteration in (10, 30):
        time.sleep(0.2)
        hooks.losses(state, some_losses(), recipe)
    first, second = seen
    took = (first["seconds"], second["seconds"] - first["seconds"])
    expected = [iterations * 4 * batches for iterations in (10, 20)]
    found = [line["images_per_second"] * each for line, each in zip(seen, took, strict=True)]
    assert found == pytest.approx(expected, rel=0.2)


@pytest.mark.parametrize("log", [1, 100])  # a line before it breaks down, or not
def test_rates_that_blow_up_do_not_end_in_a_model(log, tmp_path):
    absurd = tiny(discriminator_rate=1e30, generator_rate=1e30)
    run = Run.create(tmp_path / "run", absurd, IMAGES)
    with pytest.raises(UserError, match="not finite"):
        train_in(run, absurd, cadence=Cadence(log=log))
    assert not run.model.exists()


def test_a_folder_that_cannot_be_written_to_any_more(tmp_path):
    run = Run.create(tmp_path / "run", tiny(), IMAGES)
    (run.folder / "checkpoint").touch()  # in the way of the folder
    with pytest.raises(UserError, match="checkpoint"):
        train_in(run, tiny())


def test_what_is_still_finished_is_given_back(tmp_path):
    """Only the model of this very recipe, its student included, and only with `resume`."""
    recipe = tiny(student_iterations=1)
    run = train(tmp_path / "run", recipe)
    assert RunHooks(run).finished_model(recipe) is None
    assert RunHooks(run, resume=True).finished_model(recipe) is not None
    assert RunHooks(run, resume=True).finished_model(replace(recipe, iterations=9)) is None
    without = train(tmp_path / "without", tiny())
    assert RunHooks(without, resume=True).finished_model(tiny()) is None
