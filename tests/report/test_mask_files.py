"""Masks as PNG files."""

import numpy as np
import pytest
from PIL import Image

from ganloc.box.detections import Detections
from ganloc.box.soft_mask import SoftMask
from ganloc.errors import Notice
from ganloc.images.image_set import ImageSet
from ganloc.report.mask_files import write_masks

HALVES = np.array([[1.0, 0.0]], np.float32)


def images_and_objects(names, count=2):
    """The first image has `count` objects, the left and the right half by turns; others none."""
    pixels = np.zeros((len(names), 8, 8, 3), np.uint8)
    images = ImageSet(pixels, names, np.full((len(names), 2), (6, 4)))
    masks = tuple(SoftMask(HALVES[:, :: 1 - 2 * (k % 2)], 0.5) for k in range(count))
    zeros = np.zeros(count, int)
    heatmaps = np.zeros((len(names), 8, 8), np.float32)
    return images, Detections(zeros, np.zeros((count, 4)), np.ones(count), masks, heatmaps)


def test_pixels_are_numbers_of_objects_and_files_are_named_like_drawings(tmp_path):
    write_masks(tmp_path, *images_and_objects(("a/one.jpg", "two.png")))
    with Image.open(tmp_path / "a" / "one.jpg.png") as image:
        assert (image.size, image.mode) == ((6, 4), "L")
        np.testing.assert_array_equal(image, np.tile([1, 1, 1, 2, 2, 2], (4, 1)))
    with Image.open(tmp_path / "two.png.png") as image:
        assert image.size == (6, 4)
        assert not np.asarray(image).any()


@pytest.mark.parametrize(("count", "kind"), [(255, np.uint8), (300, np.uint16)])
def test_more_than_255_objects_have_16_bits(count, kind, tmp_path):
    write_masks(tmp_path, *images_and_objects(("a.png",), count))
    with Image.open(tmp_path / "a.png.png") as image:
        pixels = np.asarray(image)
    assert pixels.dtype == kind
    assert set(pixels.ravel()) == {1, 2}  # of masks that overlap, the best is on top


def test_changed_names_are_told(tmp_path):
    with pytest.warns(Notice, match="another name than"):
        write_masks(tmp_path, *images_and_objects(("a.png", "A.png")))
    assert len(list(tmp_path.iterdir())) == 2
