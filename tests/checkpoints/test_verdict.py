"""The verdict in words."""

import dataclasses
import re

import pytest
from PIL import Image

from ganloc import Localizer, cli
from ganloc.checkpoints.delivered import Delivered
from ganloc.checkpoints.signals import Signals
from ganloc.checkpoints.verdict import LIMITS, Verdict, verdict, verdict_of, verdict_on_boxes
from ganloc.discriminator.train_state import new_train_state
from ganloc.model import Model
from ganloc.student.unet import UNet
from ganloc.wording import on_command_line
from run_folders import CPU, IMAGES, tiny

GOOD = Signals(
    shift_equivariance=0.9,
    mirror_equivariance=0.9,
    image_dependence=0.5,
    border_avoidance=0.3,
    separation=0.8,
    spread=0.4,
    alikeness=0.3,
)
BAD = {
    "image_dependence": (0.0, "heatmaps hardly depend on the image"),
    "shift_equivariance": (-0.2, "heatmaps do not follow a shifted image"),
    "alikeness": (0.999, "generated images are nearly all alike"),
    "spread": (0.0, "boxes are nearly all the same"),
}


def test_nothing_wrong_is_trusted():
    found = verdict(GOOD)
    assert found.trusted
    assert found.sentence().startswith("Trust: yes, ")


@pytest.mark.parametrize("name", BAD)
def test_one_signal_out_of_range_is_named_alone(name):
    value, clause = BAD[name]
    found = verdict(dataclasses.replace(GOOD, **{name: value}))
    assert found == Verdict(False, clause)
    assert found.sentence() == f"Trust: doubtful, because {clause}."


@pytest.mark.parametrize("limit", LIMITS, ids=lambda limit: limit.signal)
def test_every_limit_can_be_kept_and_broken(limit):
    assert limit.holds(GOOD)
    beyond = limit.at_least - 1e-6 if limit.at_least > -1.0 else limit.at_most + 1e-6
    assert not verdict(dataclasses.replace(GOOD, **{limit.signal: beyond})).trusted


def test_several_reasons_are_joined_into_one_sentence():
    three = dataclasses.replace(GOOD, image_dependence=0.0, spread=0.0, alikeness=1.0)
    assert verdict(three).sentence() == (
        "Trust: doubtful, because heatmaps hardly depend on the image, boxes are nearly all the "
        "same and generated images are nearly all alike."
    )
    two = dataclasses.replace(three, spread=0.4)
    assert " image and generated " in verdict(two).sentence()


def test_what_could_not_be_measured_raises_no_doubt():
    assert verdict(dataclasses.replace(GOOD, alikeness=float("nan"))).trusted


def test_the_verdict_on_a_model_is_that_on_its_signals_before_and_after_saving(tmp_path):
    network = new_train_state(tiny(), CPU).discriminator
    model = Model.freeze(network, IMAGES, tiny(), iteration=0)
    assert verdict_of(model) is None
    same = dataclasses.replace(GOOD, spread=0.0, alikeness=float("nan"))
    model = dataclasses.replace(model, signals=same.to_dict())
    model.save(tmp_path / "model")
    loaded = Model.load(tmp_path / "model")
    assert loaded.signals == model.signals
    assert verdict_of(loaded) == verdict_of(model)
    assert verdict_of(loaded) == Verdict(False, BAD["spread"][1])
    assert verdict_of(dataclasses.replace(model, signals={"of": 1.0, "another": 2.0})) is None


LOOKS = "68 of 100 boxes look right, of a centred box 41"
HARDLY = "boxes look hardly better than a centred box"


@pytest.mark.parametrize(
    ("delivered", "learned", "trusted", "said"),
    [
        (Delivered(0.68, 0.41, 0.5, 0.3), True, True, LOOKS),
        (Delivered(0.53, 0.41, 0.5, 0.3), True, True, LOOKS.replace("68", "53")),
        (Delivered(0.5, 0.41, 0.5, 0.3), True, False, HARDLY),
        (Delivered(0.9, 0.41, 0.86, 0.3), True, False, "boxes cover nearly all of every image"),
        (
            Delivered(0.41, 0.41, 0.95, None),
            True,
            False,
            "boxes cover nearly all of every image and boxes look hardly better than a centred box",
        ),
        (
            Delivered(0.68, 0.41, 0.5, 0.09),
            True,
            False,
            "other boxes look nearly as good once these are painted over (there may be several "
            "objects in an image, or none)",
        ),
        (Delivered(0.68, 0.41, 0.5, 0.11), True, True, LOOKS),
        (Delivered(0.2, 0.1, 0.5, None), False, True, "boxes look better than a centred box"),
        (Delivered(0.2, 0.19, 0.5, None), False, False, HARDLY),
    ],
)
def test_a_student_is_judged_by_the_boxes_that_are_delivered(delivered, learned, trusted, said):
    found = verdict_on_boxes(delivered, learned)
    assert (found.trusted, found.reason) == (trusted, said)
    assert ("Draw ten boxes (suggest tells" in found.advice) == (not trusted)
    assert ("train longer (student_iterations)" in found.advice) == (not learned)
    with on_command_line():
        again = verdict_on_boxes(delivered, learned)
    assert ("ganloc suggest" in again.advice) == (not trusted)
    assert ("--student-iterations" in again.advice) == (not learned)


def test_the_boxes_of_a_student_matter_more_than_the_discriminator():
    network = new_train_state(tiny(), CPU).discriminator
    model = Model.freeze(network, IMAGES, tiny(), iteration=0)
    bad = dataclasses.replace(GOOD, spread=0.0).to_dict()
    delivered = Delivered(0.8, 0.3, 0.5, 0.3)
    signals = {**bad, "learned": 0.1, **delivered.to_dict()}
    model = dataclasses.replace(model, signals=signals, student=UNet(32, 1))
    assert verdict_of(model) == verdict_on_boxes(delivered)
    worse = dataclasses.replace(model, signals={**model.signals, "learned": 0.0})
    assert verdict_of(worse) == verdict_on_boxes(delivered, student_learned=False)
    del signals["fall"]  # as written by an earlier version
    assert verdict_of(dataclasses.replace(model, signals=signals)) is None


def test_train_localize_and_the_localizer_say_whether_to_trust_it(tmp_path, capsys):
    photos, run = tmp_path / "photos", tmp_path / "run"
    photos.mkdir()
    for name, pixels in zip(IMAGES.names, IMAGES.pixels, strict=True):
        Image.fromarray(pixels).save(photos / name)
    settings = {"size": 32, "generator_width": 2, "discriminator_width": 2, "batch": 2}
    settings |= {"iterations": 2, "select": True, "patience": 3}
    options = [
        "--size",
        "32",
        "--generator-width",
        "2",
        "--discriminator-width",
        "2",
        "--batch",
        "2",
        "--iterations",
        "2",
    ]
    options += ["--select", "--patience", "3"]

    def said(*command):
        cli.main([*map(str, command), "--device", "cpu"])
        return re.findall(r"^Trust: .*\.$", capsys.readouterr().err, flags=re.MULTILINE)

    of_train = said("train", photos, "--out", run, *options, "--preset", "laptop")
    model = Model.load(run / "model.safetensors")
    assert (model.recipe.select, model.recipe.patience) == (True, 3)
    expected = verdict(Signals.from_dict(model.signals))
    assert of_train == [expected.sentence()]
    localized = ("localize", run, photos, "--out", tmp_path / "boxes.csv")
    assert said(*localized) == [expected.sentence()]
    assert said(*localized, "--plain-cam") == []
    assert Localizer.load(run, device="cpu").verdict == expected
    assert Localizer(device="cpu").verdict is None
    assert Localizer("laptop", device="cpu", **settings).fit(photos).verdict == expected
