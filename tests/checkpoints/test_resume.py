"""A training that was stopped or killed, wherever, and resumed equals one that never stopped."""

import json
import warnings
from pathlib import Path

import pytest

from ganloc.checkpoints.hooks import Cadence, Hooks
from ganloc.checkpoints.run import Run
from ganloc.checkpoints.signals import measure
from ganloc.errors import Notice, Stopped, UserError
from ganloc.method import fit
from ganloc.model import Model
from run_folders import (
    CPU,
    IMAGES,
    assert_same_model,
    assert_same_weights,
    logged,
    resume,
    stop_at,
    tiny,
    train,
    train_in,
)

pytestmark = pytest.mark.usefixtures("one_thread")
EVERY, LAST = 2, 6
OFTEN = Cadence(log=1, checkpoint=EVERY, drawings=1)
CHECKPOINTS = range(EVERY, LAST + 1, EVERY)


def recipe(**settings):
    """Of its three checkpoints the second one is the best."""
    return tiny(**{"seed": 8, "discriminator_rate": 0.01, "select": True, **settings})


def with_student(**settings):
    return recipe(student_iterations=2, **settings)


def worse_and_worse(**settings):
    """The first checkpoint is the best one."""
    return recipe(seed=4, **settings)


def lines(run):
    return [json.loads(line) for line in run.signals.read_text().splitlines()]


def signals_of(line):
    return {name: value for name, value in line.items() if name not in ("iteration", "criterion")}


def best_checkpoint(run):
    """The iteration with the highest criterion of `signals.jsonl`, the last of equals."""
    return max((line["criterion"], line["iteration"]) for line in lines(run))[1]


def assert_same_run(one, other):
    assert_same_weights(one, other)
    assert one.signals.read_text() == other.signals.read_text()
    assert logged(one) == logged(other)
    assert_same_model(*[Model.load(run.model) for run in (one, other)])
    assert_same_model(*[Model.load(run.best) for run in (one, other)])


@pytest.fixture(scope="module")
def straight(tmp_path_factory, one_thread):
    """A run that nothing stopped, with the model of every checkpoint beside it."""
    folder = tmp_path_factory.mktemp("straight") / "run"
    return train(folder, recipe(), cadence=OFTEN, milestones=CHECKPOINTS)


@pytest.fixture(scope="module")
def straight_with_student(tmp_path_factory, one_thread):
    return train(tmp_path_factory.mktemp("taught") / "run", with_student(), cadence=OFTEN)


def test_the_model_is_that_of_the_checkpoint_with_the_highest_criterion(straight):
    best = best_checkpoint(straight)
    assert best == 2 * EVERY  # neither the first nor the last, which may be taken by mistake
    assert logged(straight) == list(range(1, LAST + 1))
    model, milestone = Model.load(straight.model), Model.load(straight.milestone(best))
    assert (model.signals, milestone.signals) == (signals_of(lines(straight)[1]), {})
    assert model.info["iteration"] == best
    for file in (straight.model, straight.best):
        weights = Model.load(file).discriminator.state_dict()
        assert all(
            weights[name].equal(own) for name, own in milestone.discriminator.state_dict().items()
        )


def test_every_checkpoint_has_a_line_of_what_its_model_is_worth(straight):
    written = lines(straight)
    assert [line["iteration"] for line in written] == list(CHECKPOINTS)
    for line in written:
        found = measure(Model.load(straight.milestone(line["iteration"])), IMAGES)
        assert signals_of(line) == found.to_dict() | {"alikeness": line["alikeness"]}
        assert 0.0 <= line["alikeness"] <= 1.0
        assert line["criterion"] == pytest.approx(line["separation"] * line["border_avoidance"])


def test_without_select_the_last_is_kept_and_measured_all_the_same(tmp_path, straight):
    run = train(tmp_path / "run", recipe(select=False), cadence=OFTEN)
    assert run.signals.read_text() == straight.signals.read_text()
    model = Model.load(run.model)
    assert model.info["iteration"] == LAST
    assert model.signals == signals_of(lines(run)[-1])
    assert not run.best.exists()


def test_in_memory_it_is_the_same_model(straight):
    model = fit(IMAGES, recipe(), CPU, Hooks(cadence=OFTEN))
    assert_same_model(model, Model.load(straight.model))


def test_in_memory_it_is_the_same_student(straight_with_student):
    model = fit(IMAGES, with_student(), CPU, Hooks(cadence=OFTEN))
    assert model.student is not None
    assert_same_model(model, Model.load(straight_with_student.model))


@pytest.mark.parametrize("when", range(1, LAST))
def test_stopped_and_resumed_it_is_the_model_of_never_stopped(when, tmp_path, straight):
    with pytest.raises(Stopped) as stop:
        train(tmp_path / "run", recipe(), cadence=OFTEN, progress=stop_at(when))
    assert stop.value.iteration == when
    run = Run(tmp_path / "run")
    # What it left can be read already: the best so far, or with no checkpoint yet what there is.
    expected = best_checkpoint(run) if run.signals.exists() else when
    assert Model.load(run.model).info["iteration"] == expected
    assert_same_model(resume(run, cadence=OFTEN), Model.load(straight.model))
    assert_same_run(run, straight)


def test_stopped_again_and_again_it_is_the_model_of_never_stopped(tmp_path, straight_with_student):
    with pytest.raises(Stopped):
        train(tmp_path / "run", with_student(), cadence=OFTEN, progress=stop_at(1))
    run = Run(tmp_path / "run")
    for step in (3, 4, 5, 7, LAST + 2):  # the last two while a student learns
        with pytest.raises(Stopped):
            resume(run, cadence=OFTEN, progress=stop_at(step))
    resume(run, cadence=OFTEN)
    assert_same_run(run, straight_with_student)


class Killed(BaseException):
    pass


def kill_before_file(number, patch):
    """Die when the `number`-th file is about to be replaced or lengthened, as by a kill."""
    replace, open_file, files = Path.replace, Path.open, []

    def die_or_note(name):
        files.append(name)
        if len(files) == number:
            raise Killed

    def replace_or_die(temporary, target):
        die_or_note(Path(target).name)
        return replace(temporary, target)

    def open_or_die(path, mode="r", **settings):
        if mode == "a" and path.name == "signals.jsonl":
            die_or_note(path.name)
        return open_file(path, mode, **settings)

    patch.setattr(Path, "replace", replace_or_die)
    patch.setattr(Path, "open", open_or_die)
    return files


# Recipe and first drawings; at each checkpoint its signals, its state and, where it is the best so
# far, its model; at the end the model, then with its student.
FILES = [
    *["recipe.json", "reals.png", "fakes-000000.png", "heatmaps-000000.png", "recipe.json"],
    *["signals.jsonl", "latest.safetensors", "best.safetensors"] * 2,
    *["signals.jsonl", "latest.safetensors", "fakes-000006.png", "heatmaps-000006.png"],
    *["model.safetensors"] * 2,
]
OF_CHECKPOINTS = [n for n, name in enumerate(FILES, 1) if name.endswith(("jsonl", "safetensors"))]


def test_a_run_writes_these_files_in_this_order(tmp_path):
    with pytest.MonkeyPatch.context() as patch:
        files = kill_before_file(0, patch)
        train(tmp_path / "run", with_student(), cadence=OFTEN)
    assert files == FILES


@pytest.mark.parametrize("number", OF_CHECKPOINTS)
def test_killed_before_a_state_or_model_is_there_and_resumed(
    number, tmp_path, straight_with_student
):
    with pytest.MonkeyPatch.context() as patch:
        kill_before_file(number, patch)
        with pytest.raises(Killed):
            train(tmp_path / "run", with_student(), cadence=OFTEN)
    run = Run(tmp_path / "run")
    with run.signals.open("a") as file:  # and as if a later line had been cut off
        file.write('{"iteration": 9, "crit')
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "There is no checkpoint", Notice)
        resume(run, cadence=OFTEN)
    assert_same_run(run, straight_with_student)


def test_patience_ends_training_early_and_that_is_finished(tmp_path):
    patient = worse_and_worse(patience=1)
    straight = train(tmp_path / "straight", worse_and_worse(), cadence=OFTEN)
    criteria = [line["criterion"] for line in lines(straight)]
    assert criteria[0] > criteria[1]  # so a patience of 1 ends at the second checkpoint
    run = train(tmp_path / "run", patient, cadence=OFTEN)
    assert logged(run) == list(range(1, 2 * EVERY + 1))
    assert lines(run) == lines(straight)[:2]
    model = Model.load(run.model)
    assert model.info["iteration"] == EVERY
    assert (run.folder / f"fakes-{2 * EVERY:06d}.png").exists()
    before = run.log.read_text()
    run.model.unlink()
    resume(run, cadence=OFTEN)
    assert run.log.read_text() == before
    assert_same_model(Model.load(run.model), model)
    seen = []
    in_memory = fit(IMAGES, patient, CPU, Hooks(lambda step, _: seen.append(step), OFTEN))
    assert seen[-1] == 2 * EVERY
    assert_same_model(in_memory, model)


def test_after_patience_has_ended_training_its_student_can_be_stopped_too(tmp_path):
    patient = worse_and_worse(patience=1, student_iterations=2)
    whole = train(tmp_path / "whole", patient, cadence=OFTEN)
    with pytest.raises(Stopped) as stop:
        train(tmp_path / "run", patient, cadence=OFTEN, progress=stop_at(LAST + 1))
    assert (stop.value.iteration, stop.value.student) == (2 * EVERY, True)
    resume(Run(tmp_path / "run"), cadence=OFTEN)
    assert_same_run(Run(tmp_path / "run"), whole)


def test_a_run_that_goes_further_names_its_new_end(tmp_path, straight):
    run = train(tmp_path / "run", recipe(iterations=2 * EVERY), cadence=OFTEN)
    train_in(run, run.recipe_to_resume({"iterations": LAST}), resume=True, cadence=OFTEN)
    assert_same_run(run, straight)


def test_a_run_cannot_be_cut_shorter(tmp_path):
    run = train(tmp_path / "run", recipe(), cadence=OFTEN)
    before = run.recipe_file.read_text()
    with pytest.raises(UserError, match=r"has done 6 iterations already.*iterations"):
        resume(run, recipe(iterations=4), cadence=OFTEN)
    assert run.recipe_file.read_text() == before


def test_a_best_model_that_is_lost_is_named(tmp_path):
    run = train(tmp_path / "run", worse_and_worse(), cadence=OFTEN)
    run.best.unlink()
    with pytest.raises(UserError, match=r"best\.safetensors"):
        resume(run, worse_and_worse(iterations=9), cadence=OFTEN)
