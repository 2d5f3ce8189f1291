"""Close-ups: of which files they are taken, and that their boxes lie on the object."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from bright import Bright
from ganloc.box.from_heatmap import boxes_from_heatmaps
from ganloc.box.iou import iou
from ganloc.images.folder import load_folder
from ganloc.student.close_ups import colours_tell, look_closer
from ganloc.student.pseudo_boxes import PseudoBoxFinder

STUDENT = Bright(32, 1).eval()
# In files of 640 × 640 pixels; a pixel of the network is 20 of them.
BRIGHT = {"0.png": (210, 310, 290, 350), "1.png": (70, 90, 250, 170), "2.png": (400, 30, 610, 300)}
ROUGH = np.array(
    [[0.25, 0.4, 0.55, 0.65], [0.0, 0.0, 0.5, 0.4], [0.55, 0.0, 1.0, 0.6], [0.1, 0.1, 0.9, 0.9]]
)


class Finder(PseudoBoxFinder):
    """Finds what is bright."""

    def __init__(self):
        pass

    def anew(self, pixels):
        return self

    def boxes(self, pixels, features=None):
        return boxes_from_heatmaps(pixels.mean(axis=3), pixels.shape[1], 0.5)


@pytest.fixture
def images(tmp_path):
    for name, box in BRIGHT.items():
        photo = Image.new("RGB", (640, 640), (30, 30, 30))
        photo.paste((220, 220, 220), box)
        photo.save(tmp_path / name)
    Image.new("RGB", (32, 32)).save(tmp_path / "3.png")  # no larger than the network's images
    return load_folder(tmp_path, 32)


def test_boxes_of_close_ups_are_exact_where_those_of_whole_images_are_not(images):
    closer = look_closer(images, Finder(), ROUGH)
    assert closer.sharpened
    boxes, close = closer(STUDENT, ROUGH)
    truth = np.array(list(BRIGHT.values())) / 640
    assert iou(ROUGH[:3], truth).max() < 0.7
    assert iou(boxes[:3], truth).min() > 0.9
    np.testing.assert_array_equal(boxes[3], [0.1, 0.1, 0.9, 0.9])
    assert close.pixels.shape == (3, 32, 32, 3)
    for pixels, (x0, y0, x1, y1) in zip(close.pixels, close.boxes * 32, strict=True):
        bright = pixels[..., 0] > 125
        at = np.arange(32) + 0.5
        inside = ((at > y0) & (at < y1))[:, None] & ((at > x0) & (at < x1))
        assert (bright == inside).mean() > 0.93


def test_there_are_none_without_files_that_show_more(images):
    assert look_closer(images.subset([3]), Finder(), ROUGH[3:]) is None
    assert look_closer(replace(images, archive=None), Finder(), ROUGH) is None


def test_without_colours_the_mean_of_both_boxes_is_taught(images):
    closer = replace(look_closer(images, Finder(), ROUGH), sharpened=False)
    boxes, _ = closer(STUDENT, ROUGH)
    assert iou(boxes[:3], np.array(list(BRIGHT.values())) / 640).min() > 0.85


def test_colours_tell_nothing_where_the_object_has_those_of_its_background():
    random = np.random.default_rng(0)
    noise = random.integers(0, 256, (5, 32, 32, 1), np.uint8).repeat(3, axis=3)
    box = np.tile([0.25, 0.25, 0.75, 0.75], (5, 1))
    assert not colours_tell(noise, box)
    noise[:, 8:24, 8:24, 0] = 255
    noise[:, 8:24, 8:24, 1:] = 0
    assert colours_tell(noise, box)
