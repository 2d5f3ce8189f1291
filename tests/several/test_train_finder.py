import numpy as np
import torch

from ganloc.several.finder import find, new_finder
from ganloc.several.train_finder import Lesson, Targets, _loss, train_finder
from scenes import boxes_of, random_discs, scene

CPU = torch.device("cpu")


def test_targets_of_two_boxes():
    boxes = torch.tensor([[[0.0, 0.0, 0.5, 0.5], [0.5, 0.5, 1.0, 1.0]]])
    targets = Targets.of(boxes, half=4)
    assert targets.masks[0].tolist() == [[1, 1, 0, 0], [1, 1, 0, 0], [0, 0, 1, 1], [0, 0, 1, 1]]
    # Each cell is a quarter of the box from its centre on both axes: e^(−2·(1/4)²/0.08).
    assert torch.allclose(targets.centres[0, 0, 0], torch.tensor(np.exp(-1.5625)).float())
    assert targets.boxes[0, 0, 0].tolist() == [0, 0, 0.5, 0.5]
    assert targets.boxes[0, 3, 3].tolist() == [0.5, 0.5, 1, 1]
    assert not targets.partly.any()


def test_a_box_that_reaches_out_is_cut_and_a_sliver_is_not_taught():
    half_out = Targets.of(torch.tensor([[[-0.5, 0.0, 0.5, 1.0]]]), half=4)
    assert half_out.boxes[0, 1, 0].tolist() == [0, 0, 0.5, 1]
    assert half_out.centres.max() > 0.1
    assert not half_out.partly.any()
    sliver = Targets.of(torch.tensor([[[-0.75, 0.0, 0.25, 1.0]]]), half=4)
    assert sliver.centres.max() == 0
    assert sliver.partly[0].tolist() == [[True, False, False, False]] * 4


def test_what_is_unknown_costs_nothing():
    targets = Targets.of(torch.tensor([[[0.0, 0.0, 0.5, 1.0]]]), half=4)
    known = torch.ones(1, 4, 4, dtype=torch.bool)
    known[:, :, 2:] = False
    outputs = torch.zeros(1, 6, 4, 4)
    other = outputs.clone()
    other[:, :, :, 2:] = 5.0
    assert _loss(outputs, targets, known) == _loss(other, targets, known)
    assert _loss(outputs, targets, ~known) != _loss(other, targets, ~known)


def test_a_finder_learns_to_count_discs():
    random = np.random.default_rng(0)
    drawn = [random_discs(random, count % 4, size=32, radius=0.14) for count in range(48)]
    pixels = np.stack([scene(discs, size=32) for discs in drawn])
    boxes = [boxes_of(discs, size=32) for discs in drawn]
    lesson = Lesson(pixels[:32], boxes[:32], np.zeros((32, 32, 32), bool))
    finder = new_finder(32, 8, seed=0, device=CPU)
    losses = list(train_finder(finder, lesson, 150, seed=0))
    assert len(losses) == 150
    assert np.mean(losses[-10:]) < 0.5 * np.mean(losses[:10])
    found = find(finder, pixels[32:])
    counts = np.bincount(found.image, minlength=16)
    assert (counts == [len(own) for own in boxes[32:]]).mean() >= 0.8


def test_equal_seeds_give_equal_finders():
    pixels = np.stack([scene([(16, 16, 6)], size=32)] * 2)
    lesson = Lesson(pixels, [boxes_of([(16, 16, 6)], 32)] * 2, np.zeros((2, 32, 32), bool))
    runs = []
    for _ in range(2):
        finder = new_finder(32, 2, seed=3, device=CPU)
        runs.append(list(train_finder(finder, lesson, 3, seed=1)))
    assert runs[0] == runs[1]
