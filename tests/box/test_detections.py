"""Detections in fractions of the image, and scores by hand."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from ganloc.box.detections import Detections, box_scores, check_objects
from ganloc.box.from_heatmap import boxes_from_heatmaps
from ganloc.box.otsu import otsu_thresholds
from ganloc.box.soft_mask import SoftMask
from ganloc.errors import UserError
from ganloc.images.batches import CUT
from ganloc.images.image_set import ImageSet


def test_a_block_of_cells_is_boxed_in_fractions_and_scored():
    # At the network's 4 pixels: 8 where the object is, −2 elsewhere, 3 in one more cell.
    heatmap = np.full((1, 4, 4), -2.0)
    heatmap[0, 1:3, 2:] = 8.0
    heatmap[0, 0, 0] = 3.0
    found = Detections.from_heatmaps(heatmap, 4, threshold=0.5)
    assert found.boxes.tolist() == [[0.5, 0.25, 1.0, 0.75]]
    # Stretched to 0–1: 1, 0, and (3 + 2) / 10 in the cell that does not exceed the threshold.
    expected = np.zeros((1, 4, 4))
    expected[0, 1:3, 2:], expected[0, 0, 0] = 1.0, 0.5
    np.testing.assert_allclose(found.heatmaps, expected, atol=1e-7)
    assert found.heatmaps.dtype == np.float32
    np.testing.assert_allclose(found.scores, [1.0 - 0.5 / 12])
    assert found.outlier_scores is None
    lower = Detections.from_heatmaps(heatmap, 4, threshold=0.49)
    assert lower.boxes.tolist() == found.boxes.tolist()  # the other component's box is smaller


def test_a_coarse_heatmap_is_resized_to_the_network_s_size():
    heatmaps = np.random.default_rng(0).normal(size=(5, 4, 4)).astype(np.float32)
    found = Detections.from_heatmaps(heatmaps, 32, 0.2, otsu=True)
    assert found.heatmaps.shape == (5, 32, 32)
    np.testing.assert_array_equal(found.heatmaps.min(axis=(1, 2)), 0.0)
    np.testing.assert_array_equal(found.heatmaps.max(axis=(1, 2)), 1.0)
    np.testing.assert_array_equal(found.boxes, boxes_from_heatmaps(heatmaps, 32, 0.2, otsu=True))
    np.testing.assert_array_equal(found.boxes * 32, (found.boxes * 32).round())


@pytest.mark.parametrize(("threshold", "otsu"), [(0.2, False), (0.6, False), (0.7, True)])
def test_masks_end_where_heatmaps_are_cut(threshold, otsu):
    heatmaps = np.stack([np.eye(8), np.linspace(0, 1, 64).reshape(8, 8)])
    found = Detections.from_heatmaps(heatmaps, 8, threshold, otsu)
    for heatmap, mask in zip(found.heatmaps, found.masks, strict=True):
        level = threshold * (otsu_thresholds(heatmap[None])[0] if otsu else 1.0)
        assert mask.level == level
        np.testing.assert_array_equal(mask.at(8, 8), heatmap > level)


def test_a_heatmap_that_says_nothing_gives_the_whole_image_and_no_score():
    found = Detections.from_heatmaps(np.full((1, 4, 4), 0.3, np.float32), 32, 0.2)
    assert found.boxes.tolist() == [[0.0, 0.0, 1.0, 1.0]]
    assert found.scores.tolist() == [0.0]
    with pytest.raises(UserError, match="box threshold is 1"):
        Detections.from_heatmaps(np.zeros((1, 4, 4), np.float32), 32, 1.0)


def test_scores_by_hand():
    maps = np.zeros((6, 4, 4))
    maps[0] = maps[5] = 1.0
    maps[1, 1:3, 1:3] = 1.0
    maps[2, 0] = [0.5, 1.0, 0.25, 0.0]
    maps[3] = 1.0 - maps[1]
    maps[4, :, :2] = 0.5
    boxes = np.array(
        [
            [0.0, 0.0, 1.0, 1.0],  # all of it: nothing outside, 0
            [0.25, 0.25, 0.75, 0.75],  # 1 inside, 0 outside: 1
            [0.25, 0.0, 1.0, 0.5],  # (1 + ¼) / 6 inside, ½ / 10 outside
            [0.25, 0.25, 0.75, 0.75],  # 0 inside, 1 outside: −1, so 0
            [0.0, 0.0, 0.5, 1.0],  # ½ inside, 0 outside
            [0.25, 0.25, 0.75, 0.75],  # 1 inside and outside
        ]
    )
    found = box_scores(maps, boxes)
    np.testing.assert_allclose(found, [0.0, 1.0, 1.25 / 6 - 0.05, 0.0, 0.5, 0.0], atol=1e-12)


def test_a_box_within_a_cell_scores_by_that_cell():
    # A refined box may be smaller than a cell of the heatmap.
    maps = np.zeros((2, 4, 4))
    maps[:, 1, 2] = 1.0
    boxes = np.array([[0.55, 0.3, 0.6, 0.35], [0.475, 0.3, 0.6, 0.35]])
    np.testing.assert_allclose(box_scores(maps, boxes), [1.0, 0.5])  # the second touches an empty


def test_an_edge_that_rounding_moves_off_its_cell_touches_no_other():
    # 0.1 + 0.2 is a little more than 0.3, and 3 cells of ten are not four.
    maps = np.zeros((1, 10, 10))
    maps[0, :3, :3] = 1.0
    edge = 0.1 + 0.2
    assert edge > 0.3
    np.testing.assert_allclose(box_scores(maps, np.array([[0.0, 0.0, edge, edge]])), [1.0])


def test_sets_larger_than_one_stack_keep_their_order():
    random = np.random.default_rng(0)
    maps = random.random((CUT + 5, 4, 4)).astype(np.float32)
    low = random.uniform(0.0, 0.5, (CUT + 5, 2))
    boxes = np.concatenate([low, low + 0.5], axis=1)
    together = box_scores(maps, boxes)
    for at in (0, CUT - 1, CUT, CUT + 4):
        assert together[at] == box_scores(maps[at : at + 1], boxes[at : at + 1])[0]


@settings(deadline=None, max_examples=60)
@given(
    heatmap=npst.arrays(np.float32, (4, 4), elements=st.floats(0.0, 1.0, width=32)),
    ends=st.tuples(*[st.floats(0.0, 1.0)] * 4),
)
def test_scores_are_0_to_1_whatever_the_box(heatmap, ends):
    x0, x1 = sorted(ends[:2])
    y0, y1 = sorted(ends[2:])
    (score,) = box_scores(heatmap[None], np.array([[x0, y0, x1, y1]]))
    assert 0.0 <= score <= 1.0


def three_boxes():
    """In image 1 three boxes, the second and third of IoU 2/3; one in image 2; none in image 0."""
    boxes = np.array([[0, 0, 1, 1], [2, 0, 4, 1], [2, 0, 5, 1], [0, 0, 1, 1]]) / 5
    masks = tuple(SoftMask(np.full((2, 2), value), 0.5) for value in (0.1, 0.2, 0.3, 0.4))
    image, scores = np.array([1, 1, 1, 2]), np.array([0.2, 0.6, 0.9, 0.4])
    return Detections(image, boxes, scores, masks, np.zeros((3, 4, 4), np.float32))


@pytest.mark.parametrize(
    ("max_objects", "min_score", "kept"),
    [
        (None, 0.0, [2, 0, 3]),  # the second coincides with the third, whose score is higher
        (1, 0.0, [2, 3]),
        (2, 0.2, [2, 0, 3]),
        (None, 0.3, [2, 3]),
        (None, 0.5, [2]),
        (1, 0.95, []),
    ],
)
def test_the_best_objects_are_selected_image_by_image(max_objects, min_score, kept):
    found = three_boxes()
    chosen = found.select(max_objects, min_score)
    assert len(chosen) == len(kept)
    for name in ("image", "boxes", "scores"):
        np.testing.assert_array_equal(getattr(chosen, name), getattr(found, name)[kept])
    assert chosen.masks == tuple(found.masks[index] for index in kept)
    assert chosen.heatmaps is found.heatmaps


def test_objects_of_images_with_none_one_and_several():
    found = three_boxes()
    assert found.counts.tolist() == [0, 3, 1]
    assert found.best_scores.tolist() == [0.0, 0.9, 0.4]
    assert [list(found.of(index)) for index in range(3)] == [[], [0, 1, 2], [3]]
    images = ImageSet(np.zeros((3, 4, 4, 3), np.uint8), ("a", "b", "c"), np.array(
        [[9, 9], [50, 10], [5, 20]]))  # fmt: skip
    expected = [[0, 0, 10, 10], [20, 0, 40, 10], [20, 0, 50, 10], [0, 0, 1, 20]]
    boxes = replace(found, boxes=found.boxes * [1, 5, 1, 5])
    np.testing.assert_allclose(boxes.in_pixels(images), expected)


def test_several_objects_of_a_heatmap_are_scored_each_by_its_own_box():
    heatmap = np.zeros((1, 8, 8), np.float32)
    heatmap[0, 1:4, 1:4] = 1.0
    heatmap[0, 5:7, 5:7] = 0.8
    found = Detections.from_heatmaps(heatmap, 8, 0.5, several=True)
    assert found.image.tolist() == [0, 0]
    assert (found.boxes * 8).tolist() == [[1, 1, 4, 4], [5, 5, 7, 7]]
    # 1 inside and 4 · 0.8 of 55 outside; 0.8 inside and 9 of 60 outside.
    np.testing.assert_allclose(found.scores, [1.0 - 3.2 / 55, 0.8 - 9 / 60], rtol=1e-6)
    one = Detections.from_heatmaps(heatmap, 8, 0.5)
    np.testing.assert_array_equal(one.boxes, found.boxes[:1])
    np.testing.assert_array_equal(one.masks[0].at(40, 24), found.masks[0].at(40, 24))


@pytest.mark.parametrize(
    ("max_objects", "min_score", "error", "said"),
    [
        (0, 0.0, UserError, "max_objects is 0: ask for at least one"),
        (-3, 0.0, UserError, "max_objects is -3"),
        (1.0, 0.0, TypeError, "max_objects must be a whole number or all, not 1.0"),
        (True, 0.0, TypeError, "not True"),
        (1, 1.5, UserError, "min_score is 1.5: choose a chance from 0 to 1"),
        (1, float("nan"), UserError, "min_score is nan"),
        (1, "0.5", TypeError, "min_score must be a number, not '0.5'"),
    ],
)
def test_numbers_that_make_no_sense_are_told(max_objects, min_score, error, said):
    with pytest.raises(error, match=said):
        check_objects(max_objects, min_score)
