"""The estimator: what it takes and what it refuses, in words of Python."""

import dataclasses
import warnings

import numpy as np
import pytest
import torch
from PIL import Image

import ganloc
from ganloc import Localizer, UserError
from ganloc.checkpoints.run import Run
from ganloc.errors import Notice
from ganloc.heatmap.readings import DISCRIMINATOR_READING
from ganloc.images.source import load_images
from ganloc.images.synthetic import draw_images
from ganloc.recipes import PRESETS, Recipe
from localizer_runs import TINY, write_photos

IMAGES = draw_images(2, 32, seed=0)
GREY = np.full((8, 8), 128, np.uint8)


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    return write_photos(tmp_path_factory.mktemp("photos"))


@pytest.fixture(scope="module")
def fitted(photos):
    return Localizer("laptop", variant="dcgan", device="cpu", **TINY).fit(photos)


@pytest.mark.parametrize("use", ["localize", "save"])
def test_before_fit_it_knows_nothing(use, photos, tmp_path):
    with pytest.raises(UserError, match="fit or load"):
        getattr(Localizer(device="cpu"), use)(photos if use == "localize" else tmp_path / "model")
    assert list(tmp_path.iterdir()) == []


def test_settings_replace_the_preset_s():
    paper = Localizer("paper", device="cpu", batch=3).recipe
    assert paper == dataclasses.replace(Recipe(), batch=3)
    assert Localizer(preset="laptop", device="cpu").recipe == PRESETS["laptop"]
    assert Localizer().recipe == PRESETS["default"]


@pytest.mark.parametrize(
    ("settings", "culprit"),
    [
        ({"foo": 1}, "foo"),
        ({"size": 50}, "50"),
        ({"variant": "stylegan"}, "stylegan"),
        ({"preset": "desktop"}, "desktop"),
        ({"device": "abacus"}, "abacus"),
        ({"device": "cuda:99"}, "cuda:99"),
    ],
)
def test_settings_that_are_not_possible(settings, culprit):
    with pytest.raises(UserError, match=culprit):
        Localizer(**settings)


@pytest.mark.parametrize("load", [Localizer.load, ganloc.load])
def test_load_what_is_not_there(load, tmp_path):
    with pytest.raises(UserError, match="typo"):
        load(tmp_path / "typo")
    with pytest.raises(UserError, match=r"not a run"):
        load(tmp_path)


def test_load_a_run_that_is_not_finished_tells_how_to_finish_it(fitted, photos, tmp_path):
    images = load_images(str(photos), 32)
    Run.create(tmp_path / "run", fitted.recipe, images)
    with pytest.raises(UserError, match=r"not finished.*resume=True") as error:
        ganloc.load(tmp_path / "run")
    assert f"out='{tmp_path / 'run'}'" in str(error.value)


def test_a_model_without_its_student_warns(fitted, photos):
    whole = fitted.model
    fitted.model = dataclasses.replace(whole, student=None)
    try:
        with pytest.warns(Notice, match="stopped before its student learned"):
            fitted.localize(photos)
        assert fitted.reading == DISCRIMINATOR_READING
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            fitted.localize(photos, "plain-cam")  # asked for: nothing to be told
    finally:
        fitted.model = whole


def test_a_cam_of_a_model_without_a_gan_warns(fitted, photos):
    """Only a GAN trains the weights that a CAM sums the features by."""
    pretext = Localizer(device="cpu", **{**TINY, "iterations": 1}).fit(photos)
    for reading in ("plain-cam", "cam"):
        with pytest.warns(Notice, match=f"without a GAN, so {reading} weights"):
            pretext.localize(photos, reading)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for localizer, reading in ((pretext, "lda"), (pretext, None), (fitted, "cam")):
            localizer.localize(photos, reading)


@pytest.mark.parametrize("content", [b"", b"not a model", b"\x00" * 100])
def test_load_a_file_that_is_no_model(content, tmp_path):
    (tmp_path / "model.safetensors").write_bytes(content)
    with pytest.raises(UserError, match=r"model\.safetensors is not a whole model"):
        ganloc.load(tmp_path / "model.safetensors")


def test_the_public_surface():
    names = {"Localization", "Localizer", "Notice", "Stopped", "UserError", "load"}
    assert set(ganloc.__all__) == names
    assert all(hasattr(ganloc, name) for name in names)


@pytest.mark.parametrize(
    ("call", "kind", "said"),
    [
        (lambda own: own.fit([]), UserError, "no images in the list"),
        (lambda own: own.localize(None), TypeError, "This is None: give"),
        (lambda own: own.localize(draw_images(2, 64, seed=0)), UserError, "size 64 .* of 32"),
        (lambda own: own.localize(draw_images(1, 32, seed=0).subset([])), UserError, "no images"),
        (lambda own: own.fit(draw_images(2, 32, 0), resume=True), UserError, "give it by out"),
        (lambda own: own.fit(IMAGES, pages=True), UserError, "ImageSet has its pages"),
        (lambda own: own.fit(IMAGES, out=""), UserError, "out is empty"),
        (lambda own: own.fit(IMAGES, archive="a.zip"), UserError, "leave out archive"),
        (lambda own: own.localize([GREY], archive="a.zip"), UserError, "leave out archive"),
        (lambda own: own.localize(".", archive="a.zip"), UserError, "leave out archive"),
        (lambda own: own.localize("x" * 5_000), UserError, "No folder or zip at"),
        (lambda own: own.localize("~$.jpg"), UserError, "No folder or zip at"),
        (lambda own: own.localize([GREY], reading=""), UserError, "There is no reading ''"),
        (lambda own: own.save("a\0b"), UserError, "no path that this machine can have"),
        (lambda own: own.load("x" * 5_000), UserError, "no path that this machine can have"),
    ],
)
def test_what_the_localizer_refuses(call, kind, said, fitted):
    with pytest.raises(kind, match=said) as error:
        call(fitted)
    assert "--" not in str(error.value)
    assert len(str(error.value)) < 400


def test_a_model_does_not_take_the_place_of_an_image(fitted, tmp_path):
    (tmp_path / "a.jpg").touch()
    Image.new("RGB", (8, 8)).save(tmp_path / "photo.png")
    before = (tmp_path / "photo.png").read_bytes()
    with pytest.raises(UserError, match=r"photo\.png is an image: choose another path"):
        fitted.save(tmp_path / "photo.png")
    assert (tmp_path / "photo.png").read_bytes() == before
    fitted.save(tmp_path / "a.jpg")  # an empty file is none
    fitted.save(tmp_path / "a.jpg")  # and a model may replace a model
    assert ganloc.load(tmp_path / "a.jpg").recipe == fitted.recipe


def test_a_device_that_holds_no_values_is_refused():
    with pytest.raises(UserError, match="no device 'meta' here: leave out device, or give cpu"):
        Localizer(device="meta")
    assert Localizer(device=torch.device("cpu")).device == torch.device("cpu")
