"""The estimator: fit, localize, save, load, and what it refuses."""

import dataclasses
import shutil
import signal
import warnings
import zipfile

import numpy as np
import pytest
from PIL import Image

import ganloc
from bright import Bright
from ganloc import Localization, Localizer, UserError
from ganloc.box.iou import iou
from ganloc.checkpoints.run import Run
from ganloc.errors import Notice, Stopped
from ganloc.heatmap.readings import READINGS
from ganloc.images.source import load_images
from ganloc.images.synthetic import draw_images
from ganloc.model import STUDENT
from ganloc.outliers.outlier_model import OutlierModel
from ganloc.student.evidence import evidence
from ganloc.student.score import chances
from localizer_runs import SIZES, TINY, write_photos


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    return write_photos(tmp_path_factory.mktemp("photos"))


@pytest.fixture(scope="module")
def fitted(photos):
    return Localizer("laptop", variant="dcgan", device="cpu", **TINY).fit(photos)


def plain(found):
    return [(one.path, one.box, one.score, one.outlier) for one in found]


def test_one_localization_an_image_with_its_box_inside_the_original(fitted, photos):
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
        assert one.outlier is None  # four images are too few


def test_the_outlier_score_of_each_image(fitted, photos, tmp_path):
    seen = load_images(str(photos), 32, "test", None).pixels
    outliers = OutlierModel.fit(draw_images(30, 32, seed=0).pixels, seed=0)
    assert fitted.model is not None
    dataclasses.replace(fitted.model, outliers=outliers).save(tmp_path / "m")
    found = Localizer.load(tmp_path / "m", device="cpu").localize(photos)
    np.testing.assert_allclose([one.outlier for one in found], outliers.scores(seen), 1e-4)


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


def test_few_images_are_told_of_by_a_notice():
    hasty = {**TINY, "iterations": 1, "student_iterations": 1}
    enough = draw_images(100, 32, seed=0)
    with pytest.warns(Notice, match=r"Only 99 images: with fewer than 100"):
        Localizer("laptop", device="cpu", **hasty).fit(enough.subset(range(99)))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Localizer("laptop", device="cpu", **hasty).fit(enough)


def test_files_that_cannot_be_read_are_told_of_by_a_notice(fitted, photos, tmp_path):
    shutil.copytree(photos, tmp_path / "photos")
    (tmp_path / "photos" / "torn.png").write_text("no image")
    told = r"1 of 5 files could not be read \(left out\):\n  torn.png: "
    with pytest.warns(Notice, match=told):
        found = fitted.localize(tmp_path / "photos")
    assert plain(found) == plain(fitted.localize(photos))
    with pytest.warns(Notice, match=told):
        Localizer(device="cpu", **{**TINY, "iterations": 1}).fit(tmp_path / "photos")


def test_images_that_are_loaded_already(fitted, photos):
    images = load_images(str(photos), 32)
    again = Localizer("laptop", variant="dcgan", device="cpu", **TINY).fit(images)
    assert plain(again.localize(images)) == plain(fitted.localize(photos))


def test_detections_are_what_localizations_are_made_of(fitted, photos):
    images = load_images(str(photos), 32)
    assert fitted.reading == "student"
    for reading in (None, "student", "plain-cam"):
        found, expected = fitted.detect(images, reading), fitted.localize(photos, reading)
        np.testing.assert_allclose(images.in_pixels(found.boxes), [one.box for one in expected])
        np.testing.assert_allclose(found.scores, [one.score for one in expected])
        np.testing.assert_array_equal(found.heatmaps, [one.heatmap for one in expected])
        assert found.outlier_scores is None


def test_a_zip_is_refined_from_its_files_also_once_it_has_gone(fitted, tmp_path):
    # A small object: of 640 × 320 pixels, so that a pixel of the network is 20 × 10 of them.
    photo = Image.new("RGB", (640, 320))
    photo.paste((255, 255, 255), (127, 83, 175, 124))
    photo.save(tmp_path / "a.png")
    with zipfile.ZipFile(tmp_path / "photos.zip", "w") as packed:
        packed.write(tmp_path / "a.png", "a.png")
    assert fitted.model is not None
    bright = Localizer.from_recipe(fitted.recipe, fitted.device)
    bright.model = dataclasses.replace(fitted.model, student=Bright(32, 2).eval())
    images = load_images(str(tmp_path / "photos.zip"), 32)
    (tmp_path / "photos.zip").unlink()
    whole, refined = (bright.detect(images, refine=refine) for refine in (False, True))
    truth = np.array([[127.0, 83.0, 175.0, 124.0]])
    assert iou(images.in_pixels(whole.boxes), truth)[0] < 0.8
    assert iou(images.in_pixels(refined.boxes), truth)[0] > 0.9
    np.testing.assert_array_equal(refined.heatmaps, whole.heatmaps)  # of the whole image
    masks = bright.model.heatmaps(images, STUDENT)
    seen = evidence(bright.model.student, images.pixels, masks, refined.boxes)
    np.testing.assert_array_equal(refined.scores, chances(seen))
    (one,) = bright.localize(images)
    np.testing.assert_allclose(one.box, images.in_pixels(refined.boxes)[0])
    for reading in ("plain-cam", "lda"):  # other readings are not refined
        one, other = (bright.detect(images, reading, refine) for refine in (True, False))
        np.testing.assert_array_equal(one.boxes, other.boxes)


def test_a_stopped_training_goes_on_with_resume(fitted, photos, tmp_path):
    def new():
        return Localizer("laptop", variant="dcgan", device="cpu", **TINY)

    def stop(iteration, line):
        signal.raise_signal(signal.SIGINT)

    with pytest.raises(Stopped):
        new().fit(photos, out=tmp_path / "run", progress=stop)
    resumed = new().fit(photos, out=tmp_path / "run", resume=True)
    assert plain(resumed.localize(photos)) == plain(fitted.localize(photos))
    with pytest.raises(UserError, match="other images"):
        new().fit(draw_images(4, 32, seed=0), out=tmp_path / "run", resume=True)


def test_images_in_memory_give_the_boxes_of_their_files(fitted, photos):
    arrays = [np.asarray(Image.open(photos / name)) for name in SIZES]
    found = fitted.localize(arrays)
    assert [one.path for one in found] == ["0", "1", "2", "3"]
    assert [one.box for one in found] == [one.box for one in fitted.localize(photos)]
    (alone,) = fitted.localize(photos / "b.png")  # a single file
    (same,) = fitted.localize(arrays[1])
    assert (alone.path, alone.box) == ((photos / "b.png").as_posix(), same.box)
    again = Localizer("laptop", variant="dcgan", device="cpu", **TINY).fit(own for own in arrays)
    assert [one.box for one in again.localize(arrays)] == [one.box for one in found]


def test_identical_images_are_called_identical():
    same = np.random.default_rng(0).integers(0, 256, (40, 40, 3), np.uint8)
    with pytest.warns(Notice, match="All 30 images are identical"):
        Localizer(device="cpu", **{**TINY, "iterations": 1}).fit([same] * 30)
