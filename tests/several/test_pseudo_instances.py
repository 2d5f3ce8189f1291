import numpy as np

from ganloc.several.kind import Kind
from ganloc.several.pseudo_instances import holds_several, pseudo_instances, roundness
from scenes import boxes_of, scene


def sorted_rows(boxes):
    return boxes[np.lexsort(boxes.T[::-1])]


def test_boxes_of_discs_within_a_pixel_and_a_half():
    discs = [(30, 30, 12), (53, 30, 12), (90, 90, 12)]
    found, radius = pseudo_instances(scene(discs)[None])
    expected = sorted_rows(boxes_of(discs))
    assert np.allclose(sorted_rows(found[0].boxes), expected, atol=1.5 / 128)
    assert abs(radius - 12 / 128) < 0.02


def test_half_of_the_pixels_give_the_same_boxes():
    discs = [(30, 30, 12), (90, 90, 12)]
    half = scene(discs).reshape(64, 2, 64, 2, 3).mean((1, 3)).round().astype(np.uint8)
    found, _ = pseudo_instances(half[None])
    assert np.allclose(sorted_rows(found[0].boxes), sorted_rows(boxes_of(discs)), atol=2 / 128)


def test_what_the_frame_cuts_is_not_clear():
    found, _ = pseudo_instances(scene([(40, 40, 12), (2, 90, 12)])[None])
    at_frame = found[0].boxes[:, 0] == 0
    assert at_frame.sum() == 1
    assert (found[0].clear == ~at_frame).all()


def test_ragged_foreground_is_not_clear():
    image = scene([])
    image[40:80:, 40:80][np.add.outer(np.arange(40), np.arange(40)) < 40] = (200, 150, 60)
    image[30:34, 30:110] = (200, 150, 60)
    found, _ = pseudo_instances(image[None])
    assert len(found[0].boxes)
    assert not found[0].clear.any()


def test_a_set_holds_several_where_clear_objects_of_one_size_do():
    rows = [(30, 30, 12), (60, 90, 12), (95, 40, 12)]
    assert holds_several(*pseudo_instances(np.stack([scene(rows), scene(rows[:2])])))
    assert not holds_several(*pseudo_instances(np.stack([scene([]), scene([]), scene(rows[:1])])))


def test_another_colour_or_size_is_another_kind():
    image = scene([(25, 25, 12), (60, 25, 12), (95, 25, 12), (25, 60, 12), (25, 95, 12)])
    other = scene([(90, 90, 12)], colour=(60, 40, 200))
    image[70:110, 70:110] = other[70:110, 70:110]
    pixels = image[None]
    found, _ = pseudo_instances(pixels)
    kind = Kind.of(pixels, found)
    own, foreign = boxes_of([(60, 25, 12)]), boxes_of([(90, 90, 12)])
    assert kind.alike(0, own).all()
    assert not kind.alike(0, foreign).any()
    assert not kind.alike(0, boxes_of([(60, 25, 4)])).any()


def test_roundness_of_two_discs_is_low():
    y, x = np.mgrid[:40, :80] + 0.5
    one = (x - 20) ** 2 + (y - 20) ** 2 <= 225
    assert roundness(one) > 0.95
    assert roundness(one | ((x - 50) ** 2 + (y - 20) ** 2 <= 225)) < 0.85
