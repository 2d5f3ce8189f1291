"""What a run leaves behind: saved without loss, refused when broken, turned into boxes."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from ganloc.discriminator.train_state import new_discriminator
from ganloc.errors import UserError
from ganloc.heatmap.feature_statistics import (
    FeatureStatistics,
    feature_statistics,
    statistics_tensors,
)
from ganloc.heatmap.readings import DEFAULT, READINGS, read_heatmaps
from ganloc.images.batches import to_tensor
from ganloc.images.image_set import ImageSet
from ganloc.model import Model, box_scores
from ganloc.outliers.outlier_model import OutlierModel
from ganloc.recipes import Recipe

SIZES = np.array([[32, 32], [320, 16], [7, 500], [640, 480], [1, 1]])  # width, height


def some_images(size=32):
    pixels = np.random.default_rng(0).integers(0, 256, (len(SIZES), size, size, 3), dtype=np.uint8)
    return ImageSet(pixels, tuple(f"{i}.png" for i in range(len(SIZES))), SIZES)


def new_model(variant="dcgan", size=32):
    recipe = Recipe(variant=variant, size=size, discriminator_width=2, seed=3, mirror=True)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        discriminator = new_discriminator(recipe)
    return Model.from_training(discriminator, recipe, some_images(size), iteration=17)


def of_sizes(*sizes):
    """Images of which only the originals' sizes matter."""
    pixels = np.zeros((len(sizes), 4, 4, 3), np.uint8)
    return ImageSet(pixels, ("p",) * len(sizes), np.array(sizes))


def assert_same_fit(one: FeatureStatistics, other: FeatureStatistics):
    assert (one.sign, one.aspect) == (other.sign, other.aspect)
    ours, theirs = statistics_tensors(one), statistics_tensors(other)
    assert ours.keys() == theirs.keys()
    assert {name for name in ours if not torch.equal(ours[name], theirs[name])} == set()


@pytest.fixture
def saved(tmp_path):
    path = tmp_path / "model.safetensors"
    new_model().save(path)
    return path


def test_from_training_tells_how_far_it_went_and_fits_the_readings():
    model = new_model()
    assert (model.info["iteration"], model.info["images"]) == (17, 5)
    assert_same_fit(model.statistics, feature_statistics(model.discriminator, some_images().pixels))
    assert not model.discriminator.training


@pytest.mark.parametrize(("variant", "size"), [("dcgan", 32), ("sn-dcgan", 64), ("dcgan", 128)])
def test_what_is_loaded_is_what_was_saved(variant, size, tmp_path):
    model, images = new_model(variant, size), some_images(size)
    path = tmp_path / "run" / "model.safetensors"
    model.save(path)
    loaded = Model.load(path)
    assert (loaded.recipe, loaded.info) == (model.recipe, model.info)
    assert_same_fit(loaded.statistics, model.statistics)
    assert not any(module.training for module in loaded.discriminator.modules())
    assert not any(p.requires_grad for p in loaded.discriminator.parameters())
    for reading in READINGS:
        before, after = (m.heatmaps(images, reading) for m in (model, loaded))
        assert before.tobytes() == after.tobytes(), reading
    assert list(path.parent.iterdir()) == [path]


def test_what_was_fitted_is_kept_and_not_fitted_again(tmp_path):
    """A model that was fitted on other images reads these as they were told it."""
    model, images = new_model(), some_images()
    other = feature_statistics(model.discriminator, images.pixels[:2, ::-1].copy())
    turned = replace(model, statistics=replace(other, sign=-model.statistics.sign, aspect=1.75))
    turned.save(tmp_path / "m")
    loaded = Model.load(tmp_path / "m")
    assert_same_fit(loaded.statistics, turned.statistics)
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
    model = Model.from_training(discriminator, recipe, some_images(), iteration=1)
    model.save(tmp_path / "m")
    assert not [name for name in load_file(tmp_path / "m") if "border_heads" in name]
    loaded = Model.load(tmp_path / "m")
    assert loaded.recipe == recipe
    before, after = (m.heatmaps(some_images(), DEFAULT) for m in (model, loaded))
    np.testing.assert_array_equal(before, after)


def test_a_moved_model_moves_what_was_fitted_too():
    model = new_model()
    moved = model.to(torch.device("meta"))
    tensors = [*moved.discriminator.parameters(), *statistics_tensors(moved.statistics).values()]
    assert {values.device.type for values in tensors} == {"meta"}
    assert {values.device.type for values in statistics_tensors(model.statistics).values()} == {
        "cpu"
    }


def test_what_is_typical_is_kept_with_the_model(tmp_path):
    images = some_images()
    outliers = OutlierModel.fit(images.pixels[:3], seed=1)
    model = replace(new_model(), outliers=outliers)
    model.save(tmp_path / "m")
    expected = outliers.scores(images.pixels)
    for each in (model, Model.load(tmp_path / "m"), model.to(torch.device("cpu"))):
        np.testing.assert_allclose(each.outlier_scores(images), expected, 1e-4)
    assert model.to(torch.device("meta")).outliers.axes.device.type == "meta"


def test_a_model_that_does_not_know_what_is_typical_is_whole(saved):
    loaded = Model.load(saved)
    assert loaded.outliers is None
    assert loaded.outlier_scores(some_images()) is None


def test_the_file_says_how_images_go_in(saved):
    with safe_open(saved, "pt") as file:
        metadata = file.metadata()
    describe_outliers = json.loads(metadata["preprocessing"])
    assert (metadata["format"], describe_outliers["colour"]) == ("ganloc-2", "RGB")
    pixels = np.arange(0, 255, 5, dtype=np.uint8).reshape(1, 17, 1, 3).repeat(17, axis=2)
    given = to_tensor(pixels, torch.device("cpu")).numpy().transpose(0, 2, 3, 1)
    np.testing.assert_allclose(
        pixels * describe_outliers["scale"] + describe_outliers["offset"], given, atol=1e-6
    )


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
    "of an earlier version": lambda path: rewritten(path, format="ganloc-1"),
    "no sign": lambda path: rewritten(path, reading='{"aspect": 1.0}'),
    "no aspect": lambda path: rewritten(path, reading='{"sign": 1}'),
    "no directions": lambda path: rewritten(path, new_model().discriminator.state_dict()),
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


@pytest.mark.parametrize("reading", READINGS)
def test_boxes_lie_within_the_originals(reading):
    found = new_model().localize(some_images(), reading)
    assert found.boxes.shape == (5, 4)
    assert (found.boxes[:, :2] >= 0.0).all()
    assert (found.boxes[:, 2:] <= SIZES).all()
    assert (found.boxes[:, :2] < found.boxes[:, 2:]).all()
    assert found.heatmaps.shape == (5, 32, 32)
    assert found.heatmaps.min() == 0.0
    assert found.heatmaps.max() == 1.0
    assert ((found.scores >= 0.0) & (found.scores <= 1.0)).all()


def test_boxes_grow_with_the_originals():
    images = some_images()
    as_read = ImageSet(images.pixels, images.names, np.full((5, 2), 32))
    model = new_model()
    found, square = (model.localize(given, DEFAULT) for given in (images, as_read))
    np.testing.assert_array_equal(square.boxes, square.boxes.round())
    np.testing.assert_allclose(found.boxes, square.boxes / 32 * np.tile(SIZES, 2))
    np.testing.assert_array_equal(found.scores, square.scores)


def test_scores_by_hand():
    maps = np.zeros((6, 4, 4))
    maps[0] = maps[5] = 1.0
    maps[1, 1:3, 1:3] = 1.0
    maps[2, 0] = [0.5, 1.0, 0.25, 0.0]
    maps[3] = 1.0 - maps[1]
    maps[4, :, :2] = 0.5
    boxes = np.array(
        [
            [0.0, 0.0, 40.0, 20.0],  # all of it: nothing outside, 0
            [10.0, 5.0, 30.0, 15.0],  # 1 inside, 0 outside: 1
            [10.0, 0.0, 40.0, 10.0],  # (1 + ¼) / 6 inside, ½ / 10 outside
            [10.0, 5.0, 30.0, 15.0],  # 0 inside, 1 outside: −1, so 0
            [0.0, 0.0, 20.0, 20.0],  # ½ inside, 0 outside
            [10.0, 5.0, 30.0, 15.0],  # 1 inside and outside
        ]
    )
    found = box_scores(maps, boxes, np.array([(40, 20)] * 6))
    np.testing.assert_allclose(found, [0.0, 1.0, 1.25 / 6 - 0.05, 0.0, 0.5, 0.0], atol=1e-12)


def test_a_box_within_a_cell_scores_by_that_cell():
    # Looked at again, a box may be smaller than a cell of the heatmap.
    maps = np.zeros((2, 4, 4))
    maps[:, 1, 2] = 1.0
    boxes = np.array([[22.0, 6.0, 24.0, 7.0], [19.0, 6.0, 24.0, 7.0]])  # cells of 10 × 5 pixels
    found = box_scores(maps, boxes, np.array([(40, 20)] * 2))
    np.testing.assert_allclose(found, [1.0, 0.5])  # the second touches an empty cell too


@settings(deadline=None, max_examples=60)
@given(
    heatmap=npst.arrays(np.float32, (4, 4), elements=st.floats(0.0, 1.0, width=32)),
    size=st.tuples(st.integers(1, 5000), st.integers(1, 5000)),
    ends=st.tuples(*[st.floats(0.0, 1.0)] * 4),
)
def test_scores_are_0_to_1_whatever_the_box(heatmap, size, ends):
    x0, x1 = sorted(ends[:2])
    y0, y1 = sorted(ends[2:])
    box = np.array([[x0, y0, x1, y1]]) * np.tile(size, 2)
    (score,) = box_scores(heatmap[None], box, np.array([size]))
    assert 0.0 <= score <= 1.0
