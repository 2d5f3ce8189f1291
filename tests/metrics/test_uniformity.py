import numpy as np
import pytest

from ganloc.metrics.uniformity import uniformity


def test_agrees_with_every_pair_taken_by_numpy():
    heatmaps = np.random.default_rng(0).normal(size=(9, 4, 4)) + np.linspace(0, 2, 4)
    table = np.corrcoef(heatmaps.reshape(9, -1))
    expected = table[~np.eye(9, dtype=bool)].mean()
    assert 0.1 < expected < 0.9
    assert uniformity(heatmaps) == pytest.approx(expected, abs=1e-12)


def test_scale_and_offset_do_not_matter_and_the_sign_does():
    heatmap = np.random.default_rng(1).normal(size=(4, 4))
    assert uniformity(np.stack([heatmap, 3 * heatmap - 7])) == pytest.approx(1)
    assert uniformity(np.stack([heatmap, -heatmap])) == pytest.approx(-1)


def test_left_right_and_an_unrelated_one():
    # Correlations −1 (left and right), 0 and 0 (each with top): their mean is −1/3.
    left, right, top = np.zeros((3, 4, 4))
    left[:, :2] = right[:, 2:] = top[:2] = 1
    assert uniformity(np.stack([left, right, top])) == pytest.approx(-1 / 3)


@pytest.mark.parametrize(
    ("constants", "varying", "expected"),
    [
        (2, 0, 1.0),  # two constants are alike
        (1, 1, 0.0),  # a constant and one that varies are not
        (2, 2, 2 / 6),  # of six pairs one of constants and one of equal heatmaps
        (3, 1, 3 / 6),
    ],
)
def test_constant_heatmaps_are_alike_among_themselves(constants, varying, expected):
    heatmaps = np.full((constants + varying, 4, 4), 0.1, dtype=np.float32)
    heatmaps[:constants] *= np.arange(constants)[:, None, None]
    heatmaps[constants:, 0] = 0.3
    assert uniformity(heatmaps) == pytest.approx(expected)


def test_rounding_is_no_variation():
    heatmaps = np.full((2, 4, 4), 5.0, dtype=np.float32)
    heatmaps[0, 0, 0] = np.nextafter(np.float32(5), np.float32(6))
    heatmaps[1, 1, 1] = np.nextafter(np.float32(5), np.float32(6))
    assert uniformity(heatmaps) == 1


def test_one_heatmap_is_an_error():
    with pytest.raises(ValueError, match="at least two"):
        uniformity(np.zeros((1, 4, 4)))
