"""MaxBoxAcc against plain loops: another flood fill, another IoU, one image at a time."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ganloc.errors import UserError
from ganloc.images.batches import CUT
from ganloc.metrics.max_box_acc import DELTAS, THRESHOLDS, max_box_acc

NONE = np.empty((0, 4))


def components(pixels):
    """Boxes of a set of (y, x), in scan order of their first pixel."""
    left, boxes = set(pixels), []
    for seed in sorted(pixels):
        if seed in left:
            left.remove(seed)
            todo, x0, y0, x1, y1 = [seed], seed[1], seed[0], seed[1] + 1, seed[0] + 1
            while todo:
                y, x = todo.pop()
                x0, y0, x1, y1 = min(x0, x), min(y0, y), max(x1, x + 1), max(y1, y + 1)
                for near in [(y + dy, x + dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1)]:
                    if near in left:
                        left.remove(near)
                        todo.append(near)
            boxes.append((x0, y0, x1, y1))
    return boxes


def iou(a, b):
    wide = max(0.0, min(a[2], b[2]) - max(a[0], b[0]))
    high = max(0.0, min(a[3], b[3]) - max(a[1], b[1]))
    both = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1])
    return wide * high / (both - wide * high)


def size_of(box):
    return (box[2] - box[0]) * (box[3] - box[1])


def by_loops(heatmaps, truth, sizes, thresholds):
    """Two tables, largest box and any box, of percentages: a row for each δ."""
    tables = np.zeros((2, len(DELTAS), len(thresholds)))
    measured = [i for i, own in enumerate(truth) if len(own)]
    for i in measured:
        heatmap, (width, height) = heatmaps[i], sizes[i]
        h, w = heatmap.shape
        low, high = heatmap.min(), heatmap.max()
        plain = not np.isfinite(heatmap).all() or low == high
        for column, threshold in enumerate(thresholds):
            on = {
                (y, x)
                for y in range(h)
                for x in range(w)
                if not plain and (heatmap[y, x] - low) / (high - low) > threshold
            }
            boxes = components(on) or [(0, 0, 0, 0)]  # a heatmap that says nothing has none
            scaled = [
                (x0 * width / w, y0 * height / h, x1 * width / w, y1 * height / h)
                for x0, y0, x1, y1 in boxes
            ]
            ious = [max(iou(box, own) for own in truth[i]) for box in scaled]
            biggest = max(range(len(boxes)), key=lambda k: size_of(boxes[k]))
            for row, delta in enumerate(DELTAS):
                tables[0, row, column] += (ious[biggest] > delta) * 100 / len(measured)
                tables[1, row, column] += (max(ious) > delta) * 100 / len(measured)
    return tables


def agrees(heatmaps, truth, sizes, thresholds=THRESHOLDS):
    found = max_box_acc(heatmaps, truth, sizes, thresholds)
    first, second = by_loops(heatmaps, truth, sizes, thresholds)
    np.testing.assert_allclose(found.largest_box, first, atol=1e-9)
    np.testing.assert_allclose(found.any_box, second, atol=1e-9)
    np.testing.assert_array_equal(found.thresholds, thresholds)
    assert found.max_box_acc == pytest.approx(max(first[1]))
    assert found.threshold == thresholds[found.largest_box[1].tolist().index(found.max_box_acc)]
    assert found.max_box_acc_v2 == pytest.approx(sum(max(row) for row in second) / 3)
    assert found.thresholds_v2 == tuple(thresholds[row.argmax()] for row in found.any_box)
    return found


def two_peaks():
    """Left a peak of 1, right a broader one of 0.6, on 0: of an 8 × 4 image."""
    heatmap = np.zeros((4, 8))
    heatmap[1:3, 1:3], heatmap[1:4, 4:8] = 1.0, 0.6
    return heatmap[None]


def random_truth(random, sizes, most=2):
    """None or more boxes an image, at least one in all; no IoU comes near a δ by being simple."""
    truth = []
    for width, height in sizes:
        corners = np.sort(random.random((random.integers(0, most + 1), 2, 2)), axis=1)
        truth.append((corners * (width, height)).reshape(-1, 4))
    truth[0] = np.array([[0.0, 0.0, 0.9871 * sizes[0, 0], 0.9793 * sizes[0, 1]]])
    return tuple(truth)


@settings(max_examples=25, deadline=None)
@given(
    st.integers(0, 2**32 - 1),
    st.integers(1, 4),
    st.integers(1, 6),
    st.integers(1, 6),
    st.integers(1, 11),
)
def test_it_equals_plain_loops(seed, count, height, width, levels):
    """Few levels, so that values fall on thresholds and maps are now and then constant."""
    random = np.random.default_rng(seed)
    heatmaps = random.integers(0, levels, (count, height, width)).astype(float)
    heatmaps[random.random(count) < 0.1, 0, 0] = np.nan
    sizes = random.integers(1, 90, (count, 2))
    agrees(heatmaps, random_truth(random, sizes), sizes, THRESHOLDS[::10])


def test_the_whole_sweep_equals_plain_loops():
    random = np.random.default_rng(3)
    heatmaps = random.random((5, 7, 7))
    sizes = random.integers(20, 90, (5, 2))
    assert agrees(heatmaps, random_truth(random, sizes), sizes).largest_box.shape == (3, 100)


def test_two_peaks_by_hand():
    sizes = np.array([[80, 80]])  # a cell is 10 wide and 20 high
    left, right = [10.0, 20.0, 30.0, 60.0], [40.0, 20.0, 80.0, 80.0]
    small = agrees(two_peaks(), (np.array([left]),), sizes)
    # Below 0.6 the right box is the largest; from there on only the left one is there.
    assert small.max_box_acc == 100
    assert small.threshold == 0.6
    assert small.largest_box[1].tolist() == [0] * 60 + [100] * 40
    assert small.any_box[2].tolist() == [100] * 100
    assert small.thresholds_v2 == (0, 0, 0)
    large = agrees(two_peaks(), (np.array([right]),), sizes)
    assert large.largest_box[1].tolist() == [100] * 60 + [0] * 40
    assert large.threshold == 0
    # No one threshold serves both images with the largest box, but any box does below 0.6.
    both = agrees(
        np.concatenate([two_peaks()] * 2),
        tuple(np.array([b]) for b in (left, right)),
        sizes[[0, 0]],
    )
    assert (both.max_box_acc, both.max_box_acc_v2) == (50, 100)


def test_every_delta_has_its_own_best_threshold():
    """Boxes of 100, 60 and 40 % of a row of ten, truth 40 %: IoU 0.4, 2/3 and 1."""
    heatmap = np.array([[[0.1, 0.1, 0.5, 1, 1, 1, 1, 0.5, 0.1, 0.0]]])
    truth, sizes = (np.array([[3.0, 0, 7, 1]]),), np.array([[10, 1]])
    found = agrees(heatmap, truth, sizes)
    assert found.max_box_acc == found.max_box_acc_v2 == 100
    assert found.threshold == 0.1
    assert found.thresholds_v2 == (0, 0.1, 0.5)
    only = agrees(heatmap, truth, sizes, np.array([0.2]))
    assert (only.max_box_acc, only.threshold) == (100, 0.2)
    assert only.max_box_acc_v2 == pytest.approx(200 / 3)


def test_v2_takes_the_best_threshold_of_each_delta_and_then_the_mean():
    """IoU 0.9 below 0.5 and 0.1 from there on; and, twice, 2/9 below and 0.4 from there on."""
    heatmaps = np.zeros((3, 1, 10))
    heatmaps[:, :, :9] = 0.5
    heatmaps[0, :, :1] = heatmaps[1:, :, :5] = 1
    truth = tuple(np.array([[0.0, 0, width, 1]]) for width in (10, 2, 2))
    found = agrees(heatmaps, truth, np.array([[10, 1]] * 3))
    assert found.thresholds_v2 == (0.5, 0, 0)
    assert found.max_box_acc_v2 == pytest.approx((200 / 3 + 100 / 3 + 100 / 3) / 3)


def test_a_hit_is_above_delta_and_a_pixel_above_the_threshold():
    heatmap = np.array([[[1.0, 0.5], [0.0, 0.0]]])
    half = (np.array([[0.0, 0, 2, 2]]),)  # the upper row is exactly half of it
    found = agrees(heatmap, half, np.array([[2, 2]]))
    assert found.largest_box.max(axis=1).tolist() == [100, 0, 0]
    assert found.largest_box[0].tolist() == [100] * 50 + [0] * 50  # 0.5 is not above 0.5


@pytest.mark.parametrize("value", [0.0, -3.0, np.nan, np.inf])
@pytest.mark.parametrize("shape", [(1, 1), (1, 5), (6, 6)])
def test_a_map_that_says_nothing_is_a_miss_at_every_threshold(value, shape):
    heatmaps = np.full((2, *shape), value, dtype=np.float32)
    truth = (np.array([[0, 0, 40, 20.0]]), np.array([[0, 0, 16, 20.0]]))  # the image, and 0.4 of it
    found = agrees(heatmaps, truth, np.array([[40, 20]] * 2))
    assert (found.largest_box == 0).all()
    assert (found.any_box == 0).all()
    assert (found.max_box_acc, found.max_box_acc_v2, found.threshold) == (0, 0, 0)


def test_one_broken_pixel_makes_no_other_image_s_box():
    heatmaps = np.concatenate([two_peaks()] * 2)
    heatmaps[1, 0, 0] = np.nan
    truth = tuple(np.array([box]) for box in ([40.0, 20, 80, 80], [0, 0, 80.0, 80]))
    assert agrees(heatmaps, truth, np.array([[80, 80]] * 2)).max_box_acc == 50


def test_images_without_truth_are_left_out():
    heatmaps = np.random.default_rng(0).random((6, 5, 5))
    truth, sizes = [NONE] * 6, np.full((6, 2), 10)
    truth[1] = truth[4] = np.array([[2.0, 2, 8, 8], [0, 0, 10, 10]])
    found = agrees(heatmaps, tuple(truth), sizes)
    alone = max_box_acc(heatmaps[[1, 4]], (truth[1], truth[4]), sizes[[1, 4]])
    assert found == alone
    np.testing.assert_array_equal(found.any_box, alone.any_box)
    with pytest.raises(UserError, match="No image has a true box"):
        max_box_acc(heatmaps, (NONE,) * 6, sizes)


def test_a_large_set_is_the_sum_of_its_parts():
    random = np.random.default_rng(1)
    count = 2 * CUT + 9
    heatmaps, sizes = random.random((count, 4, 4)), random.integers(5, 50, (count, 2))
    truth = tuple(np.array([[0, 0, width / 2, height / 2]]) for width, height in sizes)
    whole = max_box_acc(heatmaps, truth, sizes)
    for table in ("largest_box", "any_box"):
        hits = np.zeros_like(whole.any_box)
        for part in (slice(0, 300), slice(300, 800), slice(800, count)):
            found = max_box_acc(heatmaps[part], truth[part], sizes[part])
            hits += getattr(found, table) * len(sizes[part])
        np.testing.assert_allclose(getattr(whole, table), hits / count)


@pytest.mark.parametrize("thresholds", [[], [0.5, 1.0], [-0.1], [np.nan]])
def test_thresholds_outside_the_range_are_refused(thresholds):
    with pytest.raises(ValueError, match="threshold"):
        max_box_acc(
            np.ones((1, 2, 2)), (np.ones((1, 4)),), np.ones((1, 2), int), np.array(thresholds)
        )
