"""One scale for a set, whatever single images hold."""

import numpy as np
import pytest

from ganloc.images.digest import Digest
from ganloc.images.scale import Range, Scale, decide


def digest(values, kind="u2", **told):
    return Digest.of(np.array(values, kind), **told)


@pytest.mark.parametrize(
    ("peak", "white"),
    [
        *[(1, 1), (200, 255), (256, 1023), (1023, 1023), (1024, 4095), (4095, 4095)],
        *[(4096, 16383), (16384, 65535), (65535, 65535)],
    ],
)
def test_white_of_a_set_of_integers(peak, white):
    assert decide([digest([0, peak // 3]), digest([0, peak])]) == Scale(Range(0.0, float(white)))


def test_one_image_alone_near_the_end_of_a_depth_is_of_the_next():
    white = [
        decide([digest([0, peak])], alone=True).integers.high for peak in (800, 1020, 1030, 4095)
    ]
    assert white == [1023, 4095, 4095, 4095]


def test_integers_and_floats_of_one_set_have_a_range_each():
    found = decide([digest([0, 4000]), digest([-2.5, 7.5], "f4")])
    assert found == Scale(Range(0.0, 4095.0), Range(-2.5, 7.5))


@pytest.mark.parametrize(
    ("values", "low", "high"),
    [
        ([-0.5, 0.25, 2.0], -0.5, 2.0),
        ([0.1, 0.4, 0.9], 0.0, 1.0),
        ([0.1, 0.2, 0.3], 0.1, 0.3),
        ([0.0, 100.0, 3000.0], 0.0, 4095.0),  # whole numbers: counts of a camera
        ([310.0, 400.0, 499.0], 310.0, 499.0),  # whole by chance: a fifth of 10 bits
        ([280.5, 300.0, 310.0], 280.5, 310.0),
    ],
)
def test_range_of_floats(values, low, high):
    found = decide([digest(values, "f8")]).floats
    assert (found.low, found.high) == (low, high)


def test_the_deepest_tag_of_a_packed_file_counts():
    assert decide([digest([0, 100], bits=12), digest([0, 90], bits=12)]).integers.high == 4095


def test_tags_count_if_all_files_agree_and_hold_to_them():
    both = [digest([5, 90], limits=(0.0, 100.0)), digest([5, 80], limits=(0.0, 100.0))]
    assert decide(both) == Scale(Range(0.0, 100.0))
    assert decide([*both, digest([0, 101], limits=(0.0, 100.0))]) == Scale(Range(0.0, 255.0))
    assert decide([*both, digest([0, 50])]) == Scale(Range(0.0, 255.0))


def noise(count, low, high, kind="f4"):
    return np.random.default_rng(0).uniform(low, high, count).astype(kind)


@pytest.mark.parametrize("filler", [-9999.0, -999.0, -32768.0, 1e20, -3.4028235e38, 99999.0])
def test_numbers_for_no_value_are_lone_whatever_their_share(filler):
    values = noise(5000, 10.0, 20.0)
    for gaps in (1, 4000):
        holed = values.copy()
        holed[:gaps] = filler
        own = decide([Digest.of(values), Digest.of(holed)]).floats
        assert (own.low, own.high) == (values.min(), values.max())
        assert own.missing == (float(np.float32(filler)),)


def test_numbers_for_no_value_at_both_ends():
    holed = np.concatenate([noise(5000, 10.0, 20.0), [-9999.0, 1e30]])
    own = decide([Digest.of(holed.astype("f8"))]).floats
    assert own.missing == (-9999.0, 1e30)
    assert own.low == pytest.approx(10, abs=0.1)


def test_a_number_for_no_value_that_the_others_reach_is_a_value():
    own = decide([Digest.of(np.array([-9999.0, -9990.5, -9000.0, 0.0, 500.0]))]).floats
    assert own == Range(-9999.0, 500.0)


def test_an_object_of_one_brightness_is_no_missing_value():
    drawn = np.concatenate([np.full(500, 4000), np.arange(5000) % 100]).astype("u2")
    assert decide([Digest.of(drawn)]) == Scale(Range(0.0, 4095.0))
    assert decide([Digest.of(drawn.astype("f4") + 0.5)]).floats == Range(0.5, 4000.5)


def test_a_single_wild_pixel_takes_no_part():
    wild = np.concatenate([noise(5000, 10.0, 20.0), [5000.0]]).astype("f4")
    own = decide([Digest.of(wild)]).floats
    assert own.missing == (5000.0,)
    assert own.high <= 20.0


def test_a_model_s_range_is_kept_and_new_fillers_are_added():
    known = Scale(floats=Range(0.0, 50.0))
    holed = np.concatenate([noise(5000, 10.0, 20.0), [-9999.0]]).astype("f4")
    assert decide([Digest.of(holed)], known) == Scale(floats=Range(0.0, 50.0, (-9999.0,)))


def test_a_digest_of_bands_is_that_of_the_image():
    values = np.random.default_rng(0).integers(0, 9, (40, 50)).astype("u2")
    for kind in ("u2", "i4", "f4"):
        image = values.astype(kind)
        bands = [Digest.of(band, 1) for band in np.array_split(image, 7)]
        assert Digest.joined(bands) == Digest.of(image, 7)


def test_a_scale_survives_json():
    scale = Scale(Range(0.0, 4095.0), Range(-1.5, 2.5, (-9999.0,)))
    for one in (scale, Scale(), Scale(floats=Range(0.0, 1.0))):
        assert Scale.from_dict(one.to_dict()) == one


def test_numbers_beyond_a_range_are_cut_off():
    values = np.array([-1e30, -1, 0, 60, 100, 200, 1e30])
    assert Range(0.0, 100.0).to_8_bits(values).tolist() == [0, 0, 0, 153, 255, 255, 255]
    assert Range(0.0, 1.7e308).to_8_bits(np.array([0.0, 1.7e308])).tolist() == [0, 255]
