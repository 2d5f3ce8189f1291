import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from ganloc.box.from_heatmap import boxes_from_heatmaps
from ganloc.box.otsu import BINS, common_otsu_threshold, otsu_thresholds


def plainly(heatmap):
    """The definition, bin by bin: the greatest w₀ w₁ (μ₀ − μ₁)², first of equals."""
    values = (np.minimum(np.floor(heatmap.ravel() * BINS), BINS - 1) + 0.5) / BINS
    best, threshold = -1.0, 0.0
    for edge in range(1, BINS):
        low, high = values[values < edge / BINS], values[values > edge / BINS]
        between = 0.0
        if len(low) and len(high):
            between = len(low) * len(high) / len(values) ** 2 * (low.mean() - high.mean()) ** 2
        if between > best + 1e-9:
            best, threshold = between, edge / BINS
    return threshold


def test_two_levels_are_told_apart():
    heatmap = np.full((1, 8, 8), 0.1)
    heatmap[0, 2:5, 3:6] = 0.7
    assert 0.1 < otsu_thresholds(heatmap)[0] < 0.7


@given(arrays(np.float64, (3, 4, 5), elements=st.floats(0, 1)))
def test_agrees_with_the_definition_image_by_image(heatmaps):
    for heatmap, found in zip(heatmaps, otsu_thresholds(heatmaps), strict=True):
        assert 0 < found < 1
        # Equal maxima may be told apart by rounding: compare the variance, not the place.
        expected = plainly(heatmap)
        assert found == pytest.approx(expected) or spread(heatmap, found) == pytest.approx(
            spread(heatmap, expected)
        )


def spread(heatmap, threshold):
    values = (np.minimum(np.floor(heatmap.ravel() * BINS), BINS - 1) + 0.5) / BINS
    low, high = values[values < threshold], values[values > threshold]
    if not len(low) or not len(high):
        return 0.0
    return len(low) * len(high) / len(values) ** 2 * (low.mean() - high.mean()) ** 2


def test_one_level_has_no_two_classes():
    assert otsu_thresholds(np.full((1, 4, 4), 0.3))[0] == 1 / BINS


def test_boxes_cut_at_a_ratio_of_it():
    # Levels 0, 0.4 and 1 (64, 30 and 6 pixels). Otsu by hand: cutting below 0.4 gives
    # 0.64 · 0.36 · 0.5² = 0.0576, cutting above it 0.94 · 0.06 · (1 − 0.1277)² = 0.0429.
    heatmap = np.zeros((1, 10, 10))
    heatmap[0, 2:8, 2:8] = 0.4
    heatmap[0, 4:6, 3:6] = 1.0
    assert 0 < otsu_thresholds(heatmap)[0] < 0.4
    whole = boxes_from_heatmaps(heatmap, 10, 0.9, otsu=True)
    peak = boxes_from_heatmaps(heatmap, 10, 0.9)
    np.testing.assert_array_equal(whole, [[0.2, 0.2, 0.8, 0.8]])
    np.testing.assert_array_equal(peak, [[0.3, 0.4, 0.6, 0.6]])
    flat = boxes_from_heatmaps(np.full((1, 10, 10), 0.3), 10, 0.9, otsu=True)
    np.testing.assert_array_equal(flat, [[0, 0, 1, 1]])


def test_a_common_threshold_is_that_of_all_values_times_a_factor():
    # Half of the set at 0, half at 16: of all cuts in 64 bins that part them equally well the
    # first counts, at 1/64 of the way; of the image at 0 alone nothing could be told.
    maps = np.stack([np.zeros((8, 8)), np.full((8, 8), 16.0)]).astype(np.float32)
    assert common_otsu_threshold(maps) == pytest.approx(16.0 / 64.0)
    assert common_otsu_threshold(maps, 1.1) == pytest.approx(1.1 * 16.0 / 64.0)
    assert common_otsu_threshold(maps + 5.0, 1.1) == pytest.approx(5.0 + 1.1 * 16.0 / 64.0)


def test_tails_do_not_move_a_common_threshold():
    maps = np.stack([np.zeros((64, 64)), np.full((64, 64), 16.0)]).astype(np.float32)
    before = common_otsu_threshold(maps)
    maps[0, 0, :4], maps[1, 0, :4] = -1e6, 1e6  # a thousandth of all pixels
    assert common_otsu_threshold(maps) == pytest.approx(before)


def test_equal_values_are_their_common_threshold():
    assert common_otsu_threshold(np.full((2, 8, 8), 3.0, np.float32), 1.1) == 3.0
