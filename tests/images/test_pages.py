"""Pages and frames: what was not looked at is told, and each can be an image."""

import io
import struct

import numpy as np
import pytest
import tifffile
from deep_files import tiff
from PIL import Image

from ganloc.errors import Notice
from ganloc.images.folder import load_folder
from ganloc.images.gather import crop_reader, read_original
from ganloc.images.source import load_images

SHADES = (40, 120, 200)
SAVE = {
    "stack.tif": {},
    "wave.png": {"disposal": 1},
    "dance.webp": {"lossless": True},
    "burst.jpg": {},
}


def frames(size=(16, 12)):
    return [Image.new("RGB", size, (shade, shade, shade)) for shade in SHADES]


def save(folder, name, **options):
    first, *others = frames()
    kind = {"jpg": "MPO", "png": "PNG", "tif": "TIFF", "webp": "WEBP"}[name.rpartition(".")[2]]
    first.save(folder / name, kind, save_all=True, append_images=others, **options)


@pytest.fixture
def photos(tmp_path):
    for name, options in SAVE.items():
        save(tmp_path, name, **options)
    Image.new("RGB", (16, 12)).save(tmp_path / "plain.png")
    return tmp_path


def test_pages_that_were_not_looked_at_are_told_in_one_line(photos):
    with pytest.warns(Notice) as told:
        images = load_images(str(photos), 8)
    assert len(images) == 5
    assert [str(line.message) for line in told] == [
        "8 further pages or frames of 4 files (burst.jpg, dance.webp, stack.tif, wave.png) were "
        "not looked at: pages=True takes each as an image."
    ]


def test_each_page_as_an_image(photos):
    images = load_folder(photos, 8, pages=True)
    several = [f"{name}#{page}" for name in sorted(SAVE) for page in (1, 2, 3)]
    assert images.names == tuple(sorted([*several, "plain.png"]))
    assert images.remarks == ()
    assert images.skipped == ()
    shades = [int(images.pixels[n, 4, 4, 0]) for n, name in enumerate(images.names) if "#" in name]
    np.testing.assert_allclose(shades, list(SHADES) * 4, atol=2)
    assert (images.sizes == [16, 12]).all()
    third = images.names.index("stack.tif#3")
    reader = crop_reader(images)
    crop = reader(np.array([third]), np.array([[0.0, 0.0, 0.5, 0.5]]))
    assert (crop == 200).all()
    assert np.asarray(read_original(images, third, 8)).max() == 200


def test_deep_pages_share_a_scale(tmp_path):
    peaks = (200, 1000, 4000)
    first, *others = [Image.fromarray(np.full((8, 8), peak, np.uint16)) for peak in peaks]
    first.save(tmp_path / "a.tif", save_all=True, append_images=others)
    images = load_folder(tmp_path, 4, pages=True)
    found = images.pixels[:, 0, 0, 0].tolist()
    assert found == [round(peak * 255 / 4095) for peak in peaks]


def test_thumbnails_and_masks_are_no_pages(tmp_path):
    first, *others = frames()
    others[0].encoderinfo = {"tiffinfo": {254: 1}}
    others[1].encoderinfo = {"tiffinfo": {254: 4}}
    first.save(tmp_path / "a.tif", save_all=True, append_images=others)
    with Image.open(tmp_path / "a.tif") as opened:
        assert opened.n_frames == 3
    images = load_folder(tmp_path, 4, pages=True)
    assert images.names == ("a.tif",)
    assert load_folder(tmp_path, 4).remarks == ()


def test_a_file_that_is_named_as_a_page_is_itself(tmp_path):
    save(tmp_path, "stack.tif")
    (tmp_path / "stack.tif").rename(tmp_path / "a#2.tif")
    Image.new("L", (4, 4), 9).save(tmp_path / "b#1.png")
    images = load_folder(tmp_path, 4, pages=True)
    assert images.names == ("a#2.tif#1", "a#2.tif#2", "a#2.tif#3", "b#1.png")
    assert images.pixels[:, 0, 0, 0].tolist() == [*SHADES, 9]


def without_adobe(image):
    """A JPEG without its Adobe marker (APP14)."""
    file = io.BytesIO()
    image.save(file, "JPEG", quality=95)
    data = file.getvalue()
    start = data.index(b"\xff\xee")
    length = int.from_bytes(data[start + 2 : start + 4], "big")
    return data[:start] + data[start + 2 + length :]


def test_cmyk_without_the_marker_is_named(tmp_path):
    image = Image.new("CMYK", (8, 8), (0, 255, 255, 0))
    (tmp_path / "bare.jpg").write_bytes(without_adobe(image))
    image.save(tmp_path / "marked.jpg")
    image.save(tmp_path / "other.tif")
    Image.new("RGB", (8, 8)).save(tmp_path / "rgb.jpg")
    (note,) = load_folder(tmp_path, 8).remarks
    assert note.startswith("1 file (bare.jpg) in CMYK without Adobe's marker")
    assert "may be inverted" in note


def test_a_deep_tiff_with_pages_that_pillow_does_not_know(tmp_path):
    data = tiff(np.full((4, 4), 0.5, "f8"))
    (tmp_path / "a.tif").write_bytes(data)
    assert load_folder(tmp_path, 4, pages=True).names == ("a.tif",)


def stack(count=6, kind="u2"):
    values = np.arange(count)[:, None, None] * 600 + np.zeros((count, 8, 8))
    return values.astype(kind)


def tiff_file(*pages):
    file = io.BytesIO()
    with tifffile.TiffWriter(file) as writer:
        for values, options in pages:
            writer.write(values, **options)
    return file.getvalue()


@pytest.mark.parametrize("kind", ["u2", "f8"])
def test_pages_of_a_tiff_that_pillow_does_not_know(kind, tmp_path):
    file = io.BytesIO()
    tifffile.imwrite(file, stack(6, kind), photometric="minisblack")
    (tmp_path / "a.tif").write_bytes(file.getvalue())
    assert any("5 further pages" in line for line in load_folder(tmp_path, 8).remarks)
    images = load_folder(tmp_path, 8, pages=True)
    assert len(images) == 6
    white = 4095 if kind == "u2" else images.scale.floats.high
    expected = [round(n * 600 * 255 / white) for n in range(6)]
    assert images.pixels[:, 0, 0, 0].tolist() == expected


def test_a_page_that_is_not_read_leaves_the_others(tmp_path):
    values = stack()
    colours = np.full((8, 8, 3), 9, "u1")
    data = tiff_file(
        (np.full((8, 8), 70, "u1"), {}),
        (values[3], {}),
        (values[3].astype("c8"), {}),
        (np.full((8, 8), 0.25, "f8"), {}),
        (colours, {"photometric": "rgb"}),
        (np.ones((8, 8), bool), {"subfiletype": 4}),
    )
    (tmp_path / "a.tif").write_bytes(data)
    assert load_folder(tmp_path, 8).pixels[0, 0, 0, 0] == 70
    images = load_folder(tmp_path, 8, pages=True)
    assert images.names == ("a.tif#1", "a.tif#2", "a.tif#4", "a.tif#5")
    assert images.skipped == ("a.tif#3: a TIFF of complex64 numbers, which is not read",)
    assert images.pixels[[0, 1, 3], 0, 0, 0].tolist() == [70, round(1800 * 255 / 4095), 9]


def test_a_thumbnail_before_the_image(tmp_path):
    small = (np.full((4, 4), 10, "u1"), {"subfiletype": 1})
    (tmp_path / "a.tif").write_bytes(tiff_file(small, (np.full((8, 8), 200, "u1"), {})))
    images = load_folder(tmp_path, 8)
    assert images.sizes.tolist() == [[8, 8]]
    assert (images.pixels == 200).all()


@pytest.mark.parametrize("kind", ["u1", "u2"])
def test_a_stack_of_imagej_with_a_single_directory(kind, tmp_path):
    file = io.BytesIO()
    values = stack() if kind == "u2" else (stack() // 16).astype("u1")
    tifffile.imwrite(file, values, imagej=True)
    data = bytearray(file.getvalue())
    with tifffile.TiffFile(io.BytesIO(bytes(data))) as opened:
        at, order = opened.pages.first.offset, opened.byteorder
    (count,) = struct.unpack(f"{order}H", data[at : at + 2])
    end = at + 2 + 12 * count
    data[end : end + 4] = b"\0" * 4  # no further directory, as for files beyond 4 GB
    (tmp_path / "a.tif").write_bytes(bytes(data))
    assert any("5 further pages" in line for line in load_folder(tmp_path, 8).remarks)
    images = load_folder(tmp_path, 8, pages=True)
    white = 4095 if kind == "u2" else 255
    expected = np.round(values[:, 0, 0].astype(int) * (255 / white))
    assert images.pixels[:, 0, 0, 0].tolist() == expected.tolist()


def test_a_ring_of_pages_ends(tmp_path):
    data = bytearray(tiff_file(*[(np.full((8, 8), 50 * n, "u1"), {}) for n in (1, 2)]))
    with tifffile.TiffFile(io.BytesIO(bytes(data))) as opened:
        first, second = (page.offset for page in opened.pages)
    (count,) = struct.unpack("<H", data[second : second + 2])
    end = second + 2 + 12 * count
    data[end : end + 4] = struct.pack("<I", first)
    (tmp_path / "a.tif").write_bytes(bytes(data))
    assert load_folder(tmp_path, 8, pages=True).pixels[:, 0, 0, 0].tolist() == [50, 100]
