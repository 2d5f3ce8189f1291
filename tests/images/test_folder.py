import os
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ganloc.errors import UserError
from ganloc.images.folder import load_folder

RED, BLUE = (255, 0, 0), (0, 0, 255)


def plain(colour=(10, 200, 30), size=(8, 8)) -> Image.Image:
    return Image.new("RGB", size, colour)


def one(folder: Path, size: int = 8):
    images = load_folder(folder, size)
    assert len(images) == 1, images.skipped
    return images.pixels[0], tuple(images.sizes[0])


def test_finds_every_format_in_the_order_of_names_and_no_hidden_file(tmp_path):
    names = ["b.JPG", "a/z.png", "a/c/y.Bmp", "x.webp", "w.tif", "v.TIFF", "u.jpeg"]
    for name in [*names, ".hidden.png", ".git/no.png", "__MACOSX/no.png"]:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        plain().save(tmp_path / name)
    (tmp_path / "notes.txt").write_text("not an image")
    images = load_folder(tmp_path, 4)
    assert images.names == tuple(sorted(names))
    assert images.pixels.shape == (7, 4, 4, 3)
    assert images.skipped == ()
    assert images.truth is None
    assert np.abs(images.pixels.astype(int) - (10, 200, 30)).max() <= 8  # JPEG is not exact


def test_a_zip_gives_what_its_folder_gives(tmp_path):
    folder, packed = tmp_path / "photos", tmp_path / "photos.zip"
    folder.mkdir()
    with zipfile.ZipFile(packed, "w") as target:
        for name, colour in [("b/2.png", RED), ("a.png", BLUE), ("__MACOSX/._a.png", RED)]:
            (folder / name).parent.mkdir(exist_ok=True)
            plain(colour).save(folder / name)
            target.write(folder / name, name)
    from_folder, from_zip = load_folder(folder, 8), load_folder(packed, 8)
    assert from_zip.names == from_folder.names == ("a.png", "b/2.png")
    np.testing.assert_array_equal(from_zip.pixels, from_folder.pixels)
    assert tuple(from_zip.pixels[0, 0, 0]) == BLUE


def test_names_that_point_out_of_a_zip_are_left_out(tmp_path):
    packed = tmp_path / "photos.zip"
    plain().save(tmp_path / "a.png")
    with zipfile.ZipFile(packed, "w") as target:
        for name in ("/tmp/x.png", "//tmp/x.png", "../x.png", "b/../../x.png", "a.png"):
            target.writestr(zipfile.ZipInfo(name), (tmp_path / "a.png").read_bytes())
    assert load_folder(packed, 4).names == ("a.png",)


# Where a red top-left corner of the stored pixels is seen, by EXIF orientation (EXIF 2.32, 4.6.4).
@pytest.mark.parametrize(
    ("orientation", "row", "column", "turned"),
    [
        *[(1, 0, 0, False), (2, 0, -1, False), (3, -1, -1, False), (4, -1, 0, False)],
        *[(5, 0, 0, True), (6, 0, -1, True), (7, -1, -1, True), (8, -1, 0, True)],
    ],
)
@pytest.mark.parametrize("suffix", ["jpg", "png", "tif", "webp"])
@pytest.mark.parametrize("scale", [1, 8])  # 8: large enough for a JPEG to be decoded reduced
def test_exif_orientation(tmp_path, orientation, row, column, turned, suffix, scale):
    width, height = 64 * scale, 32 * scale
    image = plain(BLUE, (width, height))
    image.paste(RED, (0, 0, width // 2, height // 2))
    exif = Image.Exif()
    exif[0x0112] = orientation
    image.save(tmp_path / f"a.{suffix}", exif=exif)
    pixels, size = one(tmp_path)
    assert size == ((height, width) if turned else (width, height))
    is_red = pixels[..., 0] > pixels[..., 2]
    expected = np.zeros((8, 8), bool)
    expected[4 * (row == -1) :, 4 * (column == -1) :][:4, :4] = True
    np.testing.assert_array_equal(is_red, expected)


def test_16_bit_grey_ramp(tmp_path):
    ramp = np.array([[0, 257, 32896, 65535]], np.uint16)  # 257 × (0, 1, 128, 255)
    Image.fromarray(ramp).save(tmp_path / "a.png")
    Image.fromarray(ramp).save(tmp_path / "b.tif")
    pixels = load_folder(tmp_path, 4).pixels
    assert pixels[:, 0].tolist() == [[[v, v, v] for v in (0, 1, 128, 255)]] * 2


def test_12_bit_grey_in_a_16_bit_file_is_not_black(tmp_path):
    Image.fromarray(np.array([[0, 819, 4095, 4095]], np.uint16)).save(tmp_path / "a.png")
    pixels, _ = one(tmp_path, 4)
    assert pixels[0, :, 0].tolist() == [0, 51, 255, 255]  # 819 / 4095 = 1 / 5


def test_float_grey_is_stretched(tmp_path):
    Image.fromarray(np.array([[-1.0, 0.0, 1.0, np.nan]], np.float32)).save(tmp_path / "a.tif")
    pixels, _ = one(tmp_path, 4)
    assert pixels[0, :, 1].tolist() == [0, 128, 255, 128]


def test_constant_16_bit_and_float_grey_do_not_divide_by_zero(tmp_path):
    Image.fromarray(np.zeros((4, 4), np.uint16)).save(tmp_path / "a.png")
    Image.fromarray(np.full((4, 4), -2.5, np.float32)).save(tmp_path / "b.tif")
    assert load_folder(tmp_path, 4).pixels.max() == 0


def test_transparent_pixels_are_mid_grey_and_half_transparent_ones_mixed(tmp_path):
    image = Image.new("RGBA", (2, 1), (255, 0, 0, 0))
    image.putpixel((1, 0), (255, 0, 0, 128))
    image.save(tmp_path / "a.png")
    pixels, _ = one(tmp_path, 2)
    assert pixels[0, 0].tolist() == [128, 128, 128]
    np.testing.assert_allclose(pixels[0, 1], [192, 64, 64], atol=1)  # halfway from 128 to red


def test_palette_grey_bilevel_grey_alpha_and_cmyk(tmp_path):
    palette = plain(RED).convert("P", palette=Image.Palette.ADAPTIVE)
    palette.save(tmp_path / "a.png")
    palette.save(tmp_path / "b.png", transparency=palette.getpixel((0, 0)))
    Image.new("L", (8, 8), 77).save(tmp_path / "c.png")
    Image.new("1", (8, 8), 1).save(tmp_path / "d.png")
    Image.new("LA", (8, 8), (77, 255)).save(tmp_path / "e.png")
    Image.new("CMYK", (8, 8), (0, 255, 255, 0)).save(tmp_path / "f.jpg", quality=100)
    Image.new("CMYK", (8, 8), (0, 255, 255, 0)).save(tmp_path / "g.tif")
    pixels = load_folder(tmp_path, 8).pixels[:, 3, 3].astype(int)
    expected = [RED, (128,) * 3, (77,) * 3, (255,) * 3, (77,) * 3, RED, RED]
    np.testing.assert_allclose(pixels, expected, atol=3)


@pytest.mark.parametrize("name", ["a.png", "a.jpg"])
def test_a_checkerboard_of_single_pixels_becomes_mid_grey(tmp_path, name):
    board = (np.indices((256, 256)).sum(0) % 2 * 255).astype(np.uint8)
    Image.fromarray(board).save(tmp_path / name, quality=95)
    pixels, _ = one(tmp_path, 16)
    assert np.abs(pixels.astype(float) - 127.5).max() < 4


def test_squeezed_not_cropped_and_untouched_at_its_own_size(tmp_path):
    wide = plain(BLUE, (40, 10))
    wide.paste(RED, (0, 0, 20, 10))
    wide.save(tmp_path / "wide.png")
    pixels, size = one(tmp_path, 10)
    assert size == (40, 10)
    assert pixels[:, 1].tolist() == [list(RED)] * 10
    assert pixels[:, 8].tolist() == [list(BLUE)] * 10
    noise = np.random.default_rng(0).integers(0, 256, (10, 10, 3), np.uint8)
    Image.fromarray(noise).save(tmp_path / "wide.png")
    np.testing.assert_array_equal(one(tmp_path, 10)[0], noise)


def test_reduced_jpeg_decoding_displaces_less_than_a_quarter_of_a_pixel(tmp_path):
    side = 257  # decoded at 1/4, where it rounds up to 65
    y, x = np.mgrid[:side, :side]
    image = Image.fromarray(np.stack([x, y, x], axis=-1).clip(0, 255).astype(np.uint8))
    image.save(tmp_path / "a.jpg", quality=100, subsampling=0)
    image.save(tmp_path / "b.png")
    images = load_folder(tmp_path, 16)
    reduced, full = images.pixels.astype(int)
    assert images.sizes.tolist() == [[side, side]] * 2
    assert np.abs(reduced - full).max() <= 257 / 16 / 4 + 1  # the ramps rise 16 a pixel


def noise_folder(folder: Path, count: int) -> Path:
    folder.mkdir()
    rng = np.random.default_rng(1)
    for index in range(count):
        noise = rng.integers(0, 256, (12, 12, 3), np.uint8)
        Image.fromarray(noise).save(folder / f"{index}.png")
    return folder


def test_past_the_limit_the_pixels_are_a_memory_map_with_the_same_values(tmp_path):
    folder = noise_folder(tmp_path / "photos", 5)
    exact = 5 * 8 * 8 * 3
    in_memory = load_folder(folder, 8, limit_bytes=exact)
    mapped = load_folder(folder, 8, limit_bytes=exact - 1)
    assert not isinstance(in_memory.pixels, np.memmap)
    assert isinstance(mapped.pixels, np.memmap)
    np.testing.assert_array_equal(mapped.pixels, in_memory.pixels)
    assert mapped.names == in_memory.names


def test_the_memory_map_leaves_no_file_behind(tmp_path, monkeypatch):
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(scratch))
    images = load_folder(noise_folder(tmp_path / "photos", 2), 8, limit_bytes=0)
    assert isinstance(images.pixels, np.memmap)
    if os.name == "posix":
        assert list(scratch.iterdir()) == []


def test_a_full_disk_is_said_before_it_is_hit(tmp_path, monkeypatch):
    folder = noise_folder(tmp_path / "photos", 2)
    usage = type("Usage", (), {"free": 10})
    monkeypatch.setattr("shutil.disk_usage", lambda _: usage)
    with pytest.raises(UserError, match="TMPDIR"):
        load_folder(folder, 8, limit_bytes=0)


def test_order_and_content_survive_threads(tmp_path):
    count, broken = 600, (4, 256, 511)  # more than the threads are handed at a time
    for index in range(count):
        plain((index % 256, index // 256, 0), (2, 2)).save(tmp_path / f"{index:03}.png")
    for index in broken:
        (tmp_path / f"{index:03}.png").write_text("broken")
    images = load_folder(tmp_path, 2)
    kept = np.array([index for index in range(count) if index not in broken])
    np.testing.assert_array_equal(
        images.pixels[:, 0, 0], np.stack([kept % 256, kept // 256, 0 * kept], axis=1)
    )
    assert images.names == tuple(f"{index:03}.png" for index in kept)
    assert [line.split(":")[0] for line in images.skipped] == ["004.png", "256.png", "511.png"]


def test_nothing_there(tmp_path):
    with pytest.raises(UserError, match=r"No folder or zip at .*nowhere"):
        load_folder(tmp_path / "nowhere", 8)


def test_a_file_that_is_no_zip(tmp_path):
    (tmp_path / "a.txt").write_text("some text")
    with pytest.raises(UserError, match=r"a\.txt is neither a folder nor a zip"):
        load_folder(tmp_path / "a.txt", 8)


def test_no_images(tmp_path):
    (tmp_path / "notes.txt").write_text("hello")
    with pytest.raises(UserError, match=f"No images in {tmp_path}"):
        load_folder(tmp_path, 8)


def test_nothing_readable(tmp_path):
    for name in ["b.png", "a.png"]:
        (tmp_path / name).write_text("hello")
    with pytest.raises(UserError, match=r"None of the 2 image files in .*a\.png: not an image"):
        load_folder(tmp_path, 8)
