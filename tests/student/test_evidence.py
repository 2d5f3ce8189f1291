"""Evidence for and against a box."""

import numpy as np
import pytest
import torch

from bright import Bright
from ganloc.box.from_heatmap import boxes_from_heatmaps
from ganloc.student import evidence as evidence_module
from ganloc.student.evidence import EVIDENCE, VIEWS, evidence, masks_in
from ganloc.student.unet import UNet

CONTRAST, COLOUR, FIRMNESS, SEEN = range(4)
SQUARE = np.array([0.375, 0.25, 0.75, 0.625])  # pixels 24 to 48 and 16 to 40 of 64


class Middle(UNet):
    """A student that finds the middle of whatever it is shown."""

    def forward(self, images):
        masks = torch.full((len(images), 32, 32), -10.0)
        masks[:, 8:24, 8:24] = 10.0
        return masks


@pytest.fixture
def pixels():
    """A white square on black."""
    image = np.zeros((64, 64, 3), np.uint8)
    image[16:40, 24:48] = 255
    return image[None]


def of(student, pixels, box, mask=0.5):
    masks = np.full(pixels.shape[:3], mask, np.float32)
    return evidence(student(64, 1).eval(), pixels, masks, np.atleast_2d(np.asarray(box, float)))


def test_a_right_box_has_all_evidence_for_it(pixels):
    (found,) = of(Bright, pixels, SQUARE, mask=0.9)
    assert found[CONTRAST] > 0.85  # white inside, black around, but for the blur of the border
    assert found[COLOUR] > 0.9
    assert found[FIRMNESS] == pytest.approx(0.9)
    assert found[SEEN] > 0.9


def test_a_wrong_box_has_less_of_each(pixels):
    (right,) = of(Bright, pixels, SQUARE)
    (beside,) = of(Bright, pixels, [0.0, 0.7, 0.3, 1.0])
    assert beside[CONTRAST] == pytest.approx(0.0, abs=0.01)  # black inside and around
    assert beside[COLOUR] == beside[SEEN] == 0.0
    (half,) = of(Bright, pixels, [0.375, 0.25, 0.75, 0.4375])
    assert (half[[CONTRAST, COLOUR, SEEN]] < right[[CONTRAST, COLOUR, SEEN]]).all()


def test_a_box_of_the_whole_image_has_nothing_around_to_contrast_with(pixels):
    (found,) = of(Bright, pixels, [0.0, 0.0, 1.0, 1.0])
    assert found[CONTRAST] == 0.0
    assert found[COLOUR] == pytest.approx((24 / 64) ** 2, abs=0.02)  # IoU with the square


def test_firmness_is_the_mean_of_the_mask_in_the_box(pixels):
    masks = np.zeros((1, 64, 64), np.float32)
    masks[0, 16:40, 24:36] = 0.8  # half of the square
    (found,) = evidence(Bright(64, 1).eval(), pixels, masks, SQUARE[None])
    assert found[FIRMNESS] == pytest.approx(0.4)


def test_boxes_of_views_are_those_of_the_whole_image(pixels):
    student = Middle(64, 1).eval()
    # The middle half of a view of 0.8 in a corner, and of one of 1.25 around the middle.
    places = ([0.2, 0.2, 0.6, 0.6], [0.4, 0.4, 0.8, 0.8], [0.1875, 0.1875, 0.8125, 0.8125])
    for view, expected in zip(VIEWS, places, strict=True):
        # Masks of half the side are resized between the centres of their pixels.
        found = view.in_image(boxes_from_heatmaps(masks_in(view, student, pixels), 64))
        np.testing.assert_allclose(found[0], expected, atol=0.02)
    own = np.array([0.25, 0.25, 0.75, 0.75])
    (found,) = of(Middle, pixels, own)
    shared, larger = 0.35**2 / (0.5**2 + 0.4**2 - 0.35**2), 0.5**2 / 0.625**2
    assert found[SEEN] == pytest.approx((2 * shared + larger) / 3, abs=0.03)


def test_one_of_several_objects_is_compared_with_itself():
    """A white square and a smaller one: each is found again by colours and in the views."""
    image = np.zeros((64, 64, 3), np.uint8)
    image[14:34, 14:34] = image[40:54, 38:52] = 255
    boxes = np.array([[14, 14, 34, 34], [38, 40, 52, 54]]) / 64
    masks, owner = np.full((1, 64, 64), 0.5, np.float32), np.array([0, 0])
    student = Bright(64, 1).eval()
    one = evidence(student, image[None], masks, boxes, owner)
    both = evidence(student, image[None], masks, boxes, owner, several=True)
    assert one[1, COLOUR] == one[1, SEEN] == 0.0  # it is compared with the larger square
    assert (both[:, [COLOUR, SEEN]] > 0.6).all()
    np.testing.assert_allclose(both[0], one[0])
    # With one box an image nothing else is compared.
    np.testing.assert_array_equal(evidence(student, image[None], masks, boxes[:1]), one[:1])


def test_parts_do_not_matter_nor_do_other_images(pixels, monkeypatch):
    random = np.random.default_rng(0)
    some = random.integers(0, 255, (5, 64, 64, 3)).astype(np.uint8)
    masks = random.random((5, 64, 64)).astype(np.float32)
    corners = np.sort(random.random((5, 2, 2)), axis=1)
    boxes = corners.reshape(5, 4)
    student = Bright(64, 1).eval()
    together = evidence(student, some, masks, boxes)
    assert together.shape == (5, len(EVIDENCE))
    monkeypatch.setattr(evidence_module, "CUT", 2)
    np.testing.assert_allclose(evidence(student, some, masks, boxes), together)


def test_flat_images_and_no_images_have_finite_evidence():
    flat = np.full((2, 64, 64, 3), 7, np.uint8)
    assert np.isfinite(of(Bright, flat, [[0.0, 0.0, 1.0, 1.0]] * 2)).all()
    assert of(Bright, flat[:0], np.empty((0, 4))).shape == (0, 4)
