import numpy as np

from ganloc.several.background import background_distance, foreground_thresholds
from scenes import scene


def test_foreground_is_what_differs_from_a_sloping_background():
    discs = [(40, 40, 12), (90, 80, 12)]
    pixels = np.stack([scene(discs), scene([])])
    distances = background_distance(pixels)
    foreground = distances > foreground_thresholds(distances)[:, None, None]
    # Blurred by 2 pixels and cut well below half of the contrast, a disc grows by some pixels.
    area = 2 * np.pi * 12**2
    assert area < foreground[0].sum() < 1.6 * area
    assert foreground[0, 40, 40]
    assert foreground[0, 80, 90]
    assert not foreground[0, 64, 64]
    assert not foreground[1].any()  # the set's threshold holds where there is nothing


def test_objects_that_touch_all_borders_are_not_background():
    discs = [(x, y, 14) for x in (0, 64, 128) for y in (0, 64, 128) if (x, y) != (64, 64)]
    distance = background_distance(scene(discs)[None])[0]
    assert distance[1, 1] > 0.4
    assert distance[126, 64] > 0.4
    assert distance[64, 64] < 0.05


def test_constant_images_have_no_foreground():
    distances = background_distance(np.full((2, 64, 64, 3), 90, np.uint8))
    assert not (distances > foreground_thresholds(distances)[:, None, None]).any()
