"""Drawings, one PNG an image, and heatmaps as a file."""

import zipfile

import numpy as np
import pytest
from PIL import Image

from ganloc.box.detections import Detections
from ganloc.errors import UserError
from ganloc.heatmap.heatmap_files import load_heatmaps
from ganloc.images.folder import load_folder
from ganloc.images.synthetic import draw_images
from ganloc.report.export import draw_results, write_heatmaps
from ganloc.report.grid import FOUND_BOX

SIZE = 32
# Name → size of the original, and of the drawing of one half: at most 640 along the longer side,
# else enlarged to at least 256 along the shorter one.
DRAWN = {
    "a.png": ((60, 30), (512, 256)),
    "birds/b.jpg": ((1000, 500), (640, 320)),
    "birds/far/c.png": ((300, 400), (300, 400)),
    "birds/far/thin.png": ((900, 9), (640, 6)),
    "tower.png": ((20, 100), (128, 640)),
}
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


def found_in(images, fractions=(0.25, 0.25, 0.75, 0.75)):
    """One box in the same part of every image; heat 1 in the left half, 0 in the right."""
    count, size = len(images), images.size
    heatmaps = np.zeros((count, size, size), np.float32)
    heatmaps[:, :, : size // 2] = 1.0
    return Detections(np.tile(fractions, (count, 1)), heatmaps, np.full(count, 0.5))


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
    assert files_below(out) == {f"{name}.png" for name in DRAWN}
    for name, (_, (width, height)) in DRAWN.items():
        drawn = opened(out / f"{name}.png")
        assert drawn.shape == (height, 2 * width, 3), name  # beside it under its heatmap
        # A corner has no outline: the photograph itself (JPEG is off by a little).
        np.testing.assert_allclose(drawn[0, 0].astype(int), COLOURS[name], atol=3)
        np.testing.assert_allclose(drawn[-1, width - 1].astype(int), COLOURS[name], atol=3)


def test_the_box_is_on_both_halves_where_it_belongs(photos, tmp_path):
    images = load_folder(photos, SIZE)
    draw_results(tmp_path / "out", images, found_in(images))
    drawn = opened(tmp_path / "out" / "a.png.png")
    green = (drawn == FOUND_BOX).all(axis=2)
    # Of 512 × 256, from a quarter to three quarters, 256 // 64 = 4 pixels thick.
    expected = np.zeros((256, 512), bool)
    expected[64:192, 128:384] = True
    expected[68:188, 132:380] = False
    np.testing.assert_array_equal(green[:, :512], expected)
    np.testing.assert_array_equal(green[:, 512:], expected)


def test_the_second_half_is_grey_tinted_by_the_heatmap(photos, tmp_path):
    images = load_folder(photos, SIZE)
    draw_results(tmp_path / "out", images, found_in(images))
    half = opened(tmp_path / "out" / "a.png.png")[:, 512:].astype(float)
    grey = np.mean(COLOURS["a.png"])
    # 0.4 of the grey image and 0.6 of the colours at the ends, far from the step in the middle.
    for column, end in ((0, (252, 250, 164)), (511, (8, 8, 36))):
        np.testing.assert_allclose(half[0, column], 0.4 * grey + 0.6 * np.array(end), atol=1.0)


def test_a_named_data_set_is_drawn_as_the_network_sees_it(tmp_path):
    images = draw_images(2, SIZE, seed=0)
    draw_results(tmp_path, images, found_in(images))
    assert files_below(tmp_path) == {f"{name}.png" for name in images.names}
    drawn = opened(tmp_path / f"{images.names[1]}.png")
    assert drawn.shape == (256, 512, 3)
    corner = images.pixels[1, :3, :3].mean(axis=(0, 1))
    np.testing.assert_allclose(drawn[:24, :24].mean(axis=(0, 1)), corner, atol=6.0)


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
    np.testing.assert_array_equal(squeezed[:100, :640], np.asarray(plain)[:100])
    assert sharp[:100, :640].std() > 2 * squeezed[:100, :640].std()


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
