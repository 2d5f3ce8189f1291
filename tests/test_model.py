"""What a run leaves behind: saved without loss, refused when broken, turned into boxes."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from ganloc.box.from_heatmap import boxes_from_heatmaps
from ganloc.discriminator.train_state import new_discriminator
from ganloc.errors import UserError
from ganloc.heatmap.feature_statistics import FeatureStatistics, feature_statistics
from ganloc.heatmap.readings import DISCRIMINATOR_READING, READINGS, read_heatmaps
from ganloc.images.batches import to_tensor
from ganloc.images.image_set import ImageSet
from ganloc.images.scale import Range, Scale
from ganloc.model import HINTED, MODEL_READINGS, STUDENT, Model
from ganloc.outliers.outlier_model import OutlierModel
from ganloc.recipes import Recipe
from ganloc.student.hinted import Hinted
from ganloc.student.learn_hints import LABEL_FREE
from ganloc.student.score import PlattScaling
from ganloc.student.train_student import new_student, soft_masks

SIZES = np.array([[32, 32], [320, 16], [7, 500], [640, 480], [1, 1]])  # width, height


def some_images(size=32):
    pixels = np.random.default_rng(0).integers(0, 256, (len(SIZES), size, size, 3), dtype=np.uint8)
    return ImageSet(pixels, tuple(f"{i}.png" for i in range(len(SIZES))), SIZES)


def new_model(variant="dcgan", size=32):
    recipe = Recipe(variant=variant, size=size, discriminator_width=2, seed=3, mirror=True)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        discriminator = new_discriminator(recipe)
    return Model.freeze(discriminator, some_images(size), recipe, iteration=17)


def with_student(model, width=2):
    student = new_student(model.recipe.size, width, 0, torch.device("cpu"))
    recipe = replace(model.recipe, student_iterations=1, student_width=width)
    student = student.eval().requires_grad_(False)
    return replace(model, recipe=recipe, student=student)


def assert_same_statistics(one: FeatureStatistics, other: FeatureStatistics):
    assert (one.sign, one.aspect) == (other.sign, other.aspect)
    ours, theirs = one.tensors(), other.tensors()
    assert ours.keys() == theirs.keys()
    assert {name for name in ours if not torch.equal(ours[name], theirs[name])} == set()


@pytest.fixture
def saved(tmp_path):
    path = tmp_path / "model.safetensors"
    new_model().save(path)
    return path


def test_a_frozen_model_tells_how_far_it_went_and_knows_the_statistics_of_its_features():
    model = new_model()
    assert model.info == {"iteration": 17, "images": 5, "checksum": some_images().checksum}
    assert_same_statistics(
        model.statistics, feature_statistics(model.discriminator, some_images().pixels)
    )
    assert not model.discriminator.training


@pytest.mark.parametrize(("variant", "size"), [("dcgan", 32), ("sn-dcgan", 64), ("dcgan", 128)])
def test_what_is_loaded_is_what_was_saved(variant, size, tmp_path):
    model, images = new_model(variant, size), some_images(size)
    path = tmp_path / "run" / "model.safetensors"
    model.save(path)
    loaded = Model.load(path)
    assert (loaded.recipe, loaded.info) == (model.recipe, model.info)
    assert_same_statistics(loaded.statistics, model.statistics)
    assert not any(module.training for module in loaded.discriminator.modules())
    assert not any(p.requires_grad for p in loaded.discriminator.parameters())
    for reading in READINGS:
        before, after = (m.heatmaps(images, reading) for m in (model, loaded))
        assert before.tobytes() == after.tobytes(), reading
    assert list(path.parent.iterdir()) == [path]


def test_statistics_are_kept_and_not_taken_again(tmp_path):
    """A model that was trained on other images reads these by the statistics of those."""
    model, images = new_model(), some_images()
    other = feature_statistics(model.discriminator, images.pixels[:2, ::-1].copy())
    turned = replace(model, statistics=replace(other, sign=-model.statistics.sign, aspect=1.75))
    turned.save(tmp_path / "m")
    loaded = Model.load(tmp_path / "m")
    assert_same_statistics(loaded.statistics, turned.statistics)
    differ = set()
    for reading, row in READINGS.items():
        expected = read_heatmaps(model.discriminator, images.pixels, row, turned.statistics)
        np.testing.assert_array_equal(loaded.heatmaps(images, reading), expected)
        if not np.array_equal(expected, model.heatmaps(images, reading)):
            differ.add(reading)
    assert differ == READINGS.keys() - {"plain-cam", "border-distance-last", "border-distance"}


def test_heads_of_the_border_pretext_are_not_part_of_a_model(tmp_path):
    recipe = Recipe(variant="sn-dcgan", size=32, discriminator_width=2, border_weight=1.0)
    discriminator = new_discriminator(recipe)
    assert len(discriminator.border_heads) == 3
    model = Model.freeze(discriminator, some_images(), recipe, iteration=1)
    model.save(tmp_path / "m")
    assert not [name for name in load_file(tmp_path / "m") if "border_heads" in name]
    loaded = Model.load(tmp_path / "m")
    assert loaded.recipe == recipe
    before, after = (m.heatmaps(some_images(), DISCRIMINATOR_READING) for m in (model, loaded))
    np.testing.assert_array_equal(before, after)


def test_a_moved_model_moves_its_statistics_too():
    model = new_model()
    moved = model.to(torch.device("meta"))
    tensors = [*moved.discriminator.parameters(), *moved.statistics.tensors().values()]
    assert {values.device.type for values in tensors} == {"meta"}
    assert {values.device.type for values in model.statistics.tensors().values()} == {"cpu"}


def test_a_student_is_kept_with_the_model_and_is_the_default_reading(tmp_path):
    model, images = with_student(new_model()), some_images()
    model.save(tmp_path / "m")
    loaded = Model.load(tmp_path / "m")
    assert (new_model().reading, model.reading, loaded.reading) == (
        DISCRIMINATOR_READING,
        STUDENT,
        STUDENT,
    )
    assert not loaded.student.training
    expected = soft_masks(model.student, images.pixels)
    for each in (model, loaded, model.to(torch.device("cpu"))):
        np.testing.assert_array_equal(each.heatmaps(images, STUDENT), expected)
    moved = model.to(torch.device("meta"))
    assert {values.device.type for values in moved.student.parameters()} == {"meta"}


def test_a_model_lacks_the_student_that_its_recipe_asks_for():
    model = with_student(new_model())
    assert not model.lacks_student
    assert replace(model, student=None).lacks_student
    assert not new_model().lacks_student  # its recipe asks for none


def test_a_reading_that_there_is_not_is_one_sentence():
    with pytest.raises(UserError, match=r"no reading 'typo': choose .*student"):
        new_model().heatmaps(some_images(), "typo")
    with pytest.raises(UserError, match="has no student: choose another reading"):
        new_model().detect(some_images(), STUDENT)
    with pytest.raises(UserError, match="has no hints: choose another reading than hinted"):
        new_model().detect(some_images(), HINTED)


def test_outliers_are_kept_with_the_model(tmp_path):
    images = some_images()
    outliers = OutlierModel.fit(images.pixels[:3], seed=1)
    model = replace(new_model(), outliers=outliers)
    model.save(tmp_path / "m")
    expected = outliers.scores(images.pixels)
    for each in (model, Model.load(tmp_path / "m"), model.to(torch.device("cpu"))):
        np.testing.assert_allclose(each.outliers.scores(images.pixels), expected, 1e-4)
    assert model.to(torch.device("meta")).outliers.axes.device.type == "meta"


def test_a_model_without_student_and_outliers_is_whole(saved):
    loaded = Model.load(saved)
    assert (loaded.student, loaded.outliers) == (None, None)


def test_the_file_says_how_images_go_in(saved):
    with safe_open(saved, "pt") as file:
        metadata = file.metadata()
    said = json.loads(metadata["preprocessing"])
    assert (metadata["format"], said["colour"]) == ("ganloc-4", "RGB")
    pixels = np.arange(0, 255, 5, dtype=np.uint8).reshape(1, 17, 1, 3).repeat(17, axis=2)
    given = to_tensor(pixels, torch.device("cpu")).numpy().transpose(0, 2, 3, 1)
    np.testing.assert_allclose(pixels * said["scale"] + said["offset"], given, atol=1e-6)


def test_the_scale_of_deep_images_is_kept_with_the_model(tmp_path):
    scale = Scale(Range(0.0, 4095.0), Range(-1.0, 2.0, (-9999.0,)))
    recipe = Recipe(variant="dcgan", size=32, discriminator_width=2)
    images = replace(some_images(), scale=scale)
    model = Model.freeze(new_discriminator(recipe), images, recipe, iteration=1)
    model.save(tmp_path / "m")
    assert Model.load(tmp_path / "m").scale == model.scale == scale
    assert model.to(torch.device("cpu")).scale == scale


def test_a_model_of_8_bit_images_and_one_of_an_earlier_version_have_no_scale(saved):
    assert Model.load(saved).scale is None
    with safe_open(saved, "pt") as file:
        assert "deep" not in json.loads(file.metadata()["preprocessing"])
    rewritten(saved, preprocessing=None, checksum=None)
    assert Model.load(saved).scale is None


def rewritten(path, weights=None, **changes):
    """The file with other weights, or some metadata replaced (None: left out)."""
    with safe_open(path, "pt") as file:
        metadata = {**file.metadata(), **changes}
    kept = {key: value for key, value in metadata.items() if value is not None}
    save_file(load_file(path) if weights is None else weights, path, metadata=kept)


BREAKS = {
    "missing": lambda path: path.unlink(),
    "empty": lambda path: path.write_bytes(b""),
    "no safetensors": lambda path: path.write_text("weights, honestly" * 100),
    "end cut off": lambda path: path.write_bytes(path.read_bytes()[:-1]),
    "only its head": lambda path: path.write_bytes(path.read_bytes()[:100]),
    "another program's": lambda path: save_file({"w": torch.zeros(2)}, path),
    "another program's metadata": lambda path: save_file({"w": torch.zeros(2)}, path, {"a": "b"}),
    "no recipe": lambda path: rewritten(path, recipe=None),
    "of an earlier version": lambda path: rewritten(path, format="ganloc-2"),
    "no sign": lambda path: rewritten(path, statistics='{"aspect": 1.0}'),
    "no aspect": lambda path: rewritten(path, statistics='{"sign": 1}'),
    "no directions": lambda path: rewritten(path, new_model().discriminator.state_dict()),
    "a broken scale": lambda path: rewritten(path, preprocessing='{"deep": {"integers": {}}}'),
    "recipe not JSON": lambda path: rewritten(path, recipe="{"),
    "weights of another network": lambda path: rewritten(path, {"w": torch.zeros(2)}),
    "another width": lambda path: rewritten(
        path, recipe=Recipe(variant="dcgan", size=32, discriminator_width=3).to_json()
    ),
    "a folder": lambda path: (path.unlink(), path.mkdir()),
}


@pytest.mark.parametrize("how", BREAKS)
def test_a_file_that_is_no_model_is_refused_by_name(saved, how):
    BREAKS[how](saved)
    with pytest.raises(UserError) as caught:
        Model.load(saved)
    assert str(saved) in str(caught.value)


@pytest.mark.parametrize("reading", MODEL_READINGS)
def test_boxes_are_fractions_whatever_the_originals_sizes(reading):
    model, images = with_student(new_model()), some_images()
    hinted = Hinted(model.student, ("a.jpg",), (1,), (LABEL_FREE,), (0.5,), (0.5,), PlattScaling())
    model = replace(model, hinted=hinted)
    found = model.detect(images, reading)
    assert found.boxes.shape == (5, 4)
    assert (found.boxes[:, :2] >= 0.0).all()
    assert (found.boxes[:, 2:] <= 1.0).all()
    assert (found.boxes[:, :2] < found.boxes[:, 2:]).all()
    np.testing.assert_array_equal(found.boxes * 32, (found.boxes * 32).round())
    assert found.heatmaps.shape == (5, 32, 32)
    assert found.heatmaps.min() == 0.0
    assert found.heatmaps.max() == 1.0
    assert ((found.scores >= 0.0) & (found.scores <= 1.0)).all()
    assert found.outlier_scores is None
    others = model.detect(replace(images, sizes=np.full((5, 2), 32)), reading)
    np.testing.assert_array_equal(others.boxes, found.boxes)
    np.testing.assert_array_equal(others.scores, found.scores)


@pytest.mark.parametrize(
    ("reading", "threshold", "otsu"),
    [("plain-cam", 0.2, False), ("lda", 0.7, True), ("student", 0.6, False)],
)
def test_boxes_are_cut_by_the_reading_s_own_rule(reading, threshold, otsu):
    model, images = with_student(new_model()), some_images()
    expected = boxes_from_heatmaps(model.heatmaps(images, reading), 32, threshold, otsu)
    np.testing.assert_array_equal(model.detect(images, reading).boxes, expected)
