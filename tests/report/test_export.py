"""Drawings, one PNG an image, and heatmaps as a file."""

import zipfile
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from ganloc.box.detections import Detections
from ganloc.errors import Notice, UserError
from ganloc.heatmap.heatmap_files import load_heatmaps
from ganloc.images.folder import load_folder
from ganloc.images.image_set import ImageSet
from ganloc.images.synthetic import draw_images
from ganloc.report import export
from ganloc.report.drawing import CONTOUR
from ganloc.report.export import draw_results, write_heatmaps
from ganloc.report.grid import FOUND_BOX

SIZE = 32
# Name → size of the original, and of its drawing without caption: at most 800 along the longer
# side, else enlarged to at least 256 along the shorter one.
DRAWN = {
    "a.png": ((60, 30), (512, 256)),
    "birds/b.jpg": ((1000, 500), (800, 400)),
    "birds/far/c.png": ((300, 400), (300, 400)),
    "birds/far/thin.png": ((900, 9), (800, 8)),
    "tower.png": ((20, 100), (160, 800)),
}
CAPTION = 30  # height in pixels
SHEETS = {"contact-sheet.png"}
COLOURS = {name: (40 * i, 250 - 50 * i, 120) for i, name in enumerate(DRAWN)}


@pytest.fixture
def photos(tmp_path):
    folder = tmp_path / "photos"
    for name, (size, _) in DRAWN.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", size, COLOURS[name]).save(folder / name)
    return folder


def zipped(folder, path):
    with zipfile.ZipFile(path, "w") as archive:
        for file in folder.rglob("*.*"):
            archive.write(file, file.relative_to(folder))
    return path


def found_in(images, fractions=(0.25, 0.25, 0.75, 0.75), level=0.6):
    """One box in the same part of every image; heat 1 in the left half, 0 in the right."""
    count, size = len(images), images.size
    heatmaps = np.zeros((count, size, size), np.float32)
    heatmaps[:, :, : size // 2] = 1.0
    boxes = np.tile(fractions, (count, 1))
    return Detections.one_each(boxes, heatmaps, np.full(count, 0.5), level=level)


def files_below(folder):
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def opened(path):
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"))


@pytest.mark.parametrize("packed", [False, True], ids=["folder", "zip"])
def test_one_drawing_an_image_in_the_same_folders(photos, packed, tmp_path):
    source = zipped(photos, tmp_path / "photos.zip") if packed else photos
    images = load_folder(source, SIZE)
    out = tmp_path / "out"
    draw_results(out, images, found_in(images))
    assert files_below(out) == {f"{name}.png" for name in DRAWN} | SHEETS
    for name, (_, (width, height)) in DRAWN.items():
        drawn = opened(out / f"{name}.png")
        assert drawn.shape == (height + CAPTION, max(width, 240), 3), name
        left = (drawn.shape[1] - width) // 2
        # Where the heat is 1, the photograph itself (JPEG is off by a little); where it is 0,
        # darker.
        for column, light in ((left, 1.0), (left + width - 1, 0.72)):
            for row in (0, height - 1):
                expected = light * np.array(COLOURS[name])
                np.testing.assert_allclose(drawn[row, column], expected, atol=3)


def test_the_box_is_where_it_belongs(photos, tmp_path):
    images = load_folder(photos, SIZE)
    draw_results(tmp_path / "out", images, found_in(images))
    drawn = opened(tmp_path / "out" / "a.png.png")
    green = (drawn == FOUND_BOX).all(axis=2)
    # Of 512 × 256, from a quarter to three quarters, round(1 + 256 / 240) = 2 pixels thick.
    expected = np.zeros((256 + CAPTION, 512), bool)
    expected[64:192, 128:384] = True
    expected[66:190, 130:382] = False
    np.testing.assert_array_equal(green, expected)


@pytest.mark.parametrize("level", [0.6, 0.2])
def test_the_contour_is_where_the_mask_ends(level, photos, tmp_path):
    images = load_folder(photos, SIZE)
    found = found_in(images, fractions=(0.0, 0.0, 0.01, 0.01), level=level)
    found.heatmaps[:] = np.linspace(0.0, 1.0, SIZE)
    draw_results(tmp_path / "out", images, found)
    drawn = opened(tmp_path / "out" / "a.png.png")[200]
    nearest = abs(drawn.astype(int) - np.array(CONTOUR)).sum(axis=1).argmin()
    assert abs(nearest - level * 512) < 8


def test_a_named_data_set_is_drawn_as_the_network_sees_it(tmp_path):
    images = draw_images(2, SIZE, seed=0)
    draw_results(tmp_path, images, found_in(images))
    assert files_below(tmp_path) == {f"{name}.png" for name in images.names} | SHEETS
    drawn = opened(tmp_path / f"{images.names[1]}.png")
    assert drawn.shape == (256 + CAPTION, 256, 3)
    corner = images.pixels[1, :3, :3].mean(axis=(0, 1))
    np.testing.assert_allclose(drawn[:24, :24].mean(axis=(0, 1)), corner, atol=6.0)


def numbered(count):
    """Images whose red is their number, with scores that fall and rise."""
    pixels = np.zeros((count, SIZE, SIZE, 3), np.uint8)
    pixels[..., 0] = np.arange(count)[:, None, None] % 256
    names = tuple(f"{index:03d}.png" for index in range(count))
    images = ImageSet(pixels, names, np.full((count, 2), SIZE))
    scores = (np.arange(count) * 37 % count) / count  # a permutation, for 37 and count coprime
    found = found_in(images)
    found.heatmaps[:] = 1.0
    return images, replace(found, scores=scores)


@pytest.mark.parametrize(("count", "pages"), [(3, 1), (96, 1), (97, 2), (200, 3)])
def test_contact_sheets_show_all_images_least_sure_first(count, pages, tmp_path, monkeypatch):
    seen = []
    monkeypatch.setattr(
        export, "contact_sheet", lambda tiles, *_: seen.append(tiles) or Image.new("RGB", (1, 1))
    )
    monkeypatch.setattr(export, "captioned", lambda *_: Image.new("RGB", (1, 1)))
    images, found = numbered(count)
    draw_results(tmp_path, images, found)
    expected = {"contact-sheet.png", *(f"contact-sheet-{page}.png" for page in range(2, pages + 1))}
    assert files_below(tmp_path) == expected | {f"{name}.png" for name in images.names}
    assert len(seen) == pages
    assert max(map(len, seen)) <= 96
    tiles = [tile for page in seen for tile in page]
    assert [tile.score for tile in tiles] == sorted(found.scores)
    assert {tile.name for tile in tiles} == set(images.names)
    for tile in tiles:
        middle = np.asarray(tile.drawing)[100, 100]
        assert middle.tolist() == [int(tile.name[:3]), 0, 0]


def test_images_whose_drawings_would_share_a_name_have_each_its_own_and_it_is_told(tmp_path):
    images, found = numbered(5)
    names = ("a.jpg", "a.png", "A.jpg", "a\nb.jpg", "contact-sheet")
    images = replace(images, names=names)
    with pytest.warns(Notice, match="3 drawings have another name") as given:
        draw_results(tmp_path, images, found)
    assert len(given) == 1
    files = files_below(tmp_path)
    assert len(files) == 6
    assert {"a.jpg.png", "a.png.png", "contact-sheet.png"} < files
    reds = {int(opened(tmp_path / name)[128, 128, 0]) for name in files - SHEETS}
    assert reds == set(range(5))


def test_pngs_of_an_earlier_drawing_stay_and_are_told_of(tmp_path):
    images, found = numbered(3)
    draw_results(tmp_path, images, found)  # without a Notice
    draw_results(tmp_path, images, found)  # nor when drawn again
    (tmp_path / "boxes.json").write_text("{}")
    some = images.subset([0, 2])
    with pytest.warns(Notice, match=r"holds 1 other PNG, such as '001.png.png'"):
        draw_results(tmp_path, some, found_in(some))
    assert (tmp_path / "001.png.png").is_file()


def test_nowhere_to_write_is_said_by_name(photos, tmp_path):
    images = load_folder(photos, SIZE)
    (tmp_path / "taken").write_text("a file, not a folder")
    with pytest.raises(UserError, match="taken"):
        draw_results(tmp_path / "taken", images, found_in(images))


def test_a_zip_is_opened_once_so_that_it_may_go_once_it_is_loaded(photos, tmp_path):
    packed = zipped(photos, tmp_path / "photos.zip")
    images = load_folder(packed, SIZE)
    packed.unlink()
    draw_results(tmp_path / "out", images, found_in(images))
    draw_results(tmp_path / "expected", load_folder(photos, SIZE), found_in(images))
    for name in DRAWN:
        drawn, expected = (opened(tmp_path / each / f"{name}.png") for each in ("out", "expected"))
        np.testing.assert_array_equal(drawn, expected)


def test_photos_that_have_gone_are_drawn_as_the_network_sees_them(photos, tmp_path):
    random = np.random.default_rng(0)
    noise = Image.fromarray(random.integers(0, 256, (640, 640, 3), np.uint8))
    noise.save(photos / "a.png")
    images = load_folder(photos, SIZE)
    draw_results(tmp_path / "sharp", images, found_in(images))
    photos.rename(tmp_path / "moved")
    draw_results(tmp_path / "squeezed", images, found_in(images))
    assert files_below(tmp_path / "squeezed") == files_below(tmp_path / "sharp")
    sharp, squeezed = (opened(tmp_path / name / "a.png.png") for name in ("sharp", "squeezed"))
    assert sharp.shape == squeezed.shape
    plain = Image.fromarray(images.pixels[0]).resize((640, 640), Image.Resampling.BICUBIC)
    np.testing.assert_array_equal(squeezed[:100, :280], np.asarray(plain)[:100, :280])
    assert sharp[:100, :280].std() > 2 * squeezed[:100, :280].std()


def test_heatmaps_are_saved_with_their_reading_s_rule(photos, tmp_path):
    images = load_folder(photos, SIZE)
    found = found_in(images)
    rules = {"plain-cam": (0.2, False), "lda": (0.7, True), "student": (0.6, False)}
    for reading, rule in rules.items():
        write_heatmaps(tmp_path / "maps.npz", reading, images, found)
        saved = load_heatmaps(tmp_path / "maps.npz")
        assert (saved.reading, saved.threshold, saved.otsu) == (reading, *rule)
        assert saved.names == images.names
        np.testing.assert_array_equal(saved.sizes, images.sizes)
        np.testing.assert_array_equal(saved.heatmaps, found.heatmaps)
