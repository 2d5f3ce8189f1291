"""Pages of small drawings."""

import numpy as np
import pytest
from PIL import Image

from ganloc.report.contact_sheet import PER_PAGE, TILE, Tile, contact_sheet, tile_height
from ganloc.report.drawing import PAPER


def tiles(count, size=(TILE, 150)):
    """Tiles whose red says which one it is."""
    return [
        Tile(Image.new("RGB", size, (100 + index, 0, 200)), f"{index}.jpg", index / 100)
        for index in range(count)
    ]


def places(page, count):
    """The left upper corner of each tile, found by its colour."""
    pixels = np.asarray(page)
    corners = []
    for index in range(count):
        rows, columns = np.nonzero((pixels == (100 + index, 0, 200)).all(axis=2))
        corners.append((int(rows.min()), int(columns.min())))
    return corners


@pytest.mark.parametrize("count", [1, 2, 8, 9, PER_PAGE])
def test_tiles_lie_in_rows_in_their_order_and_do_not_overlap(count):
    page = contact_sheet(tiles(count), 150, "title", "note")
    corners = places(page, count)
    assert corners == sorted(corners)
    assert len({left for _, left in corners}) == min(count, 8)
    pixels = np.asarray(page)
    for index, (top, left) in enumerate(corners):
        tile = pixels[top : top + 150, left : left + TILE]
        assert (tile == (100 + index, 0, 200)).all()
        caption = pixels[top + 150 : top + 170, left : left + TILE].astype(int)
        assert caption.min() < 100  # a name
        assert caption[:, -40:].min() < 200  # a score


def test_smaller_drawings_are_in_the_middle_above_their_caption():
    small = [Tile(Image.new("RGB", (20, 30), (100, 0, 200)), "a.jpg", 0.5)]
    (corner,) = places(contact_sheet(small, 150, "", ""), 1)
    (full,) = places(contact_sheet(tiles(1), 150, "", ""), 1)
    assert corner == (full[0] + 120, full[1] + (TILE - 20) // 2)


def test_no_tiles_are_a_page_with_a_title():
    page = np.asarray(contact_sheet([], 150, "0 images", "note"))
    assert (page[0] == PAPER).all()
    assert (page != PAPER).any()


@pytest.mark.parametrize(
    ("sizes", "height"),
    [
        ([[100, 100]], 200),
        ([[4000, 3000]], 150),
        ([[300, 400], [300, 400], [5, 1]], 267),
        ([[1000, 1]], 100),
        ([[1, 1000]], 300),
    ],
)
def test_tiles_have_the_shape_of_most_images(sizes, height):
    assert tile_height(np.array(sizes)) == height
