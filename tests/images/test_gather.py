"""Images decoded from an archive, and what of them can still be read afterwards."""

import io
import zipfile

import numpy as np
import pytest
from PIL import Image

from ganloc.errors import Notice
from ganloc.images.archive import open_archive
from ganloc.images.folder import load_folder
from ganloc.images.gather import crop_reader, gather, read_original
from ganloc.images.source import load_images
from ganloc.images.synthetic import draw_images
from tiny_archives import make_tiny_imagenet

WHOLE = [0.0, 0.0, 1.0, 1.0]
CORNER = [0.0, 0.0, 0.125, 0.125]
SIDES = {"a.png": 64, "b.png": 256, "c.png": 128}


def checked(side):
    """Squares of black and white, too fine to be seen in the image at 32 pixels."""
    y, x = np.mgrid[:side, :side] // 4
    return np.repeat((255 * ((x + y) % 2)).astype(np.uint8)[..., None], 3, axis=2)


def encoded(pixels, kind="png"):
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, kind)
    return file.getvalue()


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "photos").mkdir()
    for name, side in SIDES.items():
        (tmp_path / "photos" / name).write_bytes(encoded(checked(side)))
    return tmp_path / "photos"


@pytest.fixture(params=["folder", "zip"])
def photos(request, folder):
    if request.param == "folder":
        return folder
    packed = folder.with_suffix(".zip")
    with zipfile.ZipFile(packed, "w") as target:
        for name in SIDES:
            target.write(folder / name, name)
    return packed


def read(images, indices, crops):
    reader = crop_reader(images)
    assert reader is not None
    return reader(np.array(indices), np.array(crops))


def test_names_are_decoded_in_the_order_they_are_given(folder):
    images = gather(open_archive(folder), ["b.png", "gone.png", "a.png"], 16)
    assert images.names == ("b.png", "a.png")
    assert images.sizes.tolist() == [[256, 256], [64, 64]]
    assert images.skipped == ("gone.png: no such file",)
    assert images.archive is None


def test_crops_come_in_the_order_that_was_asked_for(photos):
    found = read(load_folder(photos, 32), [1, 0, 1], [CORNER, [0.5, 0.5, 1.0, 1.0], WHOLE])
    np.testing.assert_array_equal(found[0], checked(256)[:32, :32])
    np.testing.assert_array_equal(found[1], checked(64)[32:, 32:])
    np.testing.assert_array_equal(found[2], load_folder(photos, 32).pixels[1])


def test_a_subset_s_crops_are_its_own(photos):
    found = read(load_folder(photos, 32).subset([2, 1]), [1, 0], [CORNER, [0.0, 0.0, 0.25, 0.25]])
    np.testing.assert_array_equal(found[0], checked(256)[:32, :32])
    np.testing.assert_array_equal(found[1], checked(128)[:32, :32])


def test_no_crops_of_no_images(photos):
    assert read(load_folder(photos, 32), np.zeros(0, int), np.zeros((0, 4))).shape == (0, 32, 32, 3)


def test_a_zip_is_opened_once_so_that_it_may_go_once_it_is_loaded(folder):
    packed = folder.with_suffix(".zip")
    with zipfile.ZipFile(packed, "w") as target:
        target.write(folder / "b.png", "b.png")
    images = load_images(str(packed), 32)
    packed.rename(folder.parent / "moved.zip")
    np.testing.assert_array_equal(read(images, [0], [CORNER])[0], checked(256)[:32, :32])
    (folder.parent / "moved.zip").unlink()
    packed.write_bytes(b"another file of that name")
    np.testing.assert_array_equal(read(images, [0], [CORNER])[0], checked(256)[:32, :32])
    np.testing.assert_array_equal(np.asarray(read_original(images, 0, 256)), checked(256))


def test_a_file_that_has_gone_gives_a_crop_of_its_squeezed_pixels(folder):
    images = load_folder(folder, 32)
    (folder / "a.png").unlink()
    half = [0.5, 0.0, 1.0, 0.5]
    with pytest.warns(Notice, match=r"^a\.png can no longer be read \(no such file\): ") as given:
        found = read(images, [0, 2, 0], [WHOLE, WHOLE, half])
    assert len(given) == 1
    np.testing.assert_array_equal(found[:2], images.pixels[[0, 2]])
    upper_right = Image.fromarray(images.pixels[0][:16, 16:])
    expected = np.asarray(upper_right.resize((32, 32), Image.Resampling.BICUBIC))
    # Beside the cut, a bicubic resize sees what lies beyond it.
    np.testing.assert_array_equal(found[2][:28, 4:], expected[:28, 4:])


def test_a_file_that_is_another_image_by_now_gives_no_crop_of_that(folder):
    images = load_folder(folder, 32)
    (folder / "a.png").write_bytes(encoded(255 - checked(128)))  # it had 64 pixels
    reader = crop_reader(images)
    assert reader is not None
    with pytest.warns(Notice, match=r"^a\.png .* \(it is another image now\)"):
        reader(np.array([0]), np.array([WHOLE]))
    found = reader(np.array([0]), np.array([WHOLE]))  # told once
    np.testing.assert_array_equal(found[0], images.pixels[0])


def test_originals_are_read_at_the_resolution_of_their_files(photos):
    images = load_folder(photos, 32)
    for index, side in enumerate(SIDES.values()):
        np.testing.assert_array_equal(np.asarray(read_original(images, index, 8)), checked(side))


def test_an_original_jpeg_may_come_smaller(tmp_path):
    (tmp_path / "a.jpg").write_bytes(encoded(checked(256), "jpeg"))
    images = load_folder(tmp_path, 32)
    assert [read_original(images, 0, side).size for side in (64, 65)] == [(64, 64), (128, 128)]


def test_an_original_that_has_gone_is_as_the_network_sees_it(folder):
    images = load_folder(folder, 32)
    (folder / "b.png").write_text("broken since")
    np.testing.assert_array_equal(np.asarray(read_original(images, 1, 256)), images.pixels[1])


def test_sets_without_more_to_show_have_no_crops(tmp_path, monkeypatch):
    """Drawn images have no files, and Tiny ImageNet's show no more than the networks see."""
    drawn = draw_images(2, 32, seed=0)
    assert crop_reader(drawn) is None
    np.testing.assert_array_equal(np.asarray(read_original(drawn, 1, 640)), drawn.pixels[1])
    archive = make_tiny_imagenet(tmp_path / "tiny.zip", ["n02279972"], train=2, val=1)
    tiny = load_images("tiny-imagenet:n02279972", 32, archive=archive)
    assert crop_reader(tiny) is None
    np.testing.assert_array_equal(np.asarray(read_original(tiny, 0, 640)), tiny.pixels[0])
