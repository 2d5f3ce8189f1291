import numpy as np

from ganloc.several.collages import with_collages
from ganloc.several.train_finder import Lesson
from scenes import DISC, boxes_of, scene


def lesson_of_discs():
    discs = [(40, 40, 12), (90, 90, 12)]
    unknown = np.zeros((2, 128, 128), bool)
    unknown[1] = True
    return Lesson(np.stack([scene(discs), scene([])]), [boxes_of(discs), np.zeros((0, 4))], unknown)


def test_collages_hold_what_their_boxes_say():
    lesson = lesson_of_discs()
    made = with_collages(lesson, each=3, seed=0)
    assert made.pixels.shape == (8, 128, 128, 3)
    assert len(made.boxes) == 8
    assert (made.pixels[:2] == lesson.pixels).all()
    for image, boxes, unknown in zip(
        made.pixels[2:], made.boxes[2:], made.unknown[2:], strict=True
    ):
        discs = (image == DISC).all(axis=2)
        y, x = (np.argwhere(discs) + 0.5).T / 128
        inside = [(x > a) & (x < c) & (y > b) & (y < d) for a, b, c, d in boxes]
        assert np.any(inside, axis=0).all()  # each pixel of a disc lies in a box
        assert min(own.sum() for own in inside) > 0.3 * np.pi * 144 * 0.5
        assert not unknown[discs].any()
    assert max(len(own) for own in made.boxes[2:]) > 3


def test_without_a_known_instance_there_is_no_collage():
    empty = Lesson(scene([])[None], [np.zeros((0, 4))], np.zeros((1, 128, 128), bool))
    assert with_collages(empty, each=3, seed=0) is empty
