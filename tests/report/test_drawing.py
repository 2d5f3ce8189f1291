"""A box, a contour and a caption on an image, measured in its pixels."""

import numpy as np
import pytest
from PIL import Image

from ganloc.box.soft_mask import SoftMask
from ganloc.report.drawing import (
    CONTOUR,
    INK,
    PAPER,
    Shape,
    annotated,
    captioned,
    with_contours,
)
from ganloc.report.grid import FOUND_BOX
from ganloc.report.text import fitted

NOWHERE = np.zeros((32, 32), np.float32)


def ramp(size=64):
    """Heat that grows from 0 at the left to 1 at the right."""
    return np.tile(np.linspace(0.0, 1.0, size, dtype=np.float32), (size, 1))


def shape(heat, level, box=(0.0, 0.0, 1.0, 1.0)):
    return Shape(np.array(box, float), SoftMask(heat, level))


def with_contour(pixels, heat, level):
    return with_contours(pixels, heat, [shape(heat, level)])


def green(image):
    return (np.asarray(image) == FOUND_BOX).all(axis=2)


def test_the_box_is_outlined_just_inside_its_half_open_ends_with_a_dark_rim():
    image = Image.new("RGB", (200, 100), (200, 200, 200))
    heat = np.ones((8, 8), np.float32)
    drawn = annotated(image, heat, [shape(heat, 0.5, (0.25, 0.2, 0.75, 0.8))])
    expected = np.zeros((100, 200), bool)
    expected[20:80, 50:150] = True
    expected[21:79, 51:149] = False  # round(1 + 100 / 240) = 1 pixel
    np.testing.assert_array_equal(green(drawn), expected)
    rim = np.asarray(drawn)[19:81, 49:151].astype(int)
    for edge in (rim[0], rim[-1], rim[:, 0], rim[:, -1]):
        assert (edge < 130).all()  # 200, under black of 120/255
    assert (np.asarray(drawn)[30:70, 60:140] == 200).all()
    assert (np.asarray(image) == 200).all()  # drawn on a copy


@pytest.mark.parametrize("side", [1, 2, 5, 40, 1000])
@pytest.mark.parametrize("box", [(0, 0, 1, 1), (0.5, 0.5, 0.5001, 0.5001), (0.999, 0.0, 1.0, 0.2)])
def test_every_box_is_seen_within_the_image(box, side):
    image = Image.new("RGB", (side, side), (90, 90, 90))
    drawn = annotated(image, NOWHERE, [shape(NOWHERE, 0.5, box)])
    assert drawn.size == image.size
    x0, y0, x1, y1 = np.array(box) * side
    rows, columns = np.nonzero(green(drawn))
    assert len(rows) > 0
    assert columns.min() == min(round(x0), side - 1)
    assert columns.max() == max(columns.min(), round(x1) - 1)
    assert rows.min() == min(round(y0), side - 1)
    assert rows.max() == max(rows.min(), round(y1) - 1)


@pytest.mark.parametrize("level", [0.2, 0.5, 0.6, 0.9])
def test_the_contour_runs_where_the_heat_is_at_its_level(level):
    drawn = with_contour(np.full((300, 300, 3), 120, np.uint8), ramp(), level).astype(int)
    away = abs(drawn - np.array(CONTOUR)).sum(axis=2)
    # Heat grows by 1 over 300 pixels, up to half a cell at each end.
    assert (abs(away.argmin(axis=1) - level * 300) <= 3).all()
    near = (away < 150).sum(axis=1)
    assert (near >= 1).all()
    assert (near <= 4).all()  # a thin line


def test_the_contour_is_yellow_on_light_and_on_dark_images():
    for grey in (0, 128, 255):
        drawn = with_contour(np.full((300, 300, 3), grey, np.uint8), ramp(), 0.6).astype(int)
        nearest = abs(drawn - np.array(CONTOUR)).sum(axis=2).min(axis=1)
        assert (nearest < 40).all(), grey
    beside = drawn[150, 185:195].sum(axis=1).max()  # on white, darker beside the line
    assert drawn[150, 177:187].sum(axis=1).min() < beside


def test_the_image_is_darker_only_where_the_heat_is_low():
    pixels = np.random.default_rng(0).integers(0, 256, (90, 120, 3), np.uint8)
    heat = np.zeros((32, 32), np.float32)
    heat[:, 16:] = 1.0
    drawn = with_contour(pixels, heat, 0.6)
    np.testing.assert_array_equal(drawn[:, 80:], pixels[:, 80:])
    np.testing.assert_allclose(drawn[:, :40], pixels[:, :40] * 0.72, atol=0.51)


@pytest.mark.parametrize("value", [0.0, 0.3, 1.0])
def test_a_flat_heatmap_has_no_contour(value):
    pixels = np.full((50, 70, 3), 100, np.uint8)
    drawn = with_contour(pixels, np.full((8, 8), value, np.float32), 0.6)
    assert (drawn == drawn[0, 0]).all()


@pytest.mark.parametrize("shape", [(1, 1), (1, 50), (50, 1), (2, 700)])
def test_the_thinnest_images_are_drawn(shape):
    pixels = np.zeros((*shape, 3), np.uint8)
    assert with_contour(pixels, ramp(), 0.5).shape == pixels.shape


def test_the_caption_is_below_the_image():
    image = Image.new("RGB", (400, 300), (10, 200, 10))
    card = captioned(image, "a.jpg", [0.5])
    assert card.size == (400, 330)
    np.testing.assert_array_equal(np.asarray(card)[:300], np.asarray(image))
    strip = np.asarray(card)[300:].astype(int)
    assert (strip[0] == PAPER).all()
    inked = (strip.sum(axis=2) < 600).any(axis=0)
    assert inked[:100].any()  # the name
    assert inked[300:].any()  # the score
    assert not inked[150:250].any()
    assert abs(strip[:, :60] - np.array(INK)).sum(axis=2).min() < 60


def test_captions_differ_by_name_and_by_score():
    image = Image.new("RGB", (300, 10))
    cards = [
        captioned(image, one[0], [one[1]]).tobytes()
        for one in (("a", 0.5), ("b", 0.5), ("a", 0.51))
    ]
    assert len(set(cards)) == 3
    assert captioned(image, "a", [0.501]).tobytes() == cards[0]


def test_a_narrow_image_has_a_caption_that_can_be_read():
    image = Image.new("RGB", (10, 90), (255, 0, 0))
    card = np.asarray(captioned(image, "x" * 300, [0.25]))
    assert card.shape == (120, 240, 3)
    red = (card[:90] == (255, 0, 0)).all(axis=2)
    assert red.sum() == 900
    assert red[:, 115:125].all()


NAMES = ["a.jpg", "Vögel/é.jpg", "鳥🦋.jpg", "птица β.png", "a\nb\x1b[31m.jpg", "\u202eabc", "",
         "x" * 500, "عصفور.jpg", "e\u0301.jpg"]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("width", [0, 30, 200, 5000])
def test_every_name_fits_on_its_line(name, width):
    text, font = fitted(name, 15, width)
    assert text == "…" or font.getlength(text) <= width
    assert text.isprintable()
    if name.isascii() and name.isprintable() and width == 5000:
        assert text == name


def test_a_long_name_is_shortened_in_its_middle():
    name = "camera-" + "0" * 100 + "-0123.jpg"
    text, font = fitted(name, 15, 200)
    start, dots, end = text.partition("…")
    assert dots
    assert name.startswith(start)
    assert name.endswith(end)
    assert abs(len(start) - len(end)) <= 1
    assert 180 < font.getlength(text) <= 200


def test_letters_that_no_font_has_are_escaped(monkeypatch):
    monkeypatch.setattr("ganloc.report.text._OTHER_FONTS", ())
    assert fitted("鳥.jpg", 15, 500)[0] == "\\u9ce5.jpg"
    assert fitted("a\nb.jpg", 15, 500)[0] == "a\\nb.jpg"
    monkeypatch.setattr("ganloc.report.text._OTHER_FONTS", ("matplotlib's",))
    assert fitted("é鳥.jpg", 15, 500)[0].endswith("\\u9ce5.jpg")
    assert fitted("бé.jpg", 15, 500)[0] == "бé.jpg"
