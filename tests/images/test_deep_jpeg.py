"""JPEGs and JPEG 2000 of more than 8 bits."""

import sys

import numpy as np
import pytest
from deep_files import GREY, GREYS, SCENE, deep, load, png_16, shown

from ganloc.images.archive import Unreadable
from ganloc.images.scale import Range, Scale


def jpeg_2000(values, bits):
    codecs = pytest.importorskip("imagecodecs")
    return codecs.jpeg2k_encode(values, bitspersample=bits, level=0, reversible=True)


@pytest.mark.parametrize("bits", [10, 12, 16])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_jpeg_2000_of_more_than_8_bits(bits, channels):
    scene = GREYS if channels < 3 else SCENE
    values = deep(scene, bits)
    if channels in (2, 4):
        values = np.concatenate([values, np.full_like(values[..., :1], 2**bits - 1)], 2)
    data = jpeg_2000(values.squeeze(), bits)
    np.testing.assert_array_equal(shown(data), np.broadcast_to(scene, SCENE.shape))


def test_jpeg_2000_with_a_camera_s_12_bits_in_16_and_with_signs(tmp_path):
    files = {
        "a.jp2": jpeg_2000(deep(GREYS, 12)[..., 0], 16),
        "b.jp2": jpeg_2000(deep(SCENE, 12), 16),
        "c.png": png_16(deep(GREYS, 12), GREY),
    }
    images = load(tmp_path, files)
    assert images.scale == Scale(Range(0.0, 4095.0))
    for pixels, scene in zip(images.pixels, (GREYS, SCENE, GREYS), strict=True):
        np.testing.assert_array_equal(pixels, np.broadcast_to(scene, SCENE.shape))
    signed = jpeg_2000((deep(GREYS, 12, "i2") - 2048)[..., 0], 12)
    np.testing.assert_array_equal(shown(signed), np.broadcast_to(GREYS, SCENE.shape))


def test_without_imagecodecs_deep_jpeg_2000_in_colour_is_refused_in_words(monkeypatch):
    colour, grey = jpeg_2000(deep(SCENE, 12), 12), jpeg_2000(deep(GREYS, 12)[..., 0], 12)
    monkeypatch.setitem(sys.modules, "imagecodecs", None)
    with pytest.raises(Unreadable, match=r"more than 8 bits that needs `pip install ganloc\[tiff"):
        shown(colour)
    np.testing.assert_array_equal(shown(grey), np.broadcast_to(GREYS, SCENE.shape))


def test_jpegs_of_more_than_8_bits_are_refused_in_words():
    codecs = pytest.importorskip("imagecodecs")
    deep_jpeg = codecs.jpeg8_encode(deep(GREYS, 12)[..., 0], bitspersample=12)
    with pytest.raises(Unreadable, match="a JPEG of 12 bits a sample, which is not read"):
        shown(deep_jpeg)
