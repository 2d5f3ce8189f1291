import math

import numpy as np
import pytest

from ganloc.metrics.localization import gt_known_loc, has_truth, mean_iou

NONE = np.zeros((0, 4))


def test_iou_of_exactly_one_half_is_a_miss():
    ious = np.array([0.5, np.nextafter(0.5, 1), 0.9, 0.0])
    assert gt_known_loc(ious) == 50
    assert gt_known_loc(ious, threshold=0.7) == 25
    assert gt_known_loc(ious, threshold=0.9) == 0


def test_mean_iou_is_in_percent():
    assert mean_iou(np.array([0.25, 0.75, 0.5, 0.0])) == 37.5


def test_has_truth():
    assert has_truth((NONE, np.ones((2, 4)), NONE)).tolist() == [False, True, False]
    assert has_truth(()).shape == (0,)


@pytest.mark.parametrize("metric", [gt_known_loc, mean_iou])
def test_no_images_have_no_number(metric):
    assert math.isnan(metric(np.zeros(0)))
