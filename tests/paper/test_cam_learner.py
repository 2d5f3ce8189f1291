import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy

from ganloc.errors import UserError
from ganloc.images.batches import batch_indices, to_tensor
from ganloc.paper.cam_learner import (
    learn,
    load_learner,
    moved_and_mirrored,
    new_learner,
    save_learner,
)
from paper.toys import TINY, toys

CPU = torch.device("cpu")
pytestmark = pytest.mark.usefixtures("one_thread")


def test_images_are_moved_by_reflection_and_half_of_them_mirrored():
    size, count = 32, 400  # 1/16 of 32: up to 2 pixels
    y, x = np.mgrid[:size, :size]
    image = np.stack([y, x, 5 * y + x], axis=2).astype(np.uint8)
    shown = moved_and_mirrored(np.stack([image] * count), seed=0, step=0)
    seen = set()
    for result in shown:
        mirrored = bool(result[8, 8, 1] > result[8, 9, 1])
        upright = result[:, ::-1] if mirrored else result
        dy, dx = (upright[8, 8, :2].astype(int) - 8).tolist()
        rows, columns = [np.arange(size) + d for d in (dy, dx)]
        # A reflected index: −1 → 1, 32 → 30.
        rows, columns = (31 - abs(31 - abs(i)) for i in (rows, columns))
        np.testing.assert_array_equal(upright, image[rows][:, columns])
        seen.add((dy, dx, mirrored))
    shifts = range(-2, 3)
    assert seen == {(dy, dx, m) for dy in shifts for dx in shifts for m in (True, False)}


def test_how_images_are_shown_follows_from_seed_and_step():
    pixels = toys(16).pixels
    first = moved_and_mirrored(pixels, 0, 0)
    assert np.array_equal(first, moved_and_mirrored(pixels, 0, 0))
    assert not np.array_equal(first, moved_and_mirrored(pixels, 0, 1))
    assert not np.array_equal(first, moved_and_mirrored(pixels, 1, 0))


def test_two_steps_are_momentum_sgd_with_weight_decay():
    """w ← w − r·v with v ← 0.9·v + (∇ + 1e-4·w), written out over two steps of two rates."""
    recipe, images = replace(TINY, iterations=2, weight_decay=0.01), toys(10)
    learner = new_learner(recipe, 2, CPU)
    network = new_learner(recipe, 2, CPU).network.train()
    measured = list(learn(learner, images, recipe))
    velocity = [torch.zeros_like(weight) for weight in network.parameters()]
    # Quarters of two iterations are half ones: the second step is in the third quarter.
    for step, rate in enumerate([0.1, 0.001]):
        chosen = batch_indices(10, 8, recipe.seed, step)
        shown = moved_and_mirrored(images.pixels[chosen], recipe.seed, step)
        logits = network(to_tensor(shown, CPU))
        target = torch.from_numpy(images.labels[chosen])
        loss = cross_entropy(logits, target)
        slopes = torch.autograd.grad(loss, list(network.parameters()))
        with torch.no_grad():
            for weight, v, slope in zip(network.parameters(), velocity, slopes, strict=True):
                v.mul_(0.9).add_(slope + 0.01 * weight)
                weight.sub_(rate * v)
        right = int((logits.argmax(dim=1) == target).sum())
        assert measured[step].rate == pytest.approx(rate)
        assert measured[step].loss.item() == pytest.approx(loss.item(), rel=1e-4)
        assert measured[step].accuracy.item() == pytest.approx(100 * right / 8)
    for one, other in zip(learner.network.parameters(), network.parameters(), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-5)


def test_the_first_loss_is_about_chance():
    first = next(learn(new_learner(TINY, 2, CPU), toys(10), TINY))
    assert first.loss.item() == pytest.approx(math.log(2), abs=0.1)


def test_a_learner_saved_and_loaded_learns_on_bit_for_bit(tmp_path):
    images, straight = toys(10), new_learner(TINY, 2, CPU)
    for progress in learn(straight, images, TINY):
        assert progress.rate == TINY.rate_at(straight.iteration - 1)
        if straight.iteration == 5:
            save_learner(straight, tmp_path / "learner")
    resumed = load_learner(tmp_path / "learner", TINY, 2, CPU)
    assert resumed.iteration == 5
    assert len(list(learn(resumed, images, TINY))) == 3
    weights, expected = (x.network.state_dict() for x in (resumed, straight))
    assert {name for name in expected if not torch.equal(weights[name], expected[name])} == set()


def test_the_weights_follow_from_the_seed_alone():
    def weights(seed):
        torch.rand(seed + 1)  # the global stream is elsewhere each time
        before = torch.get_rng_state()
        network = new_learner(replace(TINY, seed=seed), 2, CPU).network
        assert torch.equal(torch.get_rng_state(), before)
        return nn.utils.parameters_to_vector(network.parameters())

    assert torch.equal(weights(3), weights(3))
    assert not torch.equal(weights(3), weights(4))


@pytest.mark.parametrize("damage", ["missing", "cut", "width", "classes"])
def test_a_learner_that_cannot_be_gone_on_from(damage, tmp_path):
    path, learner = tmp_path / "learner", new_learner(TINY, 2, CPU)
    next(learn(learner, toys(10), TINY))
    save_learner(learner, path)
    if damage == "missing":
        path.unlink()
    if damage == "cut":
        path.write_bytes(path.read_bytes()[:-100])
    recipe = replace(TINY, width=4) if damage == "width" else TINY
    with pytest.raises(UserError, match="Cannot go on from"):
        load_learner(path, recipe, 3 if damage == "classes" else 2, CPU)
