"""The estimator: fit, localize, save, load, and what it refuses."""

import dataclasses

import numpy as np
import pytest
from PIL import Image

import ganloc
from ganloc import Localization, Localizer, UserError
from ganloc.checkpoints.run import Run
from ganloc.heatmap.readings import READINGS
from ganloc.images.source import load_images
from ganloc.images.synthetic import draw_images
from ganloc.localizer import advice_on_few
from ganloc.outliers.outlier_model import OutlierModel
from ganloc.recipes import PRESETS, Recipe

TINY = {"size": 32, "generator_width": 2, "discriminator_width": 2, "batch": 2, "iterations": 2,
        "student_iterations": 2, "student_width": 2}  # fmt: skip
# Wider, higher and smaller than the networks' 32×32.
SIZES = {"a/wide.png": (90, 30), "b.png": (20, 71), "c.png": (9, 7), "d.png": (32, 32)}


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    folder, random = tmp_path_factory.mktemp("photos"), np.random.default_rng(0)
    (folder / "a").mkdir()
    for name, (width, height) in SIZES.items():
        pixels = random.integers(0, 256, (height, width, 3), np.uint8)
        Image.fromarray(pixels).save(folder / name)
    return folder


@pytest.fixture(scope="module")
def fitted(photos):
    return Localizer("laptop", variant="dcgan", device="cpu", **TINY).fit(photos)


def plain(found):
    return [(one.path, one.box, one.score, one.outliers) for one in found]


def test_one_localization_a_image_with_its_box_inside_the_original(fitted, photos):
    found = fitted.localize(str(photos))
    assert [one.path for one in found] == list(SIZES)
    for one in found:
        assert type(one) is Localization
        assert (type(one.path), type(one.box), type(one.score)) == (str, tuple, float)
        assert [type(end) for end in one.box] == [float] * 4
        x0, y0, x1, y1 = one.box
        width, height = SIZES[one.path]
        assert 0 <= x0 < x1 <= width
        assert 0 <= y0 < y1 <= height
        assert 0.0 <= one.score <= 1.0
        assert one.heatmap.shape == (32, 32)
        assert one.heatmap.dtype == np.float32
        assert one.heatmap.min() >= 0.0
        assert one.heatmap.max() <= 1.0
        assert one.outliers is None  # of four images nothing is typical


def test_how_unusual_a_image_is(fitted, photos, tmp_path):
    seen = load_images(str(photos), 32, "test", None).pixels
    outliers = OutlierModel.fit(draw_images(30, 32, seed=0).pixels, seed=0)
    assert fitted.model is not None
    dataclasses.replace(fitted.model, outliers=outliers).save(tmp_path / "m")
    found = Localizer.load(tmp_path / "m", device="cpu").localize(photos)
    np.testing.assert_allclose([one.outliers for one in found], outliers.scores(seen), 1e-4)


def test_boxes_are_in_pixels_of_the_original_and_not_of_the_network(fitted, tmp_path):
    # One smooth image, drawn at the network's size and three times as wide and twice as high.
    for name, width, height in [("a.png", 32, 32), ("b.png", 96, 64)]:
        x, y = (np.arange(width) + 0.5) / width, (np.arange(height)[:, None] + 0.5) / height
        light = np.exp(-(((x - 0.3) / 0.15) ** 2) - ((y - 0.6) / 0.2) ** 2)
        pixels = np.stack([255 * light, 200 * light, 90 - 80 * light], axis=-1)
        Image.fromarray(pixels.round().astype(np.uint8)).save(tmp_path / name)
    pairs = [[one.box for one in fitted.localize(tmp_path, reading)] for reading in READINGS]
    assert any(small != (0.0, 0.0, 32.0, 32.0) for small, _ in pairs)  # else any scale would do
    for small, large in pairs:
        np.testing.assert_allclose(np.divide(large, (3, 2, 3, 2)), small, atol=1.0)


def test_the_same_settings_give_the_same_boxes_and_another_seed_does_not(fitted, photos):
    again = Localizer("laptop", variant="dcgan", device="cpu", **TINY).fit(photos)
    other = Localizer("laptop", variant="dcgan", device="cpu", seed=1, **TINY).fit(photos)
    heatmaps = [[one.heatmap for one in own.localize(photos)] for own in (fitted, again, other)]
    np.testing.assert_array_equal(heatmaps[0], heatmaps[1])
    assert np.abs(np.subtract(heatmaps[0], heatmaps[2])).max() > 0.01


def test_saved_and_loaded_it_finds_the_same(fitted, photos, tmp_path):
    path = tmp_path / "deep" / "birds.safetensors"
    fitted.save(path)
    assert [file.name for file in path.parent.iterdir()] == ["birds.safetensors"]
    for loaded in (Localizer.load(path), ganloc.load(str(path), device="cpu")):
        assert isinstance(loaded, Localizer)
        assert loaded.recipe == fitted.recipe
        assert plain(loaded.localize(photos)) == plain(fitted.localize(photos))


def test_fitted_into_a_run_folder_it_can_be_loaded_from_there(fitted, photos, tmp_path):
    seen = []
    in_folder = Localizer("laptop", variant="dcgan", device="cpu", **TINY).fit(
        str(photos),
        out=str(tmp_path / "run"),
        progress=lambda iteration, line: seen.append(iteration),
    )
    assert seen == [2, 6]  # two iterations, then two rounds of two
    assert Run.open(tmp_path / "run").recipe() == in_folder.recipe
    expected = plain(fitted.localize(photos))
    assert plain(in_folder.localize(photos)) == expected
    assert plain(ganloc.load(tmp_path / "run").localize(photos)) == expected


def test_fit_without_a_folder_writes_nothing(photos, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    before = sorted(photos.rglob("*"))
    Localizer(device="cpu", **{**TINY, "iterations": 1}).fit(photos)
    assert list(tmp_path.iterdir()) == []
    assert sorted(photos.rglob("*")) == before


def test_fit_leaves_a_folder_with_something_in_it_alone(photos, tmp_path):
    (tmp_path / "notes.txt").touch()
    with pytest.raises(UserError, match="already exists"):
        Localizer(device="cpu", **TINY).fit(photos, out=tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_one_image_is_not_enough_to_train_and_enough_to_localize(fitted, photos, tmp_path):
    (tmp_path / "one").mkdir()
    (tmp_path / "one" / "b.png").write_bytes((photos / "b.png").read_bytes())
    with pytest.raises(UserError, match=r"one .*1 .*at least 2"):
        Localizer(device="cpu", **TINY).fit(tmp_path / "one", out=tmp_path / "run")
    assert not (tmp_path / "run").exists()
    (alone,) = fitted.localize(tmp_path / "one")
    beside_others = fitted.localize(photos)[1]
    np.testing.assert_allclose(alone.heatmap, beside_others.heatmap, atol=1e-5)


def test_few_images_are_told_of(photos):
    with pytest.warns(UserWarning, match=r"Only 4 images: with fewer than 100"):
        Localizer(device="cpu", **{**TINY, "iterations": 1}).fit(photos)
    enough = draw_images(100, 32, seed=0)
    assert advice_on_few(enough) == ""
    assert "99 images" in advice_on_few(enough.subset(range(99)))


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
    images = ganloc.localizer.load_images(str(photos), 32)
    Run.create(tmp_path / "run", fitted.recipe, str(photos), images)
    with pytest.raises(UserError, match=r"not finished.*--resume") as error:
        ganloc.load(tmp_path / "run")
    assert f"--out {tmp_path / 'run'}" in str(error.value)


def test_a_model_without_its_student_warns(fitted, photos):
    whole = fitted.model
    fitted.model = dataclasses.replace(whole, student=None)
    try:
        with pytest.warns(UserWarning, match="stopped before its student learned"):
            fitted.localize(photos)
    finally:
        fitted.model = whole


@pytest.mark.parametrize("content", [b"", b"not a model", b"\x00" * 100])
def test_load_a_file_that_is_no_model(content, tmp_path):
    (tmp_path / "model.safetensors").write_bytes(content)
    with pytest.raises(UserError, match=r"model\.safetensors is not a whole model"):
        ganloc.load(tmp_path / "model.safetensors")


def test_the_public_surface():
    assert set(ganloc.__all__) == {"Localization", "Localizer", "Stopped", "UserError", "load"}
    assert all(hasattr(ganloc, name) for name in ganloc.__all__)
