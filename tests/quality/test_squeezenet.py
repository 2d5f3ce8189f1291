"""SqueezeNet against sums that are written out, in double precision."""

import numpy as np
import pytest
import torch
from rivals.squeezenet import SIZE, as_input, feature_maps, features, load_weights
from safetensors.torch import save_file
from scipy.signal import correlate2d
from thin_squeezenet import thin_weights, write_thin

from ganloc.errors import UserError

CPU = torch.device("cpu")


def convolved(maps, weights, name, pad=0, stride=1):
    kernels, biases = (weights[f"{name}.{part}"].double().numpy() for part in ("weight", "bias"))
    padded = np.pad(maps, ((0, 0), (pad, pad), (pad, pad)))
    rows = [
        sum(correlate2d(m, k, "valid") for m, k in zip(padded, kernel, strict=True)) + bias
        for kernel, bias in zip(kernels, biases, strict=True)
    ]
    return np.maximum(np.stack(rows)[:, ::stride, ::stride], 0)


def pooled(maps):
    rows, columns = (range(0, side - 2, 2) for side in maps.shape[1:])
    return np.array(
        [[[m[y : y + 3, x : x + 3].max() for x in columns] for y in rows] for m in maps]
    )


def fire(maps, weights, name):
    squeezed = convolved(maps, weights, f"{name}/squeeze1x1")
    one = convolved(squeezed, weights, f"{name}/expand1x1")
    return np.concatenate([one, convolved(squeezed, weights, f"{name}/expand3x3", pad=1)])


def test_as_features_of_a_user_they_are_the_same(tmp_path):
    file = write_thin(tmp_path / "thin.safetensors")
    pixels = np.random.default_rng(0).integers(0, 256, (2, SIZE, SIZE, 3), np.uint8)
    own = features(file, CPU, "fire8")
    assert (own.name, own.size) == ("SqueezeNet fire8", SIZE)
    expected = feature_maps(load_weights(file, CPU), as_input(pixels, CPU), "fire8")
    torch.testing.assert_close(own.maps(pixels, CPU), expected, atol=1e-3, rtol=1e-4)


def test_features_are_those_of_table_1():
    weights = thin_weights()
    image = np.random.default_rng(0).normal(0, 50, (3, 59, 59))
    tensor = torch.from_numpy(image[None]).float()
    expected = pooled(convolved(image, weights, "conv1", stride=2))
    for name in ("fire2", "fire3", "fire4"):
        expected = fire(expected, weights, name)
        found = feature_maps(weights, tensor, name)[0].numpy()
        assert expected.max() > 0
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)
    expected = fire(pooled(expected), weights, "fire5")
    found = feature_maps(weights, tensor, "fire5")[0].numpy()
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(("layer", "cells"), [("fire4", 55), ("fire8", 27), ("fire9", 13)])
def test_maps_have_the_papers_sizes(layer, cells):
    found = feature_maps(thin_weights(), torch.zeros(1, 3, SIZE, SIZE), layer)
    assert found.shape == (1, 2, cells, cells)


def test_pixels_become_blue_green_red_less_the_mean():
    pixels = np.array([[[[10, 20, 30], [0, 255, 128]]]], dtype=np.uint8)
    expected = [[[[-74.0, 24.0]], [[-97.0, 138.0]], [[-113.0, -123.0]]]]
    np.testing.assert_array_equal(as_input(pixels, CPU).numpy(), expected)


def test_weights_come_in_single_precision(tmp_path):
    weights = load_weights(write_thin(tmp_path / "weights.safetensors"), CPU)
    assert {tensor.dtype for tensor in weights.values()} == {torch.float32}
    torch.testing.assert_close(weights, thin_weights(), rtol=1e-3, atol=1e-4)


def test_other_files_are_refused(tmp_path):
    with pytest.raises(UserError, match=r"absent.safetensors as a safetensors file"):
        load_weights(tmp_path / "absent.safetensors", CPU)
    (tmp_path / "text").write_text("no weights", encoding="utf-8")
    with pytest.raises(UserError, match="check --squeezenet"):
        load_weights(tmp_path / "text", CPU)
    fewer = thin_weights()
    del fewer["fire7/expand1x1.bias"]
    save_file(fewer, tmp_path / "fewer.safetensors")
    with pytest.raises(UserError, match=r"no fire7/expand1x1.bias"):
        load_weights(tmp_path / "fewer.safetensors", CPU)
