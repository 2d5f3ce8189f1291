"""Refinement: which crops are read, how often, and that boxes come back to the image."""

import numpy as np
import torch
from PIL import Image

from bright import Bright
from ganloc.box.detections import Detections
from ganloc.box.iou import iou
from ganloc.images.batches import CUT
from ganloc.images.folder import load_folder
from ganloc.images.gather import crop_reader
from ganloc.student.refine import (
    CLOSE_LOOKS,
    LOOKS,
    Looks,
    crops_around,
    from_crops,
    in_crops,
    refine_boxes,
    refine_objects,
)
from ganloc.student.train_student import THRESHOLD, soft_masks, student_boxes

STUDENT = Bright(32, 1).eval()


def upper_left(seen):
    """Every crop shows something bright in its upper left quarter."""

    def read_crops(indices, crops):
        seen.append((indices.tolist(), crops.copy()))
        pixels = np.zeros((len(indices), 32, 32, 3), np.uint8)
        pixels[:, :16, :16] = 255
        return pixels

    return read_crops


def test_crops_are_one_and_a_half_times_as_wide_and_stay_in_the_image():
    assert LOOKS.margin == 1.5
    boxes = np.array([[0.4, 0.4, 0.6, 0.8], [0.0, 0.7, 0.2, 1.0], [0.1, 0.0, 0.9, 1.0]])
    np.testing.assert_allclose(
        crops_around(boxes, LOOKS.margin),
        [
            [0.35, 0.3, 0.65, 0.9],
            [0.0, 0.55, 0.3, 1.0],  # moved, not cut
            [0.0, 0.0, 1.0, 1.0],  # no larger than the image
        ],
    )


def test_boxes_within_a_crop_come_back_to_the_image():
    seen = []
    boxes, sizes = np.array([[0.4, 0.4, 0.6, 0.8]]), np.array([[90, 40]])
    found = refine_boxes(STUDENT, boxes, sizes, upper_left(seen))
    first = np.array([0.35, 0.3, 0.65, 0.9])
    np.testing.assert_allclose(seen[0][1], [first])
    # Around the quarter found in it, [0.35, 0.3, 0.5, 0.6], sides half as long again.
    np.testing.assert_allclose(seen[1][1], [[0.3125, 0.225, 0.5375, 0.675]])
    np.testing.assert_allclose(found, [[0.3125, 0.225, 0.425, 0.45]])
    assert len(seen) == LOOKS.rounds == 2


def test_images_no_larger_than_the_network_keep_their_box():
    seen = []
    boxes = np.tile([0.2, 0.2, 0.6, 0.6], (3, 1))
    sizes = np.array([[32, 32], [10, 33], [20, 8]])
    found = refine_boxes(STUDENT, boxes, sizes, upper_left(seen))
    assert [indices for indices, _ in seen] == [[1], [1]]
    np.testing.assert_array_equal(found[[0, 2]], boxes[[0, 2]])
    assert not np.array_equal(found[1], boxes[1])
    np.testing.assert_array_equal(boxes, np.tile([0.2, 0.2, 0.6, 0.6], (3, 1)))  # untouched


def test_a_crop_that_is_the_whole_image_shows_no_more():
    seen = []
    boxes = np.array([[0.1, 0.0, 0.9, 1.0], [0.4, 0.4, 0.6, 0.8], [0.0, 0.2, 1.0, 0.9]])
    found = refine_boxes(STUDENT, boxes, np.full((3, 2), 64), upper_left(seen))
    assert [indices for indices, _ in seen] == [[1], [1]]
    np.testing.assert_array_equal(found[[0, 2]], boxes[[0, 2]])
    assert not np.array_equal(found[1], boxes[1])
    refine_boxes(STUDENT, boxes[:1], np.full((1, 2), 64), upper_left(seen))
    assert len(seen) == 2


def test_many_images_are_refined_some_at_a_time():
    random = np.random.default_rng(0)
    low = random.uniform(0.0, 0.5, (CUT + 5, 2))
    boxes, sizes = np.concatenate([low, low + 0.3], axis=1), np.full((CUT + 5, 2), 64)
    seen = []
    together = refine_boxes(STUDENT, boxes, sizes, upper_left(seen))
    assert [len(indices) for indices, _ in seen] == [CUT, CUT, 5, 5]
    for at in (0, CUT - 1, CUT, CUT + 4):
        alone = refine_boxes(STUDENT, boxes[at : at + 1], sizes[at : at + 1], upper_left([]))
        np.testing.assert_allclose(together[at], alone[0])


def test_a_small_object_in_a_large_photo_is_boxed_to_a_part_of_a_cell(tmp_path):
    # Of 1024 × 512 pixels, so that a pixel of the network is 32 × 16 of them.
    truth = np.array([[205, 130, 275, 205], [700, 301, 843, 377]]) / [1024, 512, 1024, 512]
    for index, box in enumerate(truth):
        photo = Image.new("RGB", (1024, 512))
        x0, y0, x1, y1 = (box * [1024, 512, 1024, 512]).round().astype(int).tolist()
        photo.paste((255, 255, 255), (x0, y0, x1, y1))
        photo.save(tmp_path / f"{index}.png")
    images = load_folder(tmp_path, 32)
    before = student_boxes(STUDENT, images.pixels)
    reader = crop_reader(images)
    assert reader is not None
    found = refine_boxes(STUDENT, before, images.sizes, reader)
    assert iou(before, truth).max() < 0.85
    assert iou(found, truth).min() > 0.9
    assert torch.is_grad_enabled()


def test_the_mask_of_the_last_crop_is_finer(tmp_path):
    truth = np.zeros((512, 1024), bool)
    truth[130:200, 205:235] = truth[170:200, 205:275] = True  # an L
    Image.fromarray(truth.astype(np.uint8) * 255).save(tmp_path / "0.png")
    Image.new("RGB", (32, 32)).save(tmp_path / "1.png")
    images = load_folder(tmp_path, 32)
    reader = crop_reader(images)
    assert reader is not None
    first = Detections.from_heatmaps(soft_masks(STUDENT, images.pixels), 32, THRESHOLD)
    boxes, masks = refine_objects(STUDENT, first.boxes, first.masks, images.sizes, reader)
    np.testing.assert_array_equal(boxes, refine_boxes(STUDENT, first.boxes, images.sizes, reader))
    before, after = (own.at(1024, 512) for own in (first.masks[0], masks[0]))
    shared_before, shared = (
        (mask & truth).sum() / (mask | truth).sum() for mask in (before, after)
    )
    assert shared_before < 0.6 < 0.75 < shared  # a cell of the student is 64 × 32, then about 7 × 7
    np.testing.assert_allclose(boxes[0] * [1024, 512, 1024, 512], [205, 130, 275, 200], atol=12)
    assert masks[1] is first.masks[1]  # of a file that shows no more


def test_boxes_go_into_crops_and_come_back():
    crops = np.array([[0.5, 0.25, 1.0, 0.75], [0.0, 0.0, 1.0, 1.0]])
    boxes = np.array([[0.6, 0.35, 0.9, 0.65], [0.1, 0.2, 0.3, 0.4]])
    within = in_crops(crops, boxes)
    np.testing.assert_allclose(within[0], [0.2, 0.2, 0.8, 0.8])
    np.testing.assert_allclose(from_crops(crops, within), boxes)


def test_a_student_of_close_ups_looks_closer_and_more_often():
    seen = []
    boxes = np.array([[0.4, 0.4, 0.6, 0.8]])
    refine_boxes(STUDENT, boxes, np.array([[640, 640]]), upper_left(seen), CLOSE_LOOKS)
    assert len(seen) == CLOSE_LOOKS.rounds == 4
    np.testing.assert_allclose(seen[0][1], [[0.37, 0.34, 0.63, 0.86]])  # sides × 1.3


def test_own_colours_sharpen_the_last_look_alone():
    """The student says "above the middle"; the colours say "above a third"."""

    class UpperHalf(Bright):
        def forward(self, images):
            mask = torch.zeros(len(images), 16, 16)
            mask[:, 5:8] = 0.4  # hardly
            mask[:, :5] = 3.0
            return mask - 0.2

    def read_crops(indices, crops):
        pixels = np.full((len(indices), 32, 32, 3), 40, np.uint8)
        pixels[:, :10] = 220
        return pixels

    student, boxes = UpperHalf(32, 1).eval(), np.array([[0.0, 0.0, 1.0, 1.0]])
    sharp = refine_boxes(student, boxes, np.array([[64, 64]]), read_crops, Looks(1.3, 1, True))
    np.testing.assert_allclose(sharp, [[0.0, 0.0, 1.0, 10 / 32]], atol=1.5 / 32)
