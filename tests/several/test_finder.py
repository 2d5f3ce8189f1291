import numpy as np
import pytest
import torch

from ganloc.several.finder import DISTANCE, Finder, find, object_masks, soft_object_masks

HALF = 16


class Drawn(Finder):
    """A finder whose outputs are given; `mirrored` says where they are turned."""

    def __init__(self, heights, sides):
        super().__init__(2 * HALF, 1)
        self.given = torch.full((1, 6, HALF, HALF), -20.0)
        self.given[:, 1] = 20.0
        for (x, y), height in heights.items():
            self.given[0, 0, y, x] = torch.logit(torch.tensor(height))
        self.given[:, 2:] = torch.log(torch.tensor(sides))[None, :, None, None] - DISTANCE
        self.calls = 0
        self.eval()

    def outputs(self, images):
        self.calls += 1
        if self.calls % 2:
            return self.given.expand(len(images), -1, -1, -1)
        return self.given.flip(3)[:, [0, 1, 4, 3, 2, 5]].expand(len(images), -1, -1, -1)


def blank(count=1):
    return np.zeros((count, 2 * HALF, 2 * HALF, 3), np.uint8)


def test_each_centre_is_an_object_with_the_box_that_it_votes_for():
    finder = Drawn({(4, 5): 0.9, (11, 5): 0.7, (8, 13): 0.4}, [0.1, 0.15, 0.2, 0.05])
    found = find(finder, blank())
    at = np.array([[4.5 / 16, 5.5 / 16] * 2, [11.5 / 16, 5.5 / 16] * 2])
    votes = np.array([-0.1, -0.15, 0.2, 0.05])
    assert found.boxes == pytest.approx(at + votes, abs=1e-5)
    assert found.centres == pytest.approx([0.9, 0.7], abs=1e-5)
    assert len(find(finder, blank(), least=0.3)) == 3


def test_centres_of_the_same_box_are_one_object():
    found = find(Drawn({(6, 6): 0.8, (8, 6): 0.9}, [0.3, 0.3, 0.3, 0.3]), blank())
    assert found.centres == pytest.approx([0.9], abs=1e-5)  # IoU of the two boxes is 0.65


def test_images_without_a_centre_have_no_object():
    found = find(Drawn({}, [0.1] * 4), blank(2))
    assert len(found) == 0
    assert found.boxes.shape == (0, 4)
    assert found.of(1) == slice(0, 0)


def test_an_unusual_size_lowers_the_score_and_not_the_centre():
    finder = Drawn({(8, 8): 0.8}, [0.1] * 4)
    finder.sizes.copy_(torch.tensor([np.log(0.2 * np.e), 0.25]))  # e times as large: 1/(4·0.25) sd
    found = find(finder, blank())
    assert found.centres == pytest.approx([0.8], abs=1e-5)
    assert found.scores == pytest.approx([0.8 * np.exp(-0.5)], abs=1e-4)


def test_masks_of_touching_objects_share_the_box_by_the_nearest_centre():
    finder = Drawn({(4, 8): 0.9, (8, 8): 0.8}, [0.15] * 4)
    found = find(finder, blank())
    masks = object_masks(soft_object_masks(finder, blank()), found)
    assert masks.shape == (2, HALF, HALF)
    assert masks[0][8, 2:6].min() > 0.99
    assert masks[1][8, 7:11].min() > 0.99
    assert masks[0][8, 7:].max() == 0
    assert masks[1][8, :6].max() == 0
    assert masks[0][:5].max() == 0  # beyond the box


def test_the_first_output_is_what_forward_gives():
    finder = Finder(32, 2).eval()
    images = torch.rand(1, 3, 32, 32)
    assert torch.equal(finder(images), finder.outputs(images)[:, 0])
