import numpy as np
import pytest

from ganloc.box.iou import area, best_iou, iou


def boxes(*rows):
    return np.array(rows, dtype=float).reshape(-1, 4)


def test_a_perfect_8_pixel_box_scores_exactly_1():
    box = boxes([3, 5, 11, 13])
    assert area(box) == [64]
    assert iou(box, box) == [1]


def test_hand_worked_overlaps():
    a = boxes([0, 0, 4, 4], [0, 0, 10, 10], [0, 0, 4, 4], [0, 0, 6, 4])
    b = boxes([2, 2, 6, 6], [0, 0, 10, 5], [4, 0, 8, 4], [2, 1, 4, 3])
    # 4 shared of 16 + 16 − 4; the half; neighbours that only touch; 4 inside 24.
    np.testing.assert_allclose(iou(a, b), [4 / 28, 0.5, 0, 4 / 24], rtol=0, atol=1e-15)
    np.testing.assert_array_equal(iou(a, b), iou(b, a))


@pytest.mark.parametrize(
    "empty",
    [[2, 2, 2, 2], [0, 0, 0, 4], [3, 3, 1, 1], [np.nan, 0, 4, 4]],
    ids=["point", "line", "inverted", "nan"],
)
def test_degenerate_boxes_score_0(empty):
    np.testing.assert_array_equal(iou(boxes(empty), boxes(empty)), [0])
    np.testing.assert_array_equal(iou(boxes(empty), boxes([0, 0, 4, 4])), [0])


def test_best_iou_takes_the_closest_true_box_of_the_same_image():
    found = boxes([0, 0, 4, 4], [0, 0, 4, 4], [0, 0, 4, 4])
    truth = (
        boxes([2, 2, 6, 6], [0, 0, 4, 2], [9, 9, 10, 10]),
        boxes(),
        boxes([0, 0, 4, 4]),  # Perfect for the others too, but not theirs.
    )
    np.testing.assert_allclose(best_iou(found, truth), [0.5, 0, 1])


def test_best_iou_without_images_or_without_any_truth():
    assert best_iou(boxes(), ()).shape == (0,)
    np.testing.assert_array_equal(best_iou(boxes([0, 0, 1, 1]), (boxes(),)), [0])


def test_best_iou_refuses_truth_of_other_images():
    with pytest.raises(ValueError, match="2 boxes, but the true boxes of 1 images"):
        best_iou(boxes([0, 0, 1, 1], [0, 0, 1, 1]), (boxes(),))
