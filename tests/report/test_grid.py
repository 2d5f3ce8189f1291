"""Tiles, colours and outlines, pixel by pixel."""

import numpy as np
import pytest
from PIL import Image

from ganloc.errors import UserError
from ganloc.report.grid import FOUND_BOX, TRUE_BOX, colour, save_png, tile, with_boxes

RED, BLUE = (255, 0, 0), (0, 0, 255)


def flat(value, size=2):
    return np.full((size, size, 3), value, np.uint8)


def marked(image, outline):
    """Rows of # where an image has the colour `outline`."""
    on = (image == outline).all(axis=2)
    return ["".join("#" if pixel else "." for pixel in row) for row in on]


def test_images_are_laid_out_in_rows_on_white():
    sheet = tile(np.stack([flat(10), flat(20), flat(30)]), columns=2, gap=1)
    assert sheet.dtype == np.uint8
    assert sheet[..., 0].tolist() == [
        [10, 10, 255, 20, 20],
        [10, 10, 255, 20, 20],
        [255, 255, 255, 255, 255],
        [30, 30, 255, 255, 255],
        [30, 30, 255, 255, 255],
    ]
    assert (sheet == sheet[..., :1]).all()


def test_an_image_keeps_its_way_up_and_its_colours():
    image = np.random.default_rng(0).integers(0, 256, (1, 5, 5, 3), dtype=np.uint8)
    np.testing.assert_array_equal(tile(image, columns=1), image[0])
    sheet = tile(image.repeat(2, axis=0), columns=3)
    assert sheet.shape == (5, 3 * 5 + 2 * 2, 3)  # a place for a third, and two gaps of 2
    np.testing.assert_array_equal(sheet[:, 7:12], image[0])


def test_the_colours_of_nothing_and_of_all():
    assert colour(np.array([[0.0, 1.0]])).tolist() == [[[8, 8, 36], [252, 250, 164]]]


def test_colours_grow_in_brightness():
    ramp = colour(np.linspace(0.0, 1.0, 101)[None])
    assert ramp.shape == (1, 101, 3)
    brightness = ramp[0] @ np.array([0.299, 0.587, 0.114])  # as in printing to grey (ITU-R BT.601)
    assert (np.diff(brightness) > 0.0).all()


def test_a_box_is_outlined_just_inside_its_half_open_ends():
    image = flat(0, 8)
    drawn = with_boxes(image, [(RED, np.array([2.0, 1.0, 6.0, 5.0]))])
    assert marked(drawn, RED) == [
        "........",
        "..####..",
        "..#..#..",
        "..#..#..",
        "..####..",
        "........",
        "........",
        "........",
    ]
    assert image.max() == 0  # drawn on a copy


def test_ends_between_pixels_are_rounded():
    drawn = with_boxes(flat(0, 6), [(RED, np.array([0.6, 1.4, 3.6, 4.4]))])
    assert marked(drawn, RED) == ["......", ".###..", ".#.#..", ".###..", "......", "......"]


def test_the_whole_image_is_outlined_within_it():
    drawn = with_boxes(flat(0, 4), [(RED, np.array([0.0, 0.0, 4.0, 4.0]))])
    assert marked(drawn, RED) == ["####", "#..#", "#..#", "####"]


def test_a_box_thinner_than_a_pixel_is_seen():
    drawn = with_boxes(flat(0, 5), [(RED, np.array([2.0, 1.0, 2.3, 4.0]))])
    assert marked(drawn, RED) == [".....", "..#..", "..#..", "..#..", "....."]


def test_an_image_one_pixel_wide():
    image = np.zeros((5, 1, 3), np.uint8)
    drawn = with_boxes(image, [(RED, np.array([0.0, 1.0, 1.0, 4.0]))])
    assert marked(drawn, RED) == [".", "#", "#", "#", "."]


def test_lines_are_thicker_on_large_images():
    drawn = with_boxes(flat(0, 128), [(RED, np.array([10.0, 20.0, 50.0, 90.0]))])
    inside = np.zeros((128, 128), bool)
    inside[20:90, 10:50] = True
    inside[22:88, 12:48] = False  # 128 // 64 = 2 pixels
    np.testing.assert_array_equal((drawn == RED).all(axis=2), inside)


def test_the_last_box_lies_on_top():
    boxes = [(RED, np.array([0.0, 0.0, 3.0, 3.0])), (BLUE, np.array([2.0, 0.0, 4.0, 4.0]))]
    drawn = with_boxes(flat(0, 4), boxes)
    assert marked(drawn, RED) == ["##..", "#...", "##..", "...."]
    assert marked(drawn, BLUE) == ["..##"] * 4
    assert TRUE_BOX != FOUND_BOX


def test_a_png_holds_the_pixels(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (3, 7, 3), dtype=np.uint8)
    path = tmp_path / "new" / "folder" / "image.png"
    save_png(path, pixels)
    with Image.open(path) as image:
        assert image.format == "PNG"
        np.testing.assert_array_equal(np.asarray(image), pixels)
    assert list(path.parent.iterdir()) == [path]


def test_a_png_is_written_whole_or_not_at_all(tmp_path, monkeypatch):
    path = tmp_path / "image.png"
    save_png(path, flat(1))
    before = path.read_bytes()

    def breaks(_image, target, *_format):
        target.write(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Image.Image, "save", breaks)
    with pytest.raises(UserError, match=r"image\.png.*No space left"):
        save_png(path, flat(2))
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]
