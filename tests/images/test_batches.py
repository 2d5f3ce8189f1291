"""Which images a step gets, how the networks see them, and large sets some rows at a time."""

import numpy as np
import pytest
import torch

from ganloc.images.batches import READ, batch_indices, batched, to_tensor

CPU = torch.device("cpu")


def walk(count, batch, steps, seed=0):
    return np.concatenate([batch_indices(count, batch, seed, step) for step in range(steps)])


# Batches that divide the set, that cross epochs, the whole set, and more than the set.
SHAPES = [(12, 4), (10, 4), (7, 5), (6, 6), (5, 8), (3, 10), (1, 4), (9, 1)]


@pytest.mark.parametrize(("count", "batch"), SHAPES)
def test_every_epoch_sees_every_image_once(count, batch):
    indices = walk(count, batch, steps=6 * count)  # six epochs an image of the batch
    epochs = indices.reshape(-1, count)
    assert len(epochs) == 6 * batch
    np.testing.assert_array_equal(
        np.sort(epochs, axis=1), np.tile(np.arange(count), (6 * batch, 1))
    )


@pytest.mark.parametrize(("count", "batch"), SHAPES)
def test_a_step_does_not_depend_on_those_asked_for_before(count, batch):
    forwards = walk(count, batch, 5 * count, seed=3).reshape(-1, batch)
    backwards = [batch_indices(count, batch, 3, step) for step in reversed(range(5 * count))]
    np.testing.assert_array_equal(forwards, backwards[::-1])


def test_a_step_far_ahead_lies_in_its_epoch():
    # Epoch 21,333 of 1,500 images begins at 31,999,500 = 249,996 · 128 + 12.
    stream = np.concatenate([batch_indices(1500, 128, 0, 249_996 + step) for step in range(12)])
    epoch = stream[12 : 12 + 1500]
    np.testing.assert_array_equal(np.sort(epoch), np.arange(1500))
    assert not np.array_equal(epoch, np.arange(1500))


def test_epochs_are_shuffled_anew():
    epochs = walk(20, 4, steps=20).reshape(4, 20).tolist()
    assert all(epoch != sorted(epoch) for epoch in epochs)
    assert len({tuple(epoch) for epoch in epochs}) == 4


def test_each_seed_has_its_own_order():
    orders = {tuple(walk(20, 4, steps=5, seed=seed)) for seed in range(5)}
    assert len(orders) == 5
    assert tuple(walk(20, 4, steps=5, seed=4)) in orders


def test_pixels_become_channels_first_from_minus_one_to_one():
    pixels = np.zeros((2, 4, 4, 3), np.uint8)
    pixels[1, 2, 3] = [255, 127, 51]  # 51 is a fifth of 255
    before = pixels.copy()
    tensor = to_tensor(pixels, CPU)
    assert tensor.shape == (2, 3, 4, 4)
    assert tensor.dtype == torch.float32
    assert tensor.is_contiguous()
    assert tensor[1, :, 2, 3].tolist() == pytest.approx([1.0, -1 / 255, -0.6])
    assert tensor[1, 0, 2, 3] == 1.0
    tensor[1, :, 2, 3] = -1.0
    assert torch.all(tensor == -1.0)
    np.testing.assert_array_equal(pixels, before)


def test_a_mirrored_view_of_the_pixels_is_taken_as_it_is():
    pixels = np.random.default_rng(0).integers(0, 256, (1, 8, 8, 3), np.uint8)
    mirrored = to_tensor(pixels[:, :, ::-1], CPU)
    assert torch.equal(mirrored, to_tensor(pixels, CPU).flip(3))
    assert not torch.equal(mirrored, to_tensor(pixels, CPU))


@pytest.mark.parametrize(("count", "size"), [(0, 3), (1, 3), (3, 3), (7, 3), (8, 4), (5, 1)])
def test_every_row_is_in_one_part(count, size):
    rows = np.arange(count)
    parts = [rows[part] for part in batched(count, size)]
    assert np.concatenate([rows[:0], *parts]).tolist() == rows.tolist()
    assert all(len(part) == size for part in parts[:-1])
    assert all(1 <= len(part) <= size for part in parts)


def test_networks_read_128_images_at_a_time():
    assert READ == 128
    assert [part.indices(300) for part in batched(300)] == [
        (0, 128, 1),
        (128, 256, 1),
        (256, 300, 1),
    ]
