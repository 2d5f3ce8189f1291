import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ganloc.box.from_heatmap import (
    boxes_from_heatmaps,
    component_boxes,
    largest,
    largest_boxes,
    normalise,
    resize,
)
from ganloc.errors import UserError
from ganloc.images.batches import CUT


def drawn(*rows):
    """A heatmap from rows of characters: "#" is 1, anything else 0."""
    return np.array([[float(c == "#") for c in row] for row in rows])


def cells(heatmap, threshold=0.2):
    """Box of one square heatmap in cells, whose number the fractions are a whole multiple of."""
    size = len(heatmap)
    return (boxes_from_heatmaps(heatmap[None], size, threshold)[0] * size).round(9).tolist()


def test_the_box_is_tight_and_half_open():
    assert cells(drawn("......", "..##..", "..###.", "......", "......", "......")) == [2, 1, 5, 3]


def test_the_larger_box_wins_over_the_larger_blob():
    # Nine pixels in a 3 × 3 box at the left; five in a diagonal's 5 × 5 box at the right.
    heatmap = drawn(
        "###....#..",
        "###.....#.",
        "###......#",
        "........#.",
        ".......#..",
        *[".........."] * 5,
    )
    assert cells(heatmap) == [7, 0, 10, 5]


def test_diagonal_neighbours_join():
    assert cells(drawn("#...", ".#..", "..#.", "....")) == [0, 0, 3, 3]


def test_of_equal_boxes_the_first_in_scan_order_is_kept():
    # Both have a box of 4 pixels; the right one starts a row earlier.
    heatmap = drawn(".....", "...##", "##.##", "##...", ".....")
    assert cells(heatmap) == [3, 1, 5, 3]
    assert cells(heatmap[:, ::-1]) == [0, 1, 2, 3]


def test_an_object_that_touches_the_border():
    assert cells(drawn("....", "....", "..##", "..##")) == [2, 2, 4, 4]
    assert cells(drawn("####", "....", "....", "....")) == [0, 0, 4, 1]


def test_components_of_neighbouring_images_do_not_join():
    stack = np.stack([drawn("##..", "....", "....", "...."), drawn("....", ".###", ".###", "....")])
    found = boxes_from_heatmaps(stack, 4)
    np.testing.assert_array_equal(found * 4, [[0, 0, 2, 1], [1, 1, 4, 3]])


@pytest.mark.parametrize("size", [4, 8, 64])
def test_boxes_are_fractions_of_the_image_at_any_resolution(size):
    heatmap = drawn("....", ".##.", "....", "....")
    found = boxes_from_heatmaps(heatmap[None], size, threshold=0.5)
    # Bilinear between cell centres, a half is reached on the cell's edge.
    np.testing.assert_allclose(found, [[0.25, 0.25, 0.75, 0.5]], atol=1 / size / 2)


def test_the_threshold_is_a_ratio_of_the_range_and_strict():
    heatmap = np.array([[-2.0, 0.0, 0.0], [-2.0, 2.0, 0.0], [-2.0, -2.0, -2.0]])  # 0, ½ and 1.
    assert cells(heatmap, threshold=0.5) == [1, 1, 2, 2]
    assert cells(heatmap, threshold=0.49) == [1, 0, 3, 2]


def test_the_default_threshold_is_a_fifth_of_the_maximum():
    heatmap = np.array([[100.0, 21.0, 19.0], [0.0, 0.0, 0.0], [0.0, 0.0, 0.0]])
    found = boxes_from_heatmaps(heatmap[None], 3)
    np.testing.assert_allclose(found, [[0, 0, 2 / 3, 1 / 3]])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("value", [0.0, 0.1, -7.3, 1e30])
def test_a_constant_heatmap_gives_the_whole_image_even_after_resizing(value, dtype):
    heatmaps = np.full((1, 5, 5), value, dtype=dtype)
    assert boxes_from_heatmaps(heatmaps, 64, 0.9).tolist() == [[0, 0, 1, 1]]


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("size", [4, 16, 64])
def test_a_heatmap_that_is_not_finite_gives_the_whole_image(value, size):
    good = np.zeros((16, 16))
    good[4:8, 4:12] = 1
    bad = good.copy()
    bad[0, 0] = value
    found = boxes_from_heatmaps(np.stack([bad, good, bad]), size, 0.5)
    assert found[[0, 2]].tolist() == [[0, 0, 1, 1]] * 2
    assert found[1].tolist() == [0.25, 0.25, 0.75, 0.5]


def test_values_whose_range_overflows_give_the_whole_image():
    heatmap = np.zeros((4, 4), dtype=np.float32)
    heatmap[0, 0], heatmap[3, 3] = 3e38, -3e38
    assert cells(heatmap) == [0, 0, 4, 4]


def test_no_images_give_no_boxes():
    none = np.zeros((0, 4, 4), dtype=np.float32)
    assert boxes_from_heatmaps(none, 64).shape == (0, 4)


@pytest.mark.parametrize("threshold", [-0.1, 1.0, 1 - 1e-9, 1.5, np.nan])
def test_a_threshold_that_no_map_can_be_cut_at_is_refused(threshold):
    with pytest.raises(UserError, match="box threshold"):
        cells(drawn("#.", ".."), threshold)


def test_normalise_stretches_each_map_by_itself():
    maps = np.array([[[1.0, 3.0], [2.0, 5.0]], [[-1.0, 0.0], [0.0, 0.0]], [[4.0, 4.0], [4.0, 4.0]]])
    expected = [[[0, 0.5], [0.25, 1]], [[0, 1], [1, 1]], [[1, 1], [1, 1]]]
    np.testing.assert_array_equal(normalise(maps), expected)
    maps[0, 0, 0] = np.nan
    np.testing.assert_array_equal(normalise(maps)[0], np.ones((2, 2)))


def test_normalise_keeps_small_differences_on_a_large_offset():
    maps = np.array([[[1000.0, 1001.0], [1002.0, 1004.0]]], dtype=np.float32)
    np.testing.assert_array_equal(normalise(maps), [[[0, 0.25], [0.5, 1]]])


def bilinear(heatmap, size):
    """Bilinear resize by the textbook: cell centres at half integers, edges repeated."""
    height, width = heatmap.shape
    out = np.zeros((size, size))
    for row in range(size):
        for column in range(size):
            y = min(max((row + 0.5) * height / size - 0.5, 0), height - 1)
            x = min(max((column + 0.5) * width / size - 0.5, 0), width - 1)
            top, left = math.floor(y), math.floor(x)
            bottom, right = min(top + 1, height - 1), min(left + 1, width - 1)
            v, u = y - top, x - left
            out[row, column] = (
                (1 - v) * (1 - u) * heatmap[top, left]
                + (1 - v) * u * heatmap[top, right]
                + v * (1 - u) * heatmap[bottom, left]
                + v * u * heatmap[bottom, right]
            )
    return out


@pytest.mark.parametrize(("shape", "size"), [((4, 4), 64), ((3, 5), 7), ((8, 8), 8), ((6, 9), 4)])
def test_resize_equals_a_plain_loop(shape, size):
    heatmaps = np.random.default_rng(1).normal(size=(3, *shape))
    expected = [bilinear(heatmap, size) for heatmap in heatmaps]
    np.testing.assert_allclose(resize(heatmaps, size), expected, atol=1e-12)


def flood_boxes(mask):
    """Every component's box by flood fill, independent of scipy."""
    left = {(int(y), int(x)) for y, x in zip(*np.nonzero(mask), strict=True)}
    boxes = []
    for seed in sorted(left):
        if seed not in left:
            continue
        left.remove(seed)
        blob, todo = [], [seed]
        while todo:
            y, x = todo.pop()
            blob.append((y, x))
            near = {(y + dy, x + dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1)} & left
            left -= near
            todo.extend(near)
        ys, xs = zip(*blob, strict=True)
        boxes.append([min(xs), min(ys), max(xs) + 1, max(ys) + 1])
    return boxes


def flood_box(mask):
    """The largest of them, the first of equals."""
    return max(flood_boxes(mask), key=lambda box: (box[2] - box[0]) * (box[3] - box[1]))


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(0.1, 0.9))
def test_largest_boxes_equal_a_flood_fill(seed, density):
    masks = np.random.default_rng(seed).random((4, 9, 7)) < density
    masks[:, 4, 3] = True  # None empty.
    np.testing.assert_array_equal(largest_boxes(masks), [flood_box(mask) for mask in masks])


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(0.0, 1.0), st.integers(1, 6), st.integers(1, 9))
def test_component_boxes_equal_a_flood_fill(seed, density, height, width):
    masks = np.random.default_rng(seed).random((4, height, width)) < density
    image, boxes = component_boxes(masks)
    expected = [(i, box) for i, mask in enumerate(masks) for box in flood_boxes(mask)]
    assert image.tolist() == [i for i, _ in expected]
    assert boxes.tolist() == [box for _, box in expected]


def test_the_largest_of_each_image_in_any_order():
    boxes = np.array([[0, 0, 2, 2], [0, 0, 1, 9], [1, 1, 3, 3], [0, 0, 3, 3], [5, 5, 8, 8]])
    assert largest(np.array([1, 0, 1, 0, 0]), boxes.astype(float)).tolist() == [1, 0]


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 6), st.floats(0, 0.95))
def test_a_batch_equals_one_by_one(seed, count, threshold):
    random = np.random.default_rng(seed)
    heatmaps = random.normal(size=(count, 4, 4)).astype(np.float32)
    together = boxes_from_heatmaps(heatmaps, 32, threshold)
    alone = [boxes_from_heatmaps(heatmap[None], 32, threshold)[0] for heatmap in heatmaps]
    np.testing.assert_array_equal(together, alone)
    assert (together[:, :2] >= 0).all()
    assert (together[:, 2:] <= 1).all()
    assert (together[:, :2] < together[:, 2:]).all()


def test_sets_larger_than_one_stack_keep_their_order():
    heatmaps = np.random.default_rng(0).normal(size=(CUT + 7, 4, 4)).astype(np.float32)
    together = boxes_from_heatmaps(heatmaps, 16, 0.8)
    for at in (0, CUT - 1, CUT, CUT + 6):
        np.testing.assert_array_equal(
            together[at], boxes_from_heatmaps(heatmaps[at : at + 1], 16, 0.8)[0]
        )
    assert len(np.unique(together, axis=0)) > 5  # the order would show
