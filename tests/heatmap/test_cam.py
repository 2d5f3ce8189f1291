"""CAM is the logit spread over the image: a weighted sum of maps, nothing else."""

import numpy as np
import pytest
import torch

from ganloc.discriminator.networks import Discriminator
from ganloc.heatmap.cam import class_activation_map


def test_cam_is_the_weighted_sum_of_the_maps():
    rng = np.random.default_rng(0)
    maps, weights = rng.normal(size=(2, 5, 3, 4)), rng.normal(size=5)
    expected = np.zeros((2, 3, 4))
    for image in range(2):
        for y in range(3):
            for x in range(4):
                for k in range(5):
                    expected[image, y, x] += weights[k] * maps[image, k, y, x]
    cam = class_activation_map(torch.from_numpy(maps), torch.from_numpy(weights))
    np.testing.assert_allclose(cam.numpy(), expected, rtol=1e-12)


def test_negative_values_are_kept():
    maps = torch.tensor([[[[1.0, 0.0]], [[0.0, 3.0]]]])  # one image, two maps of 1×2
    cam = class_activation_map(maps, torch.tensor([2.0, -1.0]))
    assert cam.tolist() == [[[2.0, -3.0]]]


@pytest.mark.parametrize(("norm", "spectral"), [("batch", False), ("none", True)])
@pytest.mark.parametrize("size", [32, 64])
def test_its_mean_and_the_bias_are_the_logit(norm, spectral, size):
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(1)
        discriminator = Discriminator(size, 4, norm, spectral).eval()
        discriminator.linear.bias.fill_(-0.75)
        images = torch.rand(3, 3, size, size) * 2.0 - 1.0
        cam = class_activation_map(
            discriminator.feature_maps(images)[-1], discriminator.linear.weight[0]
        )
        logits = discriminator(images).numpy()
    assert cam.shape == (3, 4, 4)
    assert cam.std() > 0.0
    np.testing.assert_allclose(cam.numpy().mean(axis=(1, 2)) - 0.75, logits, rtol=1e-5)


def test_it_is_high_where_the_image_looks_real():
    """The place that raises the logit of "real" most is the place where CAM is highest."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(2)
        discriminator = Discriminator(32, 4, "none", spectral=False)
        maps = torch.randn(1, 32, 4, 4)
    maps.requires_grad_(True)
    weights = discriminator.linear.weight[0]
    logit = discriminator.linear(maps.mean(dim=(2, 3))).squeeze()
    (slope,) = torch.autograd.grad(logit, maps)
    contribution = (slope * maps).sum(dim=1)[0]  # of each place to the logit
    cam = class_activation_map(maps, weights)[0]
    assert cam.argmax() == contribution.argmax()
    assert cam.argmin() == contribution.argmin()
