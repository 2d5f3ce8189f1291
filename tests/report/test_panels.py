"""Panels on a page, pixel by pixel, and the files they are saved to."""

import io
import sys

import numpy as np
import pytest
from PIL import Image

from ganloc import cli
from ganloc.images.image_set import ImageSet
from ganloc.report.panels import (
    Panel,
    beside,
    boxed_tiles,
    draw_panels,
    heatmap_tiles,
    overlay_tiles,
    render,
    sample_tiles,
    save_figure,
)

RED, BLUE, GREEN = (255, 0, 0), (60, 120, 255), (40, 230, 60)


def flat(colour, side=100, count=1):
    return np.full((count, side, side, 3), colour, np.uint8)


def panel(colour, title="A title", note="A note", side=100, **options):
    return Panel(title, note, flat(colour, side), 1, **options)


def extent(on):
    """Left, top, right and bottom of the pixels that are true, half-open."""
    rows, columns = np.flatnonzero(on.any(axis=1)), np.flatnonzero(on.any(axis=0))
    return columns[0], rows[0], columns[-1] + 1, rows[-1] + 1


def test_panels_stand_side_by_side_and_every_pixel_is_kept():
    random = np.random.default_rng(0)
    tiles = random.integers(0, 256, (3, 4, 60, 60, 3), np.uint8)
    drawn = render(draw_panels([Panel("t", "n", four, 2) for four in tiles], 2, "c"))
    # A panel is 2·60 + 2 wide, beside margins of 20 and 36 between; above it are 50 of words.
    assert drawn.shape[1] == 20 + 122 + 36 + 122 + 20
    for index, (left, top) in enumerate([(20, 70), (178, 70), (20, 70 + 122 + 36 + 50)]):
        found = drawn[top : top + 122, left : left + 122]
        np.testing.assert_array_equal(found[:60, :60], tiles[index, 0])
        np.testing.assert_array_equal(found[:60, 62:], tiles[index, 1])
        np.testing.assert_array_equal(found[62:, :60], tiles[index, 2])
        assert (found[60:62] == 255).all()


def test_words_stand_above_their_panel_and_the_caption_below_all():
    def inked(*words, caption="", headings=()):
        return render(draw_panels([panel(RED, *words, headings=headings)] * 2, 2, caption))

    bare = inked("", "")
    title = (inked("Title", "") != bare).any(axis=2)
    left, top, _, bottom = extent(title[:, :120])
    assert (20 <= left < 25, top >= 20, bottom < 40) == (True, True, True)
    assert extent(title[:, 138:])[:2] == (left + 136 - 138, top)  # 100 + 36 further right
    note = (inked("", "note") != bare).any(axis=2)
    assert bottom < extent(note)[1] < extent(note)[3] < 70
    bare = inked("", "", headings=("", ""))
    headings = (inked("", "", headings=("one", "two")) != bare).any(axis=2)
    assert 70 <= extent(headings)[1] < extent(headings)[3] < 92
    # Two headings over 100 pixels: the second begins in the middle.
    assert headings[:, 20:50].any()
    assert not headings[:, 55:71].any()
    assert headings[:, 71:76].any()
    caption = (inked("", "", caption="small print") != 255).any(axis=2)
    assert caption[170:].any()


def test_a_long_caption_is_broken_within_the_page():
    short, long = (
        render(draw_panels([panel(RED, side=400)], 1, "many words " * count)) for count in (1, 40)
    )
    assert long.shape[0] > short.shape[0] + 60
    assert (long[:, -15:] == 255).all()
    assert (long[-4:] == 255).all()


def test_a_dollar_is_a_dollar():
    one, two = (render(draw_panels([panel(RED, title)], 1, "$x$")) for title in ("$a$", "a"))
    assert (one != two).any()


def test_panels_of_different_sizes_are_refused():
    with pytest.raises(ValueError, match="of one size"):
        draw_panels([panel(RED), panel(RED, side=50)], 2, "")


def test_small_samples_are_enlarged_pixel_by_pixel():
    pixels = np.random.default_rng(0).integers(0, 256, (2, 32, 32, 3), np.uint8)
    tiles = sample_tiles(pixels)
    assert tiles.shape == (2, 64, 64, 3)
    np.testing.assert_array_equal(tiles[:, 1::2, ::2], pixels)
    large = np.zeros((1, 128, 128, 3), np.uint8)
    assert sample_tiles(large).shape == large.shape


@pytest.fixture
def black():
    """Two black images of 32×32 whose originals are 64×64 and 64×32, with a true box each."""
    return ImageSet(
        np.zeros((2, 32, 32, 3), np.uint8),
        ("a", "b"),
        np.array([[64, 64], [64, 32]]),
        (np.array([[10.0, 20.0, 30.0, 50.0]]), np.array([[0.0, 0.0, 16.0, 8.0]])),
    )


def test_found_boxes_are_green_and_true_ones_blue(black):
    # In pixels of the originals: 40, 8, 60, 64 and 32, 16, 48, 32.
    boxes = np.array([[40 / 64, 8 / 64, 60 / 64, 1.0], [0.5, 0.5, 0.75, 1.0]])
    tiles = boxed_tiles(black, boxes, truth=True)
    # To 128×128: twice the first original, twice the width and four times the height of the second.
    expected = {0: {GREEN: (80, 16, 120, 128), BLUE: (20, 40, 60, 100)},
                1: {GREEN: (64, 64, 96, 128), BLUE: (0, 0, 32, 32)}}  # fmt: skip
    for index, outlines in expected.items():
        for colour, (x0, y0, x1, y1) in outlines.items():
            outline = np.zeros((128, 128), bool)
            outline[y0:y1, x0:x1] = True
            outline[y0 + 2 : y1 - 2, x0 + 2 : x1 - 2] = False
            np.testing.assert_array_equal((tiles[index] == colour).all(axis=2), outline)
    assert not (boxed_tiles(black, boxes) == BLUE).all(axis=3).any()
    assert black.pixels.max() == 0  # drawn on a copy


def test_heatmaps_are_stretched_and_smooth(black):
    heatmaps = np.zeros((2, 4, 4), np.float32)
    heatmaps[0, 1, 2] = heatmaps[1, 3, 0] = 0.5
    tiles = heatmap_tiles(heatmaps)
    assert tiles.shape == (2, 128, 128, 3)
    brightest = tiles.sum(axis=3, dtype=int).reshape(2, -1).argmax(axis=1)
    rows, columns = np.unravel_index(brightest, (128, 128))
    assert rows.tolist() == pytest.approx([47.5, 112], abs=1)  # of cells of 32 pixels
    assert columns.tolist() == pytest.approx([79.5, 0], abs=16)
    assert tiles[0, 0, 0].tolist() == [8, 8, 36]
    assert np.abs(np.diff(tiles.astype(int), axis=2)).max() < 32  # no steps between cells
    # White with nothing to see: 0.4·255 and 0.6 of the darkest colour.
    white = ImageSet(flat(255, 32, 2), black.names, black.sizes)
    assert overlay_tiles(white, heatmaps)[0, 0, 0].tolist() == [107, 107, 124]


def test_columns_are_woven_into_rows():
    woven = beside(flat(1, 2, 3), flat(2, 2, 3))
    assert woven[:, 0, 0, 0].tolist() == [1, 2] * 3


def test_the_same_figure_gives_the_same_bytes(tmp_path):
    def saved(name, note):
        save_figure(tmp_path / "new" / name, draw_panels([panel(RED, note=note)], 1, "caption"))
        return (tmp_path / "new" / name).read_bytes()

    first = saved("one.png", "MS-SSIM 0.1")
    assert saved("two.png", "MS-SSIM 0.1") == saved("one.png", "MS-SSIM 0.1") == first
    assert saved("three.png", "MS-SSIM 0.2") != first
    assert len(list((tmp_path / "new").iterdir())) == 3
    with Image.open(io.BytesIO(first)) as image:
        assert image.format == "PNG"
        assert image.info == {}  # neither a date nor a version


@pytest.mark.parametrize(("side", "levels"), [(300, 256), (400, 32), (500, None)])
def test_a_large_file_is_made_smaller_in_steps(side, levels, tmp_path):
    """Noise takes three bytes a pixel, with 32 levels a channel not quite two, and then one."""
    noise = np.random.default_rng(0).integers(0, 256, (1, side, side, 3), np.uint8)
    noise[0, :9, :9] = GREEN
    page = draw_panels([Panel("Title", "note", noise, 1)], 1, "caption")
    whole = render(page).astype(int)
    save_figure(tmp_path / "page.png", page)
    assert (tmp_path / "page.png").stat().st_size <= 400_000
    with Image.open(tmp_path / "page.png") as image:
        pixels = np.asarray(image.convert("RGB")).astype(int)
    if levels is None:
        assert len(np.unique(pixels.reshape(-1, 3), axis=0)) <= 256
    else:
        assert len(np.unique(pixels)) == levels
        assert np.abs(pixels - whole).max() <= (0 if levels == 256 else 4)  # half of 255/31


def test_without_matplotlib_one_sentence_says_what_to_install(monkeypatch, capsys, tmp_path):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    for name in ("ganloc.report.panels", "ganloc.paper.figures"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    with pytest.raises(SystemExit, match="2"):
        cli.main(["reproduce", "figure1", "--out", str(tmp_path), "--budget", "smoke"])
    assert capsys.readouterr().err == (
        "ganloc: Drawing figures needs matplotlib: pip install 'ganloc[figures]'.\n"
    )
