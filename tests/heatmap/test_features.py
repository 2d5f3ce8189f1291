"""Feature maps by a callable and by models of transformers, and what is refused."""

import sys

import numpy as np
import pytest
import torch
from PIL import Image
from torch.nn.functional import avg_pool2d

from ganloc.errors import Notice, UserError
from ganloc.heatmap.ddt import MOST_IMAGES, feature_heatmaps
from ganloc.heatmap.features import Features, features_of, with_features
from ganloc.images.folder import load_folder
from ganloc.images.image_set import ImageSet
from ganloc.recipes import make_recipe

CPU = torch.device("cpu")
GREY = np.full((2, 224, 224, 3), 128, np.uint8)


def means(images):
    """The mean colours of 32 × 32 pixels."""
    return avg_pool2d(images, 32)


def test_a_callable_is_given_rgb_from_0_to_1_at_its_own_size():
    seen = []

    def network(images):
        seen.append(images)
        return means(images)

    network.size = 96
    features = features_of(network, CPU)
    assert (features.name, features.size) == ("network (a callable)", 96)
    pixels = np.zeros((1, 96, 96, 3), np.uint8)
    pixels[..., 0], pixels[..., 2] = 255, 51
    maps = features.maps(pixels, CPU)
    assert maps.shape == (1, 3, 3, 3)
    torch.testing.assert_close(maps[0, :, 1, 1], torch.tensor([1.0, 0.0, 0.2]))
    assert [tuple(images.shape) for images in seen] == [(2, 3, 96, 96), (1, 3, 96, 96)]


def test_an_object_with_no_name_and_no_size_is_shown_224_pixels_and_may_give_arrays():
    class Network:
        def __call__(self, images):
            return means(images).double().numpy()

    features = features_of(Network(), CPU)
    assert (features.name, features.size) == ("Network (a callable)", 224)
    assert features.maps(GREY, CPU).dtype == torch.float32


@pytest.mark.parametrize(
    ("network", "message"),
    [
        (lambda images: [images], "are a list: they must be a tensor"),
        (lambda images: images.flatten(1), r"have the shape \(2, 150528\) for 2 images"),
        (lambda images: means(images)[:1], r"\(1, 3, 7, 7\) for 2 images"),
        (lambda images: avg_pool2d(images, 112), "at least 3 × 3 cells"),
        (lambda images: means(images) / 0.0, "are not finite"),
    ],
)
def test_what_is_no_feature_map_is_refused_before_the_training(network, message):
    with pytest.raises(UserError, match=message):
        features_of(network, CPU)


def test_maps_that_change_their_shape_are_refused():
    def network(images):
        return means(images) if len(images) == 2 else avg_pool2d(images, 16)

    features = features_of(network, CPU)
    images = ImageSet(GREY[[0] * 18], tuple("abcdefghijklmnopqr"), np.full((18, 2), 224))
    assert features.maps(GREY, CPU).shape[2:] == (7, 7)
    with pytest.raises(UserError, match="gave maps of"):
        feature_heatmaps(features, images, np.arange(18), CPU)


@pytest.mark.parametrize("size", [(224, 224), 0, True, "large"])
def test_a_size_that_is_no_side_is_refused(size):
    def network(images):
        return means(images)

    network.size = size
    with pytest.raises(UserError, match="The attribute size of network is"):
        features_of(network, CPU)


@pytest.mark.parametrize("given", [3, [means], b"dinov2"])
def test_other_types_are_refused(given):
    with pytest.raises(TypeError, match="features must be the name or folder of a model"):
        features_of(given, CPU)


def test_a_recipe_names_the_features_and_a_model_of_a_callable_asks_for_it():
    recipe = make_recipe("default")
    assert with_features(recipe, None, CPU) == (recipe, None)
    named, features = with_features(recipe, means, CPU)
    assert features is not None
    assert named.features == features.name == "means (a callable)"
    assert named.summary == (
        "the border pretext task, pre-trained features of means (a callable), then a student"
    )
    with pytest.raises(UserError, match=r"give it by fit\(features=...\)"):
        with_features(named, None, CPU)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"student_iterations": 0}, "features has no effect without a student"),
        ({"pseudo_boxes": "colour"}, "only colours count"),
    ],
)
def test_settings_that_leave_features_without_effect_are_refused(settings, message):
    with pytest.raises(UserError, match=message):
        make_recipe("default", features="dinov2", **settings)


# Heatmaps of a set.


def squares(folder, count=8, side=96):
    """Red squares of a third of the side on grey, each elsewhere; gives their places in cells."""
    random, places = np.random.default_rng(0), []
    for index in range(count):
        pixels = np.full((side, side, 3), 100, np.uint8) + random.integers(
            0, 9, (side, side, 3), np.uint8
        )
        x, y = random.integers(1, 4, 2)
        places.append((x, y))
        cell = side // 6
        pixels[y * cell : (y + 2) * cell, x * cell : (x + 2) * cell, 0] = 250
        Image.fromarray(pixels).save(folder / f"{index}.png")
    return places


def test_heatmaps_are_high_on_what_the_images_share_and_are_read_from_the_files(tmp_path):
    places = squares(tmp_path)
    images = load_folder(tmp_path, 32)
    features = Features("means", 96, lambda shown: avg_pool2d(shown, 16))
    found = feature_heatmaps(features, images, np.array([5, 0, 3]), CPU)
    assert found.shape == (3, 6, 6)
    for heatmap, index in zip(found, (5, 0, 3), strict=True):
        x, y = places[index]
        inside = np.zeros((6, 6), bool)
        inside[y : y + 2, x : x + 2] = True
        # Read from the file, no cell mixes both. In 32 pixels, which 6 does not divide, some would.
        assert heatmap[inside].min() > heatmap[~inside].max()
        assert np.ptp(heatmap[~inside]) < 0.1 * np.ptp(heatmap)


def test_a_file_that_is_gone_is_read_from_the_resized_image_and_told_once(tmp_path):
    squares(tmp_path)
    images = load_folder(tmp_path, 32)
    whole = feature_heatmaps(Features("means", 96, means), images, np.arange(8), CPU)
    (tmp_path / "2.png").unlink()
    with pytest.warns(Notice, match=r"2\.png can no longer be read .*: its features") as told:
        found = feature_heatmaps(Features("means", 96, means), images, np.arange(8), CPU)
    assert len(told) == 1
    np.testing.assert_allclose(found, whole, atol=0.1)


def test_the_direction_is_found_on_some_images_of_a_large_set():
    seen = []

    def network(shown):
        seen.append(len(shown))
        return shown

    count = MOST_IMAGES + 2
    pixels = np.random.default_rng(0).integers(0, 256, (count, 4, 4, 3), np.uint8)
    images = ImageSet(pixels, tuple(map(str, range(count))), np.full((count, 2), 4))
    found = feature_heatmaps(Features("pixels", 4, network), images, np.arange(count), CPU)
    assert found.shape == (count, 4, 4)
    assert sum(seen) == count // 2 + count


# Models of transformers, random and tiny.


@pytest.fixture(scope="module")
def transformers():
    return pytest.importorskip("transformers")


def vit(transformers):
    return transformers.ViTModel(
        transformers.ViTConfig(
            hidden_size=8,
            num_hidden_layers=1,
            num_attention_heads=1,
            intermediate_size=8,
            image_size=64,
            patch_size=16,
        )
    )


def dinov2(transformers):
    return transformers.Dinov2Model(
        transformers.Dinov2Config(
            hidden_size=8, num_hidden_layers=1, num_attention_heads=1, image_size=56
        )
    )


def convnext(transformers):
    return transformers.ConvNextModel(
        transformers.ConvNextConfig(hidden_sizes=[8, 8, 8, 8], depths=[1, 1, 1, 1])
    )


@pytest.mark.parametrize(
    ("make", "size", "side"), [(vit, 64, 4), (dinov2, 56, 4), (convnext, 224, 7)]
)
def test_a_folder_of_transformers_gives_the_last_maps(transformers, tmp_path, make, size, side):
    torch.manual_seed(0)
    model = make(transformers).eval()
    model.save_pretrained(tmp_path)
    features = features_of(str(tmp_path), CPU)
    assert (features.name, features.size) == (str(tmp_path), size)
    pixels = np.random.default_rng(0).integers(0, 256, (2, size, size, 3), np.uint8)
    maps = features.maps(pixels, CPU)
    assert maps.shape == (2, 8, side, side)
    images = torch.from_numpy(pixels).permute(0, 3, 1, 2) / 255.0
    mean, deviation = torch.tensor([[0.485, 0.456, 0.406], [0.229, 0.224, 0.225]])[..., None, None]
    with torch.no_grad():
        last = model(pixel_values=(images - mean) / deviation).last_hidden_state
    if last.ndim == 3:  # the class token comes first; patches row by row
        last = last[:, 1:].reshape(2, side, side, 8).permute(0, 3, 1, 2)
    torch.testing.assert_close(maps, last)


def test_the_image_processor_gives_size_mean_and_deviation(transformers, tmp_path):
    torch.manual_seed(0)
    vit(transformers).save_pretrained(tmp_path)
    (tmp_path / "preprocessor_config.json").write_text(
        '{"image_processor_type": "ViTImageProcessor", "size": {"height": 64, "width": 64},'
        ' "image_mean": [0.5, 0.5, 0.5], "image_std": [0.5, 0.5, 0.5]}'
    )
    features = features_of(str(tmp_path), CPU)
    assert features.size == 64
    white = features.network(torch.ones(1, 3, 64, 64))
    model = transformers.ViTModel.from_pretrained(tmp_path).eval()
    with torch.no_grad():
        last = model(pixel_values=torch.ones(1, 3, 64, 64)).last_hidden_state
    torch.testing.assert_close(white.flatten(2).transpose(1, 2), last[:, 1:])  # (1 − ½) / ½ = 1


def test_a_folder_that_is_no_model_is_one_sentence(transformers, tmp_path):
    with pytest.raises(UserError, match=r"Cannot use .* by transformers .*: give the folder of an"):
        features_of(str(tmp_path), CPU)
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(UserError, match="Cannot use"):
        features_of(str(tmp_path), CPU)


def test_without_transformers_the_package_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(UserError, match=r"pip install 'ganloc\[features\]'"):
        features_of("facebook/dinov2-small", CPU)
