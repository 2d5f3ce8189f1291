import numpy as np
import pytest
import torch

from ganloc.errors import Notice
from ganloc.recipes import Recipe
from ganloc.several.finder import Objects, find
from ganloc.several.learn_several import fit_several, learn_drawn, taught_by
from scenes import drawn_set

CPU = torch.device("cpu")


def test_sure_objects_teach_and_unsure_ones_hide():
    boxes = np.array([[0.0, 0.0, 0.5, 0.5], [0.5, 0.5, 1.0, 1.0], [0.0, 0.0, 1.0, 1.0]])
    heights = np.array([0.9, 0.3, 0.6])
    objects = Objects(np.array([0, 0, 1]), boxes, heights, heights)
    lesson = taught_by(objects, np.zeros((3, 4, 4, 3), np.uint8))
    assert [len(own) for own in lesson.boxes] == [1, 1, 0]
    assert lesson.unknown[0].tolist() == [[False] * 4] * 2 + [[False, False, True, True]] * 2
    assert not lesson.unknown[1:].any()


def recipe(width, iterations, rounds):
    given = {"student_iterations": iterations, "student_rounds": rounds, "several": True}
    return Recipe(size=32, student_width=width, **given)


def test_label_free_finders_and_drawn_images_count_discs():
    pixels, truth = drawn_set([0, 1, 2, 3] * 6)

    def one_each():
        raise AssertionError  # the set holds several

    losses = []
    finders = list(
        fit_several(pixels, one_each, recipe(8, 100, 2), CPU, lambda *step: losses.append(step))
    )
    assert len(finders) == 2
    assert [done for done, _ in losses] == list(range(1, 201))
    true = np.array([len(own) for own in truth])
    counts = np.bincount(find(finders[-1], pixels).image, minlength=len(pixels))
    assert abs(counts - true).mean() < 0.5  # one box an image would give 1.0
    few = np.array([1, 2, 3, 4])
    last = learn_drawn(finders[-1], pixels, few, [truth[index] for index in few], 100, seed=0)
    counts = np.bincount(find(last, pixels).image, minlength=len(pixels))
    assert abs(counts - true).mean() < 0.5


def test_a_set_without_several_objects_learns_its_boxes():
    random = np.random.default_rng(0)
    pixels = random.integers(0, 256, (8, 32, 32, 3), dtype=np.uint8)
    boxes = np.tile([0.25, 0.25, 0.75, 0.75], (8, 1))
    with pytest.warns(Notice, match="no several objects"):
        (finder,) = fit_several(pixels, lambda: boxes, recipe(4, 60, 1), CPU)
    found = find(finder, pixels)
    assert np.bincount(found.image, minlength=8).max() <= 1
    assert np.log(0.5) == np.float32(finder.sizes[0]) or abs(finder.sizes[0] - np.log(0.5)) < 1e-6
