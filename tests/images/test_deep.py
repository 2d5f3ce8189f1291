"""Deep images of every kind show what an 8-bit file of the same scene shows."""

import io
import sys

import numpy as np
import pytest
import tifffile
from deep_files import GREY, GREY_ALPHA, GREYS, RGB, RGBA, SCENE, SIDE, deep, png_16, shown, tiff
from PIL import Image

from ganloc.images.archive import Unreadable
from ganloc.images.decode import decode
from ganloc.images.folder import load_folder
from ganloc.images.gather import crop_reader, read_original
from ganloc.images.scale import Range, Scale


def of_scene(data, scene=GREYS):
    """The largest difference from the scene."""
    return np.abs(shown(data) - scene).max()


@pytest.mark.parametrize("interlaced", [False, True])
@pytest.mark.parametrize("filters", [(0,), (1,), (2,), (3,), (4,), (4, 2, 3, 1, 0)])
@pytest.mark.parametrize("colour", [GREY, RGB, GREY_ALPHA, RGBA])
def test_png_of_16_bits(colour, filters, interlaced):
    scene = SCENE if colour in (RGB, RGBA) else GREYS
    samples = scene * 257
    if colour in (GREY_ALPHA, RGBA):
        samples = np.concatenate([samples, np.full_like(samples[..., :1], 65535)], axis=2)
    assert of_scene(png_16(samples, colour, filters, interlaced), scene) == 0


@pytest.mark.parametrize("bits", [8, 10, 12, 14, 16])
@pytest.mark.parametrize("kind", ["png", "tiff <", "tiff >", "tiles"])
@pytest.mark.parametrize("colour", ["grey", "RGB"])
def test_fewer_bits_in_16(bits, kind, colour, tmp_path):
    scene = GREYS if colour == "grey" else SCENE
    samples = deep(scene, bits)
    photometric = 1 if colour == "grey" else 2
    data = {
        "png": lambda: png_16(samples, GREY if colour == "grey" else RGB),
        "tiff <": lambda: tiff(samples, photometric),
        "tiff >": lambda: tiff(samples, photometric, order=">"),
        "tiles": lambda: tiff(samples, photometric, tile=16, predict=True),
    }[kind]()
    (tmp_path / f"a.{kind[:3]}").with_suffix(".png" if kind == "png" else ".tif").write_bytes(data)
    images = load_folder(tmp_path, SIDE)
    assert images.scale == Scale(Range(0.0, 2.0**bits - 1))
    np.testing.assert_array_equal(images.pixels[0], np.broadcast_to(scene, (SIDE, SIDE, 3)))


@pytest.mark.parametrize(
    ("kind", "most"),
    [
        *[("u4", 2**32 - 1), ("u4", 2**20 - 1), ("i4", 2**31 - 1), ("i2", 2**15 - 1)],
        *[("f2", 1), ("f4", 1), ("f8", 1), ("f4", 255), ("f4", 4095), ("f8", 2**32 - 1)],
    ],
)
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("white", ["max", "min"])
def test_other_types_of_numbers_and_min_is_white(kind, most, order, white):
    values = GREYS * (most / 255)
    values = values.round() if most > 1 else values
    values = most - values if white == "min" else values
    data = tiff(values.astype(kind), 0 if white == "min" else 1, order=order)
    assert of_scene(data) == 0


@pytest.mark.parametrize(
    ("bits", "compression"),
    [(1, "group4"), *[(bits, name) for bits in (1, 8) for name in (None, "lzw", "adobe_deflate")]],
)
def test_min_is_white_with_few_bits(bits, compression):
    scene = Image.fromarray(GREYS[..., 0].astype(np.uint8))
    scene = scene.convert("1", dither=Image.Dither.NONE) if bits == 1 else scene
    options = {} if compression is None else {"compression": compression.replace("lzw", "tiff_lzw")}
    options = {key: value.replace("adobe", "tiff_adobe") for key, value in options.items()}
    file = io.BytesIO()
    scene.save(file, "TIFF", tiffinfo={262: 0}, **options)
    page = tifffile.TiffFile(io.BytesIO(file.getvalue())).pages[0]
    assert page.tags[262].value == 0
    if compression in ("lzw", "group4"):
        pytest.importorskip("imagecodecs")
    stored = page.asarray().astype(int) * (255 if bits == 1 else 1)
    assert np.ptp(stored) == 255
    np.testing.assert_array_equal(shown(file.getvalue())[..., 0], 255 - stored)


def test_the_smallest_number_is_white_in_8_bits_as_in_16():
    dark = tiff((255 - GREYS).astype("u1"), 0)
    np.testing.assert_array_equal(shown(dark), np.broadcast_to(GREYS, SCENE.shape))


def test_an_alpha_channel_of_16_bits_mixes_with_mid_grey():
    samples = np.zeros((4, 4, 2), np.int64)
    samples[..., 0] = 65535
    samples[0, :, 1], samples[1, :, 1] = 65535, 32768
    for data in (png_16(samples, GREY_ALPHA), tiff(samples.astype("u2"), 1, extra=[2])):
        rows = shown(data)[:, 0, 0]
        assert rows.tolist() == [255, 192, 128, 128]  # 192: half of 255 and 128


def test_the_transparent_colour_of_a_png_of_16_bits():
    samples = np.array([[[1000], [65535]]])
    data = png_16(samples, GREY, extra=[(b"tRNS", (1000).to_bytes(2, "big"))])
    assert shown(data)[0, :, 0].tolist() == [128, 255]


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["png", "tiff"])
def test_deep_images_are_turned_as_8_bit_ones_are(orientation, kind):
    scene = SCENE[:24]
    exif = Image.Exif()
    exif[274] = orientation
    file = io.BytesIO()
    Image.fromarray(scene.astype(np.uint8)).save(file, "PNG", exif=exif)
    chunk = [(b"eXIf", exif.tobytes().removeprefix(b"Exif\0\0"))]
    data = (
        png_16(scene * 257, RGB, extra=chunk)
        if kind == "png"
        else tiff((scene * 257).astype("u2"), 2, tags=[(274, 3, [orientation])])
    )
    np.testing.assert_array_equal(shown(data), shown(file.getvalue()))
    assert decode(data, 8)[1] == decode(file.getvalue(), 8)[1]


@pytest.mark.parametrize(
    "number", [np.nan, np.inf, -np.inf, -9999.0, -99999.0, -32768.0, -3.4028235e38, 1e20]
)
@pytest.mark.parametrize("share", ["a pixel", "half"])
def test_missing_values_are_mid_grey_and_change_nothing_else(number, share, tmp_path):
    values = (GREYS / 3 + 280).astype("f4")  # degrees, say
    gaps = values.copy()
    hole = np.s_[3, 7] if share == "a pixel" else np.s_[20:]
    gaps[hole] = number
    whole, holed = tiff(values), tiff(gaps)
    there = np.ones((SIDE, SIDE), bool)
    there[hole] = False
    low, high = float(gaps[there].min()), float(gaps[there].max())
    expected = np.round((values[..., 0] - low) * (255 / (high - low)))
    assert (shown(holed)[hole] == 128).all()
    np.testing.assert_allclose(shown(holed)[there][:, 0], expected[there], atol=1)
    (tmp_path / "a.tif").write_bytes(whole)
    (tmp_path / "b.tif").write_bytes(holed)
    images = load_folder(tmp_path, SIDE)
    assert images.scale.floats.low == pytest.approx(280.0)
    assert images.scale.floats.high == pytest.approx(365.0)
    same = np.all(images.pixels[0] == images.pixels[1], axis=2)
    np.testing.assert_array_equal(same, there | (images.pixels[0][..., 0] == 128))
    assert [note for note in images.remarks if "Missing values" in note and "b.tif" in note]


@pytest.mark.parametrize("kind", ["i2", "i4"])
def test_missing_values_of_signed_integers(kind):
    values = GREYS.astype(kind) * 10
    values[0, 0] = -9999
    found = shown(tiff(values))
    assert found[0, 0].tolist() == [128] * 3
    assert np.abs(found[1:] - np.round(GREYS[1:] * (2550 / 4095))).max() <= 1


@pytest.mark.parametrize("kind", ["u1", "u2", "i2", "f4"])
def test_the_file_s_own_number_for_no_value(kind):
    values = GREYS.astype(kind).copy()
    values[values == 77] = 78
    values[8:16] = 77
    found = shown(tiff(values, tags=[(42113, 2, "77")]))
    assert (found[8:16] == 128).all()
    np.testing.assert_array_equal(found[16:, :, :1], values[16:].astype(int))


@pytest.mark.parametrize("kind", ["u2", "f4"])
def test_black_and_white_by_the_file_s_tags(kind):
    low, high = ([100], [1000]) if kind == "u2" else ([100.0], [1000.0])
    type_ = 3 if kind == "u2" else 11
    values = np.array([[[100], [325], [550]]]).astype(kind)
    data = tiff(values, tags=[(340, type_, low), (341, type_, high)])
    assert shown(data)[0, :, 0].tolist() == [0, 64, 128]  # a quarter and a half of 255


def test_tags_that_tell_each_image_s_own_maximum_are_no_scale(tmp_path):
    for name, peak in (("a", 1020), ("b", 1030)):
        data = tiff(np.array([[[0], [peak]]], "u2"), tags=[(341, 3, [peak])])
        (tmp_path / f"{name}.tif").write_bytes(data)
    assert load_folder(tmp_path, 2).scale == Scale(Range(0.0, 4095.0))


def test_depths_that_are_not_read_are_refused_in_words(tmp_path):
    Image.new("L", (4, 4)).save(tmp_path / "good.png")
    values = np.zeros((8, 8, 1), np.uint16)
    files = {
        "complex": tiff(values.astype("c8")),
        "five": tiff(np.zeros((8, 8, 5), np.uint16)),
        "lab": tiff(np.zeros((8, 8, 3), np.uint16), 8),
        "palette": tiff(values, 3),
    }
    for name, data in files.items():
        (tmp_path / f"{name}.tif").write_bytes(data)
    reasons = dict(line.split(": ", 1) for line in load_folder(tmp_path, 4).skipped)
    assert reasons == {
        "complex.tif": "a TIFF of complex64 numbers, which is not read",
        "five.tif": "5 samples a pixel that are neither grey nor RGB: save three of them as RGB",
        "lab.tif": "a Lab TIFF of 16 bits, which is not read: save it as RGB or grey",
        "palette.tif": "a palette TIFF of 16 bits, which is not read: save it as RGB or grey",
    }


def test_without_tifffile_grey_is_read_and_colour_is_refused_in_words(monkeypatch):
    monkeypatch.setitem(sys.modules, "tifffile", None)
    for kind, bits in (("u2", 16), ("u4", 32), ("i2", 15), ("i4", 31)):
        assert of_scene(tiff(deep(GREYS, bits, kind))) == 0
    assert of_scene(tiff((GREYS / 255).astype("f4"))) == 0
    with pytest.raises(Unreadable, match=r"needs `pip install ganloc\[tiff\]`"):
        shown(tiff(deep(SCENE, 16), 2))


@pytest.mark.parametrize("cut", [0.2, 0.6, 0.95])
@pytest.mark.parametrize("kind", ["png", "interlaced", "tiff", "tiles"])
def test_a_file_that_was_cut_off_is_refused(kind, cut):
    noise = np.random.default_rng(1).integers(0, 65536, (64, 64, 3))
    data = {
        "png": lambda: png_16(noise, RGB),
        "interlaced": lambda: png_16(noise, RGB, interlaced=True),
        "tiff": lambda: tiff(noise.astype("u2"), 2),
        "tiles": lambda: tiff(noise.astype("u2"), 2, tile=32),
    }[kind]()
    with pytest.raises(Unreadable):
        shown(data[: int(len(data) * cut)])


def test_frames_of_one_camera_keep_their_brightness(tmp_path):
    for name, peak in (("a", 1020), ("b", 1030), ("c", 300)):
        samples = np.round(GREYS * (peak / 255)).astype("u2")
        (tmp_path / f"{name}.png").write_bytes(png_16(samples, GREY))
    images = load_folder(tmp_path, SIDE)
    brightest = images.pixels.reshape(3, -1).max(axis=1).tolist()
    assert brightest == [round(peak * 255 / 4095) for peak in (1020, 1030, 300)]
    assert images.remarks == (
        "3 of 3 images hold integers of more than 8 bits: 0 to 4095 (12 bits) shown as 0 to 255.",
    )


def test_a_model_s_scale_is_used_and_what_lies_beyond_is_told(tmp_path):
    (tmp_path / "a.png").write_bytes(png_16(np.array([[[0], [500], [1023]]]), GREY))
    (tmp_path / "b.png").write_bytes(png_16(np.array([[[0], [500], [9000]]]), GREY))
    Image.new("L", (3, 1), 7).save(tmp_path / "c.png")
    images = load_folder(tmp_path, 3, scale=Scale(Range(0.0, 1023.0)))
    assert images.pixels[:, 0, :, 0].tolist() == [[0, 125, 255], [0, 125, 255], [7, 7, 7]]
    assert images.remarks == (
        "2 of 3 images hold integers of more than 8 bits: 0 to 1023 (10 bits) shown as 0 to 255, "
        "as in the training.",
        "Values beyond 0 to 1023 are cut off, as black or white, in 1 file (b.png).",
    )


def test_crops_and_originals_have_the_scale_of_the_set(tmp_path):
    dark = deep(GREYS, 12) // 8  # alone it would be taken for 10 bits
    (tmp_path / "dark.png").write_bytes(png_16(dark, GREY))
    (tmp_path / "light.png").write_bytes(png_16(deep(GREYS, 12), GREY))
    images = load_folder(tmp_path, SIDE)
    expected = np.round(dark[..., 0] * (255 / 4095))
    np.testing.assert_array_equal(images.pixels[0][..., 0], expected)
    reader = crop_reader(images)
    np.testing.assert_array_equal(
        reader(np.array([0]), np.array([[0.0, 0.0, 1.0, 1.0]]))[0], images.pixels[0]
    )
    np.testing.assert_array_equal(np.asarray(read_original(images, 0, SIDE)), images.pixels[0])


def test_8_bit_files_have_no_scale_and_no_notes(tmp_path):
    Image.fromarray(SCENE.astype(np.uint8)).save(tmp_path / "a.png")
    Image.fromarray(SCENE.astype(np.uint8)).save(tmp_path / "b.tif")
    images = load_folder(tmp_path, SIDE)
    assert (images.scale, images.remarks) == (None, ())
    np.testing.assert_array_equal(images.pixels, np.stack([SCENE] * 2))
