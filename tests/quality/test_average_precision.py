"""Average precision of resampled images, beside pycocotools."""

import numpy as np
import pytest
from average_precision import Matches

from ganloc.metrics.objects import evaluate_objects


def random_detections(random, images, ties):
    """True boxes, and detections of which some are near one; scores may be equal."""
    truth, image, boxes = [], [], []
    for index in range(images):
        corners = random.uniform(0, 60, (random.integers(0, 5), 2))
        own = np.concatenate([corners, corners + random.uniform(20, 40, corners.shape)], axis=1)
        truth.append(own)
        near = np.repeat(own, 2, axis=0) + random.normal(0, 3, (2 * len(own), 4))
        wrong = np.tile([0.0, 0.0, 9.0, 9.0], (random.integers(0, 3), 1))
        boxes += [*near, *wrong]
        image += [index] * (len(near) + len(wrong))
    scores = random.random(len(image)).round(1 if ties else 9)
    return np.array(image), np.array(boxes), scores, tuple(truth)


@pytest.mark.parametrize("seed", range(5))
def test_all_images_give_what_pycocotools_gives(seed):
    found = random_detections(np.random.default_rng(seed), images=12, ties=False)
    row = evaluate_objects("", *found)
    assert Matches.of(*found).average_precision() * 100 == pytest.approx(row.ap_50, abs=1e-6)


@pytest.mark.parametrize("seed", range(3))
def test_images_that_count_twice_are_images_that_are_there_twice(seed):
    random = np.random.default_rng(seed)
    image, boxes, scores, truth = random_detections(random, images=6, ties=False)
    times = np.array([2, 0, 1, 3, 0, 1])
    drawn = np.repeat(np.arange(6), times)
    rows = [np.flatnonzero(image == index) for index in drawn]
    again = np.repeat(np.arange(len(drawn)), [len(own) for own in rows])
    every = np.concatenate(rows)
    repeated = tuple(truth[index] for index in drawn)
    row = evaluate_objects("", again, boxes[every], scores[every], repeated)
    value = Matches.of(image, boxes, scores, truth).average_precision(times)
    assert 100 * value == pytest.approx(row.ap_50, abs=1e-6)


def test_the_interval_is_around_the_value_and_narrower_for_more_images():
    random = np.random.default_rng(0)
    few = Matches.of(*random_detections(random, images=20, ties=True))
    many = Matches.of(*random_detections(random, images=200, ties=True))
    widths = []
    for matches in (few, many):
        low, high = matches.interval(samples=200)
        assert low < matches.average_precision() < high
        widths.append(high - low)
    assert widths[1] < 0.6 * widths[0]


def test_nothing_found_and_nothing_there():
    none = np.zeros(0, int), np.zeros((0, 4)), np.zeros(0)
    assert Matches.of(*none, (np.array([[0.0, 0.0, 5.0, 5.0]]),)).average_precision() == 0.0
    assert np.isnan(Matches.of(*none, (np.zeros((0, 4)),)).average_precision())
