"""Training in a run folder: what it leaves, and that looking at it changes nothing."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from ganloc import training
from ganloc.checkpoints.run import Run
from ganloc.discriminator.train_discriminator import Losses
from ganloc.errors import UserError
from ganloc.heatmap.feature_statistics import statistics_tensors
from ganloc.images.image_set import ImageSet
from ganloc.model import Model
from ganloc.outliers.outlier_model import OutlierModel
from ganloc.recipes import VARIANTS, Recipe
from ganloc.training import train_in_memory, train_run
from run_folders import assert_same_weights, logged

CPU = torch.device("cpu")
pytestmark = pytest.mark.usefixtures("one_thread")
PIXELS = np.random.default_rng(0).integers(0, 256, (5, 32, 32, 3), np.uint8)
IMAGES = ImageSet(PIXELS, tuple(f"{i}.png" for i in range(5)), np.full((5, 2), 32))
LOSSES = [
    "discriminator_loss",
    "generator_loss",
    "penalty",
]  # of a game without border pretext task
LOGGED = [*LOSSES, "real", "fake", "images_per_second", "seconds"]


def recipe(variant="dcgan", **settings):
    tiny = {"size": 32, "generator_width": 2, "discriminator_width": 2, "latent": 4, "batch": 2}
    return Recipe(variant, **{**tiny, "iterations": 6, "mirror": True, "seed": 3, **settings})


def cadence(monkeypatch, log=2, checkpoint=3, grids=2):
    monkeypatch.setattr(training, "LOG_EVERY", log)
    monkeypatch.setattr(training, "CHECKPOINT_EVERY", checkpoint)
    monkeypatch.setattr(training, "GRIDS", grids)


def train(folder, recipe, images=IMAGES, progress=None):
    run = Run.create(folder, recipe, "photos", images)
    train_run(run, images, recipe, CPU, progress=progress)
    return run


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


def test_milestones_are_the_models_of_shorter_trainings(tmp_path):
    run = Run.create(tmp_path / "run", recipe(), "photos", IMAGES)
    train_run(run, IMAGES, recipe(), CPU, milestones=[4, 6])
    assert sorted(path.name for path in run.milestone(0).parent.iterdir()) == [
        "000004.safetensors",
        "000006.safetensors",
    ]
    short = train(tmp_path / "short", recipe(iterations=4))
    for iteration, expected in ((4, short.model), (6, run.model)):
        kept, model = Model.load(run.milestone(iteration)), Model.load(expected)
        assert kept.info["iteration"] == iteration
        weights, others = kept.discriminator.state_dict(), model.discriminator.state_dict()
        assert {k for k in weights if not torch.equal(weights[k], others[k])} == set()


def test_a_milestone_that_a_kill_came_before_is_kept_on_resuming(tmp_path):
    run = train(tmp_path / "run", recipe(iterations=3))
    at_three = Model.load(run.model)
    longer = run.resume({"iterations": 6}, IMAGES)
    train_run(run, IMAGES, longer, CPU, resume=True, milestones=[3, 6])
    kept, expected = (
        m.discriminator.state_dict() for m in (Model.load(run.milestone(3)), at_three)
    )
    assert {k for k in kept if not torch.equal(kept[k], expected[k])} == set()
    assert run.milestone(6).exists()


def test_in_memory_gives_the_model_of_a_run(tmp_path):
    run = train(tmp_path / "run", recipe())
    model, kept = train_in_memory(IMAGES, recipe(), CPU), Model.load(run.model)
    weights, kept_weights = model.discriminator.state_dict(), kept.discriminator.state_dict()
    assert weights.keys() == kept_weights.keys()
    assert {k for k in weights if not torch.equal(weights[k], kept_weights[k])} == set()
    assert (model.recipe, model.info) == (kept.recipe, kept.info)
    assert (model.statistics.sign, model.statistics.aspect) == (
        kept.statistics.sign,
        kept.statistics.aspect,
    )
    fitted, kept_fitted = statistics_tensors(model.statistics), statistics_tensors(kept.statistics)
    assert {k for k in fitted if not torch.equal(fitted[k], kept_fitted[k])} == set()
    assert model.outliers is kept.outliers is None  # of five images nothing is typical


def test_what_is_typical_of_enough_images_is_part_of_the_model(tmp_path):
    pixels = np.random.default_rng(1).integers(0, 256, (20, 32, 32, 3), np.uint8)
    many = ImageSet(pixels, tuple(f"{i}.png" for i in range(20)), np.full((20, 2), 32))
    run = train(tmp_path / "run", recipe(), many)
    expected = OutlierModel.fit(pixels, recipe().seed).scores(pixels)
    for model in (train_in_memory(many, recipe(), CPU), Model.load(run.model)):
        assert model.outliers is not None
        np.testing.assert_allclose(model.outliers.scores(pixels), expected, 1e-4)


def test_going_further_equals_having_wanted_it_from_the_start(tmp_path):
    run = train(tmp_path / "run", recipe(iterations=3))
    longer = run.resume({"iterations": 6}, IMAGES)
    train_run(run, IMAGES, longer, CPU, resume=True)
    assert_same_weights(run, train(tmp_path / "straight", recipe()))
    assert Model.load(run.model).info["iteration"] == 6


def test_resume_before_the_first_checkpoint_starts_again(tmp_path, monkeypatch):
    cadence(monkeypatch, log=1)
    run = Run.create(tmp_path / "run", recipe(), "photos", IMAGES)
    run.append_log({"iteration": 1})
    train_run(run, IMAGES, recipe(), CPU, resume=True)
    assert logged(run) == [1, 2, 3, 4, 5, 6]


def test_a_run_folder_holds_everything(tmp_path, monkeypatch):
    cadence(monkeypatch, log=2, checkpoint=100, grids=2)
    seen = []
    run = train(tmp_path / "run", recipe(), progress=lambda *both: seen.append(both))
    grids = [f"{kind}-{i:06d}.png" for kind in ("fakes", "heatmaps") for i in (0, 3, 6)]
    files = ["checkpoint", "log.jsonl", "model.safetensors", "reals.png", "recipe.json"]
    files.append("signals.jsonl")
    assert sorted(path.name for path in run.folder.iterdir()) == sorted([*files, *grids])
    assert [path.name for path in run.checkpoint.parent.iterdir()] == ["latest.safetensors"]
    lines = [json.loads(line) for line in run.log.read_text().splitlines()]
    assert [list(line) for line in lines] == [["iteration", *LOGGED]] * 3
    assert seen == [(line["iteration"], line) for line in lines]
    assert all(line["images_per_second"] > 0 and 0 < line["real"] < 1 for line in lines)
    assert run.recipe() == recipe()
    for name in [*grids, "reals.png"]:
        with Image.open(run.folder / name) as image:
            assert image.size >= (32, 32)
            image.load()


def test_small_losses_are_logged_with_all_their_digits(tmp_path, monkeypatch):
    def train_discriminator(state, pixels, recipe):
        state.iteration = recipe.iterations
        values = (-1.234567e-7, 1386.2944, 0.5, 0.5, 0.0, 0.69314718)
        yield Losses(*[torch.tensor(value) for value in values])

    monkeypatch.setattr(training, "train_discriminator", train_discriminator)
    run = train(tmp_path / "run", recipe())
    (line,) = [json.loads(line) for line in run.log.read_text().splitlines()]
    assert [line[name] for name in LOSSES] == [-1.23457e-7, 1386.29, 0.0]


@pytest.mark.parametrize("part", ["discriminator", "generator", "penalty", "border"])
@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_loss_that_is_not_finite_ends_training_in_one_sentence(
    part, value, tmp_path, monkeypatch
):
    cadence(monkeypatch, log=1)
    fine = Losses(*[torch.tensor(0.5)] * 6)

    def train_discriminator(state, pixels, recipe):
        for state.iteration in (1, 2):
            yield fine if state.iteration == 1 else replace(fine, **{part: torch.tensor(value)})

    monkeypatch.setattr(training, "train_discriminator", train_discriminator)
    with pytest.raises(UserError, match=r"iteration 2 .*not finite.* --discriminator-rate"):
        train(tmp_path / "run", recipe(border_weight=1.0))
    assert not (tmp_path / "run" / "model.safetensors").exists()
    assert logged(Run(tmp_path / "run")) == [1]


def test_rates_that_blow_up_do_not_end_in_a_model(tmp_path, monkeypatch):
    cadence(monkeypatch, log=1)
    with pytest.raises(UserError, match="not finite"):
        train(tmp_path / "run", recipe(discriminator_rate=1e30, generator_rate=1e30))
    assert not (tmp_path / "run" / "model.safetensors").exists()


def test_rates_that_blow_up_between_two_lines_of_the_log_do_not_either(tmp_path, monkeypatch):
    cadence(monkeypatch, log=100)
    with pytest.raises(UserError, match="not finite"):
        train(tmp_path / "run", recipe(discriminator_rate=1e30, generator_rate=1e30))
    assert not (tmp_path / "run" / "model.safetensors").exists()


def test_the_border_pretext_is_logged(tmp_path, monkeypatch):
    cadence(monkeypatch, log=1)
    given = recipe("dcgan", border_weight=10.0, iterations=2)
    run = Run.create(tmp_path / "run", given, "photos", IMAGES)
    train_run(run, IMAGES, given, CPU)
    lines = [json.loads(line) for line in run.log.read_text().splitlines()]
    assert all(0.0 < line["border_loss"] < 5.0 for line in lines)
    assert set(LOSSES) < set(lines[0])
    assert Model.load(run.model).recipe.border_weight == 10.0


def test_without_a_game_nothing_is_said_or_drawn_of_it(tmp_path, monkeypatch):
    cadence(monkeypatch, log=1)
    run = train(tmp_path / "run", recipe(adversarial_weight=0.0, border_weight=1.0, iterations=2))
    (line, _) = [json.loads(line) for line in run.log.read_text().splitlines()]
    assert list(line) == ["iteration", "border_loss", "images_per_second", "seconds"]
    assert not list(run.folder.glob("fakes-*"))
    assert list(run.folder.glob("heatmaps-*"))


def test_a_folder_that_cannot_be_written_to_any_more(tmp_path, monkeypatch):
    cadence(monkeypatch, log=1)
    run = Run.create(tmp_path / "run", recipe(), "photos", IMAGES)
    (run.folder / "checkpoint").touch()  # in the way of the folder
    with pytest.raises(UserError, match="checkpoint"):
        train_run(run, IMAGES, recipe(), CPU)
