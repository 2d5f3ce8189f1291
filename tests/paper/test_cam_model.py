"""The reference as it is read: its heatmap summed by hand, its boxes those of a discriminator."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from ganloc.box.detections import box_scores
from ganloc.box.from_heatmap import boxes_from_heatmaps, normalise, resize
from ganloc.errors import UserError
from ganloc.images.batches import to_tensor
from ganloc.paper.cam_model import ReferenceModel, untrained_reference
from ganloc.paper.cam_training import train_reference
from paper.toys import TINY, toys

CPU = torch.device("cpu")
pytestmark = pytest.mark.usefixtures("one_thread")
SIZE = 32  # maps of 4×4 cells


@pytest.fixture(scope="module")
def model():
    """Untrained, its bias such that it predicts each class for half of ten images."""
    images = toys(10, size=SIZE)
    model = untrained_reference(replace(TINY, size=SIZE), images, CPU)
    logits = model.network(to_tensor(images.pixels, CPU)).numpy()
    model.network.linear.bias[1] = float(np.median(logits[:, 0] - logits[:, 1]))
    return model


def sums(model, images, labels):
    """M(x, y) = Σ_k w_k f_k(x, y), one image and channel after another, in float64."""
    weight = model.network.linear.weight.numpy().astype(float)
    found = []
    for pixels, label in zip(images.pixels, labels, strict=True):
        x = torch.from_numpy(pixels.transpose(2, 0, 1)[None] / 127.5 - 1.0).float()
        maps = model.network.feature_maps(x)[0].numpy().astype(float)
        found.append(sum(weight[label, k] * maps[k] for k in range(len(maps))))
    return np.stack(found)


def test_the_heatmap_is_that_of_the_own_class(model):
    images = toys(131, size=SIZE)  # more than are read at a time
    expected = sums(model, images, images.labels)
    heatmaps = model.heatmaps(images)
    assert heatmaps.shape == (131, 4, 4)
    np.testing.assert_allclose(heatmaps, expected, rtol=1e-3, atol=1e-5)
    other = sums(model, images, 1 - images.labels)
    assert not np.allclose(heatmaps, other, rtol=1e-3, atol=1e-5)


def test_or_that_of_the_predicted_class(model):
    images = toys(10, size=SIZE)
    bias = model.network.linear.bias.numpy()
    both = [sums(model, images, np.full(10, label)) for label in (0, 1)]
    logits = np.stack([b.mean(axis=(1, 2)) + bias[i] for i, b in enumerate(both)], axis=1)
    predicted = logits.argmax(axis=1)
    assert predicted.sum() == 5
    assert model.predict(images).tolist() == predicted.tolist()
    expected = sums(model, images, predicted)
    unlabelled = replace(images, labels=None, classes=())
    heatmaps = model.heatmaps(unlabelled, predicted=True)
    np.testing.assert_allclose(heatmaps, expected, rtol=1e-3, atol=1e-5)
    assert model.accuracy(images) == pytest.approx(100 * np.mean(predicted == images.labels))


def test_a_box_is_cut_at_a_fifth_of_the_maximum(model):
    images = toys(6, size=SIZE)
    found, heatmaps = model.detect(images), model.heatmaps(images)
    expected = boxes_from_heatmaps(heatmaps, SIZE, 0.2)
    np.testing.assert_array_equal(found.boxes, expected)
    np.testing.assert_allclose(found.heatmaps, normalise(resize(heatmaps, SIZE)), atol=1e-6)
    np.testing.assert_allclose(found.scores, box_scores(found.heatmaps, expected))


def test_a_set_loaded_alone_keeps_the_classes_that_were_trained(model):
    """Labels count within a set; the model goes by the classes' names."""
    images = toys(10, size=SIZE)
    blue = images.subset(np.flatnonzero(images.labels))
    alone = replace(blue, labels=np.zeros(5, dtype=np.int64), classes=("blue",))
    assert model.labels(alone).tolist() == [1] * 5
    np.testing.assert_array_equal(model.heatmaps(alone), model.heatmaps(blue))
    assert model.accuracy(alone) == model.accuracy(blue)


def test_classes_that_are_not_known(model):
    images = toys(4, size=SIZE)
    with pytest.raises(UserError, match="was not trained on the class green"):
        model.detect(replace(images, classes=("red", "green")))
    wider = replace(images, classes=("red", "blue", "green"))  # of which there is no image
    assert model.labels(wider).tolist() == [0, 1, 0, 1]
    with pytest.raises(UserError, match="needs the class of each image"):
        model.detect(replace(images, labels=None))


def test_what_is_loaded_is_what_was_saved(model, tmp_path):
    images = toys(6, size=SIZE)
    model.save(tmp_path / "model")
    loaded = ReferenceModel.load(tmp_path / "model")
    assert (loaded.recipe, loaded.classes, loaded.info) == (
        model.recipe,
        ("red", "blue"),
        model.info,
    )
    np.testing.assert_array_equal(loaded.heatmaps(images), model.heatmaps(images))
    assert not loaded.network.training


@pytest.mark.parametrize("damage", ["missing", "cut", "format"])
def test_a_model_that_cannot_be_loaded(damage, model, tmp_path):
    path = tmp_path / "model"
    if damage != "missing":
        model.save(path)
    if damage == "cut":
        path.write_bytes(path.read_bytes()[:-100])
    if damage == "format":
        save_file(load_file(path), path, metadata={"format": "ganloc-1"})
    with pytest.raises(UserError, match="is not a whole reference model"):
        ReferenceModel.load(path)


def test_an_untrained_reference_has_the_weights_that_training_starts_from(tmp_path):
    images, still = toys(10), replace(TINY, iterations=1, rate=1e-30)
    untrained = untrained_reference(still, images, CPU)
    trained = train_reference(tmp_path / "run", images, still, CPU)
    for one, other in zip(
        untrained.network.parameters(), trained.network.parameters(), strict=True
    ):
        torch.testing.assert_close(one, other)
    assert untrained.info["iteration"] == 0


def test_an_untrained_reference_has_the_statistics_of_the_images():
    images = toys(300)
    network = untrained_reference(TINY, images, CPU).network
    convolution, norm, _ = network.stem
    # Three batches, of the images 0, 3, 6, …; of 1, 4, 7, …; and of 2, 5, 8, …
    maps = convolution(to_tensor(images.pixels, CPU))
    means = torch.stack([maps[first::3].mean(dim=(0, 2, 3)) for first in range(3)])
    torch.testing.assert_close(norm.running_mean, means.mean(dim=0))


def test_training_tells_the_toys_apart(tmp_path):
    recipe = replace(TINY, width=4, batch=16, iterations=24)
    images = toys(64)
    model = train_reference(tmp_path / "run", images, recipe, CPU)
    assert model.accuracy(images) > 90.0
    assert model.accuracy(toys(40, seed=1)) > 90.0
