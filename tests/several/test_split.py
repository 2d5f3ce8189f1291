import numpy as np

from ganloc.several.split import disc, fill_holes, split

Y, X = np.mgrid[:100, :100] + 0.5


def round_mask(x, y, a, b):
    return ((X - x) / a) ** 2 + ((Y - y) / b) ** 2 <= 1


def test_touching_discs_are_two_and_share_their_border():
    labels, radius = split((round_mask(30, 50, 12, 12) | round_mask(53, 50, 12, 12))[None])
    one, other = labels[0][50, 30], labels[0][50, 53]
    assert labels[0].max() == 2
    assert one != other
    assert (labels[0] == one)[:, :41].sum() > 0.95 * np.pi * 144
    assert not (labels[0] == one)[:, 43:].any()
    assert abs(radius - 12) < 1


def test_a_long_object_is_one():
    labels, _ = split(round_mask(50, 50, 30, 12)[None])
    assert labels[0].max() == 1


def test_specks_beside_objects_are_left_out():
    labels, _ = split((round_mask(30, 50, 15, 15) | round_mask(70, 50, 4, 4))[None])
    assert labels[0].max() == 1
    assert labels[0][50, 70] == 0


def test_no_foreground_gives_no_object():
    labels, _ = split(np.zeros((2, 50, 50), bool))
    assert not np.any(labels)


def test_small_holes_are_filled_and_bays_are_not():
    mask = np.ones((10, 10), bool)
    mask[4, 4:6] = mask[0, 0] = False
    assert fill_holes(mask, most=2.0).sum() == 99
    assert fill_holes(mask, most=1.0).sum() == 97


def test_disc():
    assert disc(3, 3).tolist() == [[False, True, False], [True] * 3, [False, True, False]] or (
        disc(3, 3).sum() in (5, 9)
    )
    assert abs(disc(40, 20).sum() - np.pi * 200) < 10
