import numpy as np

from ganloc.box.from_heatmap import boxes_from_heatmaps
from ganloc.box.iou import iou
from ganloc.heatmap.colour_contrast import CENTRE_PRIOR_THRESHOLD, THRESHOLD, colour_contrast


def images(count=4, size=64):
    """Noisy grey-green images with a red rectangle, and its box."""
    random = np.random.default_rng(0)
    pixels = np.full((count, size, size, 3), (90, 120, 90)) + random.integers(
        -8, 9, (count, size, size, 3)
    )
    boxes = np.zeros((count, 4))
    for number in range(count):
        x, y = random.integers(size // 8, size // 3, size=2)
        width, height = random.integers(size // 3, size // 2, size=2)
        pixels[number, y : y + height, x : x + width] = (200, 40, 40)
        boxes[number] = x, y, x + width, y + height
    return pixels.astype(np.uint8), boxes


def test_a_rectangle_of_another_colour_is_boxed():
    pixels, truth = images()
    for prior, threshold in ((False, THRESHOLD), (True, CENTRE_PRIOR_THRESHOLD)):
        found = boxes_from_heatmaps(colour_contrast(pixels, prior), 64, threshold)
        assert iou(found, truth / 64).min() > 0.8


def test_a_pixel_that_matches_any_border_is_background():
    # Sky above, earth below, and a disc of a third colour that both borders lack.
    pixels = np.zeros((1, 64, 64, 3), dtype=np.uint8)
    pixels[0, :32], pixels[0, 32:] = (90, 140, 230), (110, 80, 40)
    pixels[0, 24:40, 24:40] = (240, 240, 20)
    heatmap = colour_contrast(pixels)[0]
    assert heatmap[28:36, 28:36].min() > 0.7
    assert heatmap[10:20].max() < 0.3
    assert heatmap[44:54].max() < 0.3


def test_values_lie_between_0_and_1_and_reach_both():
    heatmaps = colour_contrast(images()[0])
    np.testing.assert_allclose(heatmaps.min(axis=(1, 2)), 0, atol=1e-6)
    np.testing.assert_allclose(heatmaps.max(axis=(1, 2)), 1, atol=1e-6)


def test_an_even_image_says_nothing_and_is_no_error():
    pixels = np.full((2, 32, 32, 3), 77, dtype=np.uint8)
    heatmaps = colour_contrast(pixels)
    assert np.isfinite(heatmaps).all()
    assert boxes_from_heatmaps(heatmaps, 32, THRESHOLD).tolist() == [[0, 0, 1, 1]] * 2


def test_the_prior_weighs_by_the_distance_to_the_middle():
    pixels, _ = images(1)
    plain, weighed = colour_contrast(pixels)[0], colour_contrast(pixels, centre_prior=True)[0]
    ratio = weighed[plain > 0] / plain[plain > 0]
    y, x = np.nonzero(plain)
    squares = ((x - 31.5) / 64) ** 2 + ((y - 31.5) / 64) ** 2
    np.testing.assert_allclose(ratio, np.exp(-squares / (2 * 0.3**2)), rtol=1e-4)


def test_each_image_is_read_alone():
    pixels, _ = images(130, size=32)  # more than are read at a time
    together = colour_contrast(pixels)
    for number in (0, 1, 127, 128, 129):
        alone = colour_contrast(pixels[number : number + 1])[0]
        np.testing.assert_allclose(together[number], alone, atol=1e-6)


def test_no_images():
    assert colour_contrast(np.zeros((0, 8, 8, 3), dtype=np.uint8)).shape == (0, 8, 8)
