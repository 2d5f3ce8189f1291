"""Further kinds of deep and unusual files, as other programs write them."""

import io
import struct
import sys
from importlib import import_module

import numpy as np
import pytest
import tifffile
from deep_files import (
    GREY_ALPHA,
    GREYS,
    RGB,
    RGBA,
    SCENE,
    SIDE,
    deep,
    load,
    png_16,
    shown,
    tiff,
)

from ganloc.images.archive import Unreadable
from ganloc.images.scale import Digest, Range, Scale, decide

_rng = np.random.default_rng(1)


def written(values, **options):
    file = io.BytesIO()
    tifffile.imwrite(file, values, **options)
    return file.getvalue()


@pytest.mark.parametrize("bits", [10, 12, 14, 16])
@pytest.mark.parametrize("kind", ["grey png", "png", "grey tiff", "tiff"])
@pytest.mark.parametrize("opaque", ["of the samples", "of 16 bits"])
def test_alpha_has_the_depth_of_the_samples_or_of_the_file(bits, kind, opaque, tmp_path):
    scene = GREYS if "grey" in kind else SCENE
    full = 2**bits - 1 if opaque == "of the samples" else 65535
    samples = np.concatenate([deep(scene, bits), np.full((SIDE, SIDE, 1), full, "u2")], 2)
    samples[:8, :, -1] = 0
    if kind.endswith("png"):
        data = png_16(samples, GREY_ALPHA if "grey" in kind else RGBA)
    else:
        data = tiff(samples, 1 if "grey" in kind else 2, extra=[2])
    expected = np.broadcast_to(scene, SCENE.shape).copy()
    expected[:8] = 128
    np.testing.assert_array_equal(load(tmp_path, {"a": data}).pixels[0], expected)


def test_the_alpha_of_a_model_s_images_is_kept(tmp_path):
    samples = np.concatenate([deep(GREYS, 12), np.full((SIDE, SIDE, 1), 4095, "u2")], 2)
    scale = load(tmp_path, {"a.png": png_16(samples, GREY_ALPHA)}).scale
    assert scale == Scale(Range(0.0, 4095.0, opaque=4095.0))
    assert Scale.from_dict(scale.to_dict()) == scale
    samples[..., 1] = 2048
    half = np.round((GREYS + 128) / 2)
    assert np.abs(shown(png_16(samples, GREY_ALPHA), scale) - half).max() <= 1


@pytest.mark.parametrize(("kind", "bits"), [("u1", 8), ("u2", 16), ("f4", 0)])
def test_colours_that_are_multiplied_by_their_opacity(kind, bits):
    full = 2.0**bits - 1 if bits else 1.0
    opacity = np.full((SIDE, SIDE, 1), 0.5 * full)
    for scene, options in (
        (SCENE, {"photometric": "rgb"}),
        (GREYS, {"photometric": "minisblack", "planarconfig": "contig"}),
    ):
        stored = np.concatenate([scene / 255 * full / 2, opacity], 2)
        stored = stored.astype(kind) if kind == "f4" else stored.round().astype(kind)
        data = written(stored, extrasamples=["assocalpha"], **options)
        found = shown(data, Scale(Range(0.0, 65535.0), Range(0.0, 1.0)))
        assert np.abs(found - (scene + 128) / 2).max() <= 2


def packed(values, bits, photometric):
    """A TIFF of samples that are packed to so many bits."""
    height, width, channels = values.shape
    rows = b""
    for row in values.reshape(height, -1):
        text = "".join(f"{int(value):0{bits}b}" for value in row)
        text += "0" * (-len(text) % 8)
        rows += int(text, 2).to_bytes(len(text) // 8, "big")
    rows += b"\0" * (len(rows) % 2)
    fields = [(256, width), (257, height), (258, bits), (259, 1), (262, photometric)]
    fields += [(273, 8), (277, channels), (278, height), (279, len(rows))]
    depths = struct.pack("<3H", *[bits] * 3) + b"\0\0"
    start = struct.pack("<H", len(fields))
    for tag, value in fields:
        if tag == 258 and channels == 3:
            start += struct.pack("<HHII", tag, 3, 3, 8 + len(rows))
        else:
            start += struct.pack("<HHII", tag, 4, 1, value)
    return b"II*\0" + struct.pack("<I", 16 + len(rows)) + rows + depths + start + b"\0" * 4


@pytest.mark.parametrize("bits", [1, 2, 4, 6, 10, 12, 14, 20, 24])
@pytest.mark.parametrize("photometric", [0, 1, 2])
def test_packed_samples(bits, photometric):
    if bits in (6, 10, 12, 14, 20, 24):
        pytest.importorskip("imagecodecs")
    values = deep(SCENE if photometric == 2 else GREYS, bits, "i8")
    expected = np.broadcast_to(np.round(values * 255 / (2**bits - 1)), SCENE.shape)
    stored = 2**bits - 1 - values if photometric == 0 else values
    np.testing.assert_array_equal(shown(packed(stored, bits, photometric)), expected)


def test_signed_bytes_are_no_matter_of_the_set(tmp_path):
    files = {
        "a.tif": written((GREYS[..., 0] - 128).astype("i1")),
        "b.tif": written(deep(GREYS, 12)[..., 0]),
    }
    images = load(tmp_path, files)
    np.testing.assert_array_equal(images.pixels[0][..., :1], GREYS)
    np.testing.assert_array_equal(images.pixels[1][..., :1], GREYS)
    assert images.scale == Scale(Range(0.0, 4095.0))


@pytest.mark.parametrize("written_as", ["of 16 bits", "of 8 bits"])
def test_colour_maps(written_as):
    colours = _rng.integers(0, 256, (3, 256))
    places = np.kron(_rng.integers(0, 256, (5, 5)), np.ones((8, 8), np.int64)).astype("u1")
    table = (colours * (257 if written_as == "of 16 bits" else 1)).astype("u2")
    data = written(places, photometric="palette", colormap=table)
    np.testing.assert_array_equal(shown(data), colours.T[places])


def test_the_number_for_no_value_of_a_palette_and_of_few_bits():
    colours = _rng.integers(0, 256, (3, 256)) * 257
    places = np.full((SIDE, SIDE), 3, "u1")
    places[:8] = 7
    tags = [(42113, 2, 0, "7", True)]
    data = written(places, photometric="palette", colormap=colours.astype("u2"), extratags=tags)
    found = shown(data)
    assert (found[:8] == 128).all()
    assert (found[8:] == colours[:, 3] // 257).all()


def test_channels_that_are_not_looked_at_are_told(tmp_path):
    two = np.concatenate([deep(GREYS, 12), np.zeros((SIDE, SIDE, 1), "u2")], 2)
    grey = {"photometric": "minisblack"}
    alpha = np.concatenate([GREYS, GREYS * 0 + 255], 2).astype("u1")
    files = {
        "a.tif": written(two, planarconfig="contig", **grey),
        "b.tif": written(np.moveaxis(two, 2, 0), planarconfig="separate", **grey),
        "c.tif": written((two >> 4).astype("u1"), planarconfig="contig", **grey),
        "d.tif": written(SCENE.astype("u1"), planarconfig="contig", **grey),
        "e.tif": written(alpha, planarconfig="contig", extrasamples=["unassalpha"], **grey),
        "f.tif": written(SCENE.astype("u1"), photometric="rgb"),
    }
    *_, note = load(tmp_path, files).remarks
    assert note == (
        "4 files (a.tif, b.tif, c.tif, d.tif) with further channels, which were not looked at: "
        "save the channels as images of their own, or three of them as RGB."
    )


@pytest.mark.parametrize("white", [255, 256, 1000, 1023, 4095, 65535])
@pytest.mark.parametrize("kind", [2, 3, 5, 6])
def test_pnm_of_any_white(white, kind):
    scene = SCENE if kind in (3, 6) else GREYS
    values = np.round(scene * (white / 255)).astype(np.int64)
    head = b"P%d\n# of a camera\n%d %d %d\n" % (kind, SIDE, SIDE, white)
    if kind in (2, 3):
        data = head + " ".join(map(str, values.reshape(-1).tolist())).encode()
    else:
        data = head + values.astype(">u2" if white > 255 else "u1").tobytes()
    expected = np.broadcast_to(np.round(values * (255 / white)), SCENE.shape)
    np.testing.assert_array_equal(shown(data), expected)


def test_a_camera_s_12_bits_in_any_file_of_16(tmp_path):
    values = deep(SCENE, 12)
    head = b"P6 %d %d " % (SIDE, SIDE)
    files = {
        "a.png": png_16(values, RGB),
        "b.ppm": head + b"4095\n" + values.astype(">u2").tobytes(),
        "c.ppm": head + b"65535\n" + values.astype(">u2").tobytes(),
        "d.tif": tiff(values, 2),
    }
    images = load(tmp_path, files)
    assert images.scale == Scale(Range(0.0, 4095.0))
    np.testing.assert_array_equal(images.pixels, np.stack([SCENE] * 4))


@pytest.mark.parametrize("cut", [30, 3000])
def test_a_pnm_that_was_cut_off_is_refused(cut):
    data = b"P6 %d %d 4095\n" % (SIDE, SIDE) + deep(SCENE, 12).astype(">u2").tobytes()
    with pytest.raises(Unreadable):
        shown(data[:-cut])


def test_a_volume_is_refused_in_words():
    pytest.importorskip("imagecodecs")
    cube = np.zeros((16, 16, 16), "u1")
    data = written(cube, tile=(16, 16, 16), volumetric=True)
    with pytest.raises(Unreadable, match="a TIFF of a volume"):
        shown(data)


@pytest.mark.parametrize("compression", ["webp", "zstd", "lzma"])
def test_compressions_that_pillow_may_lack(compression):
    pytest.importorskip("imagecodecs")
    options = {"compressionargs": {"lossless": True}} if compression == "webp" else {}
    data = written(SCENE.astype("u1"), photometric="rgb", compression=compression, **options)
    np.testing.assert_array_equal(shown(data), SCENE)


@pytest.mark.parametrize("number", [-1e10, 1e10, 65535.0, -28672.0, 32767.0])
def test_a_single_number_far_from_all_others_is_no_value(number):
    values = np.random.default_rng(0).uniform(280, 350, 5000).astype("f4")
    values[:2000] = number
    own = decide([Digest.of(values)]).floats
    assert own.missing == (float(np.float32(number)),)
    assert own.low >= 280


def test_an_image_is_shown_alike_alone_and_with_others_of_its_set(tmp_path):
    """A rare bright value of one image must not be taken for missing when it is localized alone."""
    known = Scale(Range(0.0, 1023.0), Range(0.0, 100.0))
    spark = np.full((SIDE, SIDE), 50.0, "f4")
    spark[3, 3] = 9000.0
    ramp = np.linspace(0, 9500, SIDE * SIDE, dtype="f4").reshape(SIDE, SIDE)
    alone, both = tmp_path / "alone", tmp_path / "both"
    alone.mkdir()
    both.mkdir()
    one = load(alone, {"a.tif": written(spark)}, scale=known)
    two = load(both, {"a.tif": written(spark), "b.tif": written(ramp)}, scale=known)
    np.testing.assert_array_equal(one.pixels[0], two.pixels[0])
    assert one.pixels[0, 3, 3, 0] == 255
    assert one.scale == two.scale == known


def test_what_is_told_of_scales_that_hold_one_number_or_a_fraction():
    assert Range(0.0, 1.0).sentence == "0 to 1 shown as 0 to 255"
    assert Range(3.5, 3.5).sentence == "all 3.5, shown as 0"


NEEDS = "a kind of TIFF that needs `pip install ganloc[tiff]`"


def shown_or_reason(data):
    try:
        return shown(data), ""
    except Unreadable as reason:
        return None, str(reason)


@pytest.mark.parametrize("package", ["tifffile", "imagecodecs"])
@pytest.mark.parametrize("options", [{"predictor": 3}, {}])
@pytest.mark.parametrize("order", ["<", ">"])
def test_without_a_package_a_tiff_is_read_rightly_or_refused(package, options, order, monkeypatch):
    pytest.importorskip("imagecodecs")
    values = (GREYS[..., 0] / 255).astype("f4")
    data = written(values, compression="zlib", byteorder=order, **options)
    monkeypatch.setitem(sys.modules, package, None)
    if package == "imagecodecs":
        fallback = import_module("tifffile._imagecodecs")
        monkeypatch.setattr(tifffile.tifffile, "imagecodecs", fallback)
    found, reason = shown_or_reason(data)
    if found is None:  # Pillow would mix up the bytes
        assert (order, reason) == (">", NEEDS)
    else:
        np.testing.assert_array_equal(found, np.broadcast_to(GREYS, SCENE.shape))


def test_without_packages_a_compression_that_pillow_lacks_is_refused_in_words(monkeypatch):
    pytest.importorskip("imagecodecs")
    data = written(SCENE.astype("u1"), photometric="rgb", compression="webp")
    monkeypatch.setitem(sys.modules, "tifffile", None)
    found, reason = shown_or_reason(data)
    assert reason == NEEDS if found is None else np.abs(found - SCENE).mean() < 30
