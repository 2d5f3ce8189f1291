"""Learning from hints."""

import dataclasses
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch

from ganloc.box.iou import best_iou
from ganloc.images.image_set import ImageSet
from ganloc.recipes import Recipe
from ganloc.student import learn_hints as hints_module
from ganloc.student.hinted import Hinted
from ganloc.student.learn_hints import LABEL_FREE, learn_hints, steps_of_hints
from ganloc.student.optimise import CountedSteps
from ganloc.student.train_student import new_student, student_boxes, train_student
from ganloc.threads import side_by_side

CPU = torch.device("cpu")
RECIPE = Recipe(size=32, student_width=4, seed=0)


def squares(count, seed, colour=(250, 30, 30)):
    """Squares of a third to half of the side, anywhere, on noise; the truth in pixels of 320."""
    random = np.random.default_rng(seed)
    pixels = random.integers(60, 140, (count, 32, 32, 3)).astype(np.uint8)
    truth = []
    for image in pixels:
        side = random.integers(11, 17)
        x, y = random.integers(0, 32 - side, 2)
        image[y : y + side, x : x + side] = colour
        truth.append(10.0 * np.array([[x, y, x + side, y + side]]))
    names = tuple(f"{seed}-{index}.png" for index in range(count))
    return ImageSet(pixels, names, np.full((count, 2), 320), tuple(truth))


def learn(images, hints, label_free=None, **changes):
    recipe = dataclasses.replace(RECIPE, **changes)
    return learn_hints(images, hints, label_free, recipe, CPU, lambda done, loss: None)


@pytest.fixture(scope="module")
def learned():
    images = squares(40, seed=1)
    return images, learn(images.unlabelled(), images.subset(range(8)))


def test_eight_hints_teach_what_is_meant(learned):
    images, hinted = learned
    rest = images.subset(range(8, 40))
    found = student_boxes(hinted.student, rest.pixels) * 320
    assert (best_iou(found, rest.truth) > 0.5).mean() > 0.8


def test_what_is_expected_was_measured_on_hints_that_were_not_shown(learned):
    images, hinted = learned
    assert hinted.names == images.names[:8]
    assert hinted.teacher == ("scratch",)
    assert len(hinted.ious) == 8
    assert hinted.label_free_ious == ()
    rest = images.subset(range(8, 40))
    true = best_iou(student_boxes(hinted.student, rest.pixels) * 320, rest.truth)
    assert np.mean(hinted.ious) < true.mean() + 0.1  # the final student has seen more


def test_hints_decide_between_two_things_in_every_image():
    images = squares(30, seed=2)
    red = images.truth
    random = np.random.default_rng(3)
    for image, boxes in zip(images.pixels, red, strict=True):
        x0, y0, x1, y1 = (boxes[0] / 10).astype(int)
        side = 9
        places = [
            (x, y)
            for x in range(32 - side)
            for y in range(32 - side)
            if x + side <= x0 or x >= x1 or y + side <= y0 or y >= y1
        ]
        x, y = places[random.integers(len(places))]
        image[y : y + side, x : x + side] = (30, 30, 250)
    hinted = learn(images.unlabelled(), images.subset(range(10)))
    found = student_boxes(hinted.student, images.pixels[10:]) * 320
    assert (best_iou(found, red[10:]) > 0.5).mean() > 0.7


def test_the_same_seed_gives_the_same_student(short_hints):
    images = squares(12, seed=4)
    one, other = (learn(images, images.subset([0, 3, 5])) for _ in range(2))
    for a, b in zip(one.student.parameters(), other.student.parameters(), strict=True):
        assert torch.equal(a, b)
    assert one.to_dict() == other.to_dict()


def test_a_label_free_student_that_hints_contradict_teaches_nothing(learned):
    images = squares(9, seed=5)
    never_right = new_student(32, 4, 7, CPU).eval().requires_grad_(False)
    before = {name: value.clone() for name, value in never_right.state_dict().items()}
    hinted = learn(images, images.subset(range(6)), never_right)
    assert LABEL_FREE not in hinted.teacher
    assert np.mean(hinted.ious) > np.mean(hinted.label_free_ious)
    for name, value in never_right.state_dict().items():
        assert torch.equal(value, before[name])


def test_a_label_free_student_that_hints_confirm_is_believed(learned, short_hints):
    good = learned[1].student
    images = squares(9, seed=6)
    hinted = learn(images, images.subset(range(6)), good, student_width=4)
    assert hinted.teacher == (LABEL_FREE, "warm")
    assert np.mean(hinted.ious) > 0.5
    assert np.mean(hinted.label_free_ious) > 0.5


@pytest.mark.parametrize("count", [1, 2, 4])
def test_few_hints_and_steps_are_counted(count, short_hints):
    images, done = squares(6, seed=8), []
    label_free = new_student(32, 4, 0, CPU).eval()
    hinted = learn_hints(
        images, images.subset(range(count)), label_free, RECIPE, CPU, lambda n, loss: done.append(n)
    )
    assert done == list(range(1, min(count, 3) * (2 + 2) + 2 + 1))
    assert len(done) == steps_of_hints(count, warm=True)
    assert len(hinted.ious) == (count if count > 1 else 0)
    assert len(hinted.label_free_ious) == count


def test_several_boxes_none_and_every_image_hinted(short_hints):
    images = squares(5, seed=9)
    two = np.concatenate([images.truth[0], [[0.0, 0.0, 30.0, 40.0]]])
    hints = dataclasses.replace(images, truth=(two, np.empty((0, 4)), *images.truth[2:]))
    hinted = learn(images, hints)
    assert len(hinted.ious) == 4  # one says that there is no object
    assert student_boxes(hinted.student, images.pixels).shape == (5, 4)


def test_an_image_without_the_object_teaches_an_empty_mask(short_hints):
    images = squares(8, seed=10)
    empty = dataclasses.replace(images, truth=(np.empty((0, 4)),) * 4 + images.truth[4:])
    assert learn(images, empty).student is not None


def test_json_there_and_back(learned):
    _, hinted = learned
    assert Hinted.from_dict(hinted.student, hinted.to_dict()) == hinted
    for name in hinted.to_dict():
        given = {key: value for key, value in hinted.to_dict().items() if key != name}
        with pytest.raises(KeyError):
            Hinted.from_dict(hinted.student, given)


def found(*corners):
    """Masks of boxes from a corner to the lower right, which cover so much of the side."""
    masks = np.zeros((len(corners), 32, 32), np.float32)
    for mask, corner in zip(masks, corners, strict=True):
        mask[corner:, corner:] = 1.0
    return hints_module._Source([], masks, np.zeros(len(corners)))


BOTH = (LABEL_FREE, "warm")  # whose mean mask, cut at 0.6, is where both masks are


@pytest.mark.parametrize(
    ("warm", "believed", "corners"),
    [
        ((8, 8, 8, 8), ("warm",), (8, 8, 8, 8)),  # all better than both, by the same
        ((8, 8, 10, 0), BOTH, (10, 10, 10, 10)),  # better in two, worse in one
        ((0, 0, 0, 0), BOTH, (10, 10, 10, 10)),  # all worse
    ],
)
def test_the_label_free_student_has_a_part_unless_a_gain_is_beyond_chance(warm, believed, corners):
    truth = (np.array([[0.25, 0.25, 1.0, 1.0]]),) * 4
    sources = {"warm": found(*warm), LABEL_FREE: found(10, 10, 10, 10)}
    teacher, ious = hints_module._most_believable(sources, truth)
    assert teacher == believed
    sides = (32 - np.array(corners)) / 24
    np.testing.assert_allclose(ious, np.minimum(sides, 1 / sides) ** 2)


def test_one_hint_is_not_enough_to_leave_the_label_free_student_out():
    truth = (np.array([[0.25, 0.25, 1.0, 1.0]]),)
    sources = {LABEL_FREE: found(30), "warm": found(8)}
    assert hints_module._most_believable(sources, truth)[0] == BOTH


def test_a_teacher_s_sources_count_the_same_however_many_students_they_have(monkeypatch):
    images, taught = squares(3, seed=12), []
    one, *three = (new_student(32, 2, seed, CPU) for seed in range(4))
    sources = [
        hints_module._Source(students, found(12).on_hints, np.zeros(1))
        for students in ([one], three)
    ]

    def masks(student, pixels):
        return found(*[12 if student is one else 8] * len(pixels)).on_hints

    def keep_boxes(student, pixels, boxes, *settings):
        taught.append(boxes)
        yield 0.0

    monkeypatch.setattr(hints_module, "soft_masks", masks)
    monkeypatch.setattr(hints_module, "train_student", keep_boxes)
    start, counted = hints_module.STARTS["warm"], CountedSteps(lambda done, loss: None)
    drawn = images.subset([0]), np.zeros((1, 1, 4))
    hints_module._learn_with_teacher(one, images, *drawn, sources, start, 0, counted)
    # A half from 8 to 12, less than 0.6 of the maximum; three quarters if students were counted.
    np.testing.assert_allclose(taught[0][1:, 0], [[12 / 32, 12 / 32, 1.0, 1.0]] * 2)


def test_students_of_the_folds_are_the_same_on_one_thread_and_two(two_threads):
    images = squares(12, seed=11)
    boxes = np.stack(images.truth) / 320
    found = []
    for number in (1, 2):
        torch.set_num_threads(number)
        students = [new_student(32, 8, seed, CPU) for seed in range(3)]
        drawn = images.pixels, boxes
        trainings = [train_student(one, *drawn, 3, seed=0, batch=4) for one in students]
        assert len(list(side_by_side(trainings))) == 9
        found.append([weights.clone() for one in students for weights in one.parameters()])
    assert all(torch.equal(one, other) for one, other in zip(*found, strict=True))


def test_folds_have_one_thread_each_and_the_final_student_all(
    two_threads, short_hints, monkeypatch
):
    threads = []

    def counting(*settings):
        for loss in train_student(*settings):
            threads.append((settings[5], torch.get_num_threads()))
            yield loss

    monkeypatch.setattr(hints_module, "train_student", counting)
    images = squares(6, seed=12)
    learn(images, images.subset([0, 1, 2]))
    batches = (hints_module.FOLD_BATCH, 1), (hints_module.FINAL_BATCH, 2)
    assert set(threads) == set(batches)


def test_an_error_between_steps_leaves_the_threads_as_they_were(two_threads, short_hints):
    def failing(done, loss):
        raise FloatingPointError("loss")

    images = squares(6, seed=13)
    with pytest.raises(FloatingPointError) as raised:
        learn_hints(images, images.subset([0, 1, 2]), None, RECIPE, CPU, failing)
    assert raised.tb is not None  # which still holds what was running
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(torch.get_num_threads).result() == 2


def test_one_hint_with_a_box_among_several_tells_no_quality(short_hints):
    images = squares(6, seed=14)
    hints = dataclasses.replace(images.subset([0, 1]), truth=(images.truth[0], np.empty((0, 4))))
    assert learn(images, hints).ious == ()
