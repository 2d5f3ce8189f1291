"""Saved heatmaps measure as they would have beside their model, in any order."""

from dataclasses import replace

import numpy as np
import pytest

from ganloc.errors import Notice, UserError
from ganloc.heatmap.heatmap_files import SavedHeatmaps
from ganloc.images.image_set import ImageSet
from ganloc.metrics.saved_heatmaps import evaluate_saved

NAMES = ("a.png", "b.png", "c.png")
SIZES = np.array([[40, 20], [20, 40], [40, 20]])


def peaks(*rows):
    return np.array([[[int(c) / 9 for c in line] for line in row.split()] for row in rows])


# A core of 9s in a skirt of 4s; the boxes of both are below, in cells of a quarter of the sides.
HEATMAPS = peaks("0000 4444 4994 0000", "9400 9400 4400 0000", "0000 0000 0000 0009")
TRUTH = (
    np.array([[10.0, 10, 30, 15]]),  # the core
    np.array([[0.0, 0, 10, 30]]),  # the skirt
    np.array([[30.0, 15, 40, 20], [0, 0, 5, 5]]),
)
IMAGES = ImageSet(np.zeros((3, 4, 4, 3), np.uint8), NAMES, SIZES, TRUTH)
SAVED = SavedHeatmaps(NAMES, SIZES, HEATMAPS, "mine", 0.2, otsu=False)


def test_the_rows_by_hand():
    mine, whole, centre = evaluate_saved(SAVED, IMAGES)
    assert (mine.name, whole.name, centre.name) == ("mine", "whole-image", "centre")
    # At 0.2 the skirts: IoU ¼ (2 of 8 cells), 1, 1. At 0.5 the cores: 1, 2/6, 1.
    assert mine.gt_known_loc == pytest.approx(200 / 3)
    assert mine.mean_iou == pytest.approx(75)
    assert mine.oracle is False
    assert mine.max_box_acc is not None
    assert mine.max_box_acc.max_box_acc == pytest.approx(200 / 3)
    assert mine.max_box_acc.max_box_acc_v2 == pytest.approx((100 + 200 / 3 + 200 / 3) / 3)
    assert whole.max_box_acc is None
    # Of 16 cells, the truth is 2, 6 and 1.
    assert whole.mean_iou == pytest.approx(100 * (2 + 6 + 1) / 16 / 3)
    assert centre.gt_known_loc == 0


def test_another_threshold_replaces_the_file_s_rule():
    row = evaluate_saved(replace(SAVED, threshold=0.9, otsu=True), IMAGES, threshold=0.5)[0]
    assert row.mean_iou == pytest.approx(100 * (1 + 1 / 3 + 1) / 3)
    with pytest.raises(UserError, match="threshold"):
        evaluate_saved(SAVED, IMAGES, threshold=1.0)


def test_the_file_s_rule_may_be_a_ratio_of_otsu_s_threshold():
    # Otsu parts 0 from the rest in the second map: half of that is below the skirt.
    rows = [evaluate_saved(replace(SAVED, threshold=t, otsu=True), IMAGES)[0] for t in (0.5, 0.99)]
    plain = [evaluate_saved(replace(SAVED, threshold=t), IMAGES)[0] for t in (0.5, 0.99)]
    assert rows[0].mean_iou == pytest.approx(75)
    assert [row.mean_iou for row in rows] != [row.mean_iou for row in plain]


def test_heatmaps_are_matched_by_name():
    order = [2, 0, 1]
    mixed = replace(
        SAVED,
        names=tuple(NAMES[i] for i in order),
        sizes=SIZES[order],
        heatmaps=HEATMAPS[order],
    )
    assert evaluate_saved(mixed, IMAGES) == evaluate_saved(SAVED, IMAGES)


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (("a.png", "b.png", "x.png"), r"no heatmap of 1 of 3 names \(the first is c.png\)"),
        (("a.png", "b.png", "c.png", "x.png"), r"no images of 1 of 4 .* x.png"),
        (("a.png", "b.png"), "c.png"),
        (("a.png", "b.png", "c.png", "b.png"), "b.png twice"),
    ],
)
def test_names_that_do_not_match_are_named(names, said):
    some = [min(i, 2) for i in range(len(names))]
    odd = replace(SAVED, names=names, sizes=SIZES[some], heatmaps=HEATMAPS[some])
    with pytest.raises(UserError, match=said):
        evaluate_saved(odd, IMAGES)


def test_images_of_another_size_are_not_those():
    with pytest.raises(UserError, match=r"b\.png is 20×41 pixels and it is 20×40"):
        evaluate_saved(replace(SAVED, sizes=SIZES + np.array([[0, 0], [0, 1], [0, 0]])), IMAGES)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, "constant"])
def test_a_broken_heatmap_gets_no_credit_and_is_named(value):
    """The whole image would be a hit in the second image."""
    whole = replace(IMAGES, truth=(TRUTH[0], np.array([[0.0, 0, 20, 40]]), TRUTH[2]))
    broken = HEATMAPS.copy()
    broken[1] = 0.3 if value == "constant" else np.where(np.eye(4) > 0, value, broken[1])
    with pytest.warns(Notice, match=r"^1 of 3 heatmaps of mine .* \(b\.png\): .* no credit\.$"):
        row, image, _ = evaluate_saved(replace(SAVED, heatmaps=broken), whole)
    assert row.mean_iou == pytest.approx(100 * (1 / 4 + 0 + 1) / 3)
    assert row.gt_known_loc == pytest.approx(100 / 3)
    assert image.gt_known_loc == pytest.approx(100 / 3)  # the second
    assert row.max_box_acc is not None
    assert row.max_box_acc.max_box_acc == pytest.approx(200 / 3)  # the first and the third, at 0.5


def test_names_are_matched_however_they_are_written():
    spelled = replace(SAVED, names=("./a.png", "cafe\u0301%20b.png", "d\\c.png"))
    images = replace(IMAGES, names=("a.png", "caf\u00e9 b.png", "d/c.png"))
    assert evaluate_saved(spelled, images) == evaluate_saved(SAVED, IMAGES)
