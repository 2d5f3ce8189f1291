"""Shift-and-mirror averaging: every shift and mirror undone, and what that buys."""

import numpy as np
import pytest
import torch
from torch.nn.functional import adaptive_avg_pool2d, interpolate

from ganloc.heatmap.shift_averaging import average_over_shifts

# Shifts of (i + ½) / steps − ½ of a cell of size / 4 pixels, rounded.
SHIFTS = {
    (32, 1): [0],
    (32, 2): [-2, 2],
    (32, 3): [-3, 0, 3],
    (32, 4): [-3, -1, 1, 3],
    (64, 2): [-4, 4],
    (64, 4): [-6, -2, 2, 6],
}
GRIDS = pytest.mark.parametrize(("size", "steps"), list(SHIFTS))


def grey(images):
    return images[:, :1]


def some_images(size, count=2):
    """Multiples of 1/128, whose sums float32 holds exactly."""
    drawn = np.random.default_rng(size).integers(-128, 129, (count, 1, size, size))
    return torch.from_numpy(drawn / 128.0).float().expand(-1, 3, -1, -1).contiguous()


@GRIDS
def test_a_heatmap_that_is_the_image_comes_back_exactly(size, steps):
    images = some_images(size)
    reach = max(SHIFTS[size, steps])
    inner = slice(reach, size - reach)
    found = average_over_shifts(grey, images, steps)
    assert found.shape == (2, 1, size, size)
    assert torch.equal(found[:, 0, inner, inner], images[:, 0, inner, inner])


@GRIDS
def test_where_a_shifted_heatmap_ends_its_edge_goes_on(size, steps):
    image = some_images(size, 1)
    total = np.zeros((size, size))
    at = np.arange(size)
    for dy in SHIFTS[size, steps]:
        for dx in SHIFTS[size, steps]:
            rows = at.clip(max(dy, 0), size - 1 + min(dy, 0))
            columns = at.clip(max(dx, 0), size - 1 + min(dx, 0))
            total += image[0, 0].numpy()[np.ix_(rows, columns)]
    found = average_over_shifts(grey, image, steps)[0, 0].numpy()
    np.testing.assert_allclose(found, total / steps**2, atol=1e-6)


@GRIDS
def test_every_view_is_read_once_with_its_mirror_image(size, steps):
    image = some_images(size, 1)
    seen = []

    def read(view):
        seen.append(view.clone())
        return grey(view)

    average_over_shifts(read, image, steps)
    assert len(seen) == 2 * steps**2
    # What moves in over the edge is the image's reflection, the edge itself not repeated.
    around = np.pad(image[0, 0].numpy(), 8, "reflect")
    expected = [
        around[8 + dy : 8 + dy + size, 8 + dx : 8 + dx + size]
        for dy in SHIFTS[size, steps]
        for dx in SHIFTS[size, steps]
    ]
    got = sorted(view[0, 0].numpy().tobytes() for view in seen)
    views = [view for one in expected for view in (one, one[:, ::-1])]
    assert got == sorted(np.ascontiguousarray(view).tobytes() for view in views)


def test_one_step_is_the_mean_of_the_plain_and_the_mirrored_reading():
    image = some_images(32, 1)
    ramp = torch.arange(32.0)  # a reading that trusts the right-hand side more

    found = average_over_shifts(lambda view: grey(view) * ramp, image, 1)[0, 0].numpy()
    plain = image[0, 0].numpy()
    # Read in the mirror, a pixel of column x gets the weight of column 31 − x: 31 / 2 on average.
    np.testing.assert_allclose(found, plain * 15.5, rtol=1e-6)


def test_a_mirrored_image_gives_the_mirrored_heatmap():
    image = some_images(32, 1)
    ramp = torch.arange(32.0)

    def read(view):  # lopsided: looks one pixel to the left, and trusts the right
        return grey(view).roll(1, dims=3) * ramp

    found = average_over_shifts(read, image, 4)
    mirrored = average_over_shifts(read, image.flip(3), 4)
    assert not torch.allclose(read(image), read(image.flip(3)).flip(3))
    torch.testing.assert_close(mirrored.flip(3), found)


def test_a_constant_stays_constant_and_heatmaps_stay_apart():
    def read(view):
        return torch.stack([torch.full_like(view[:, 0], 3.0), view[:, 1]], dim=1)

    images = torch.cat([torch.full((1, 3, 64, 64), value) for value in (0.25, -0.5)])
    found = average_over_shifts(read, images, 3)
    assert found.shape == (2, 2, 64, 64)
    assert found[:, 0].unique().tolist() == [3.0]
    assert found[0, 1].unique().tolist() == [0.25]
    assert found[1, 1].unique().tolist() == [-0.5]


def centre_of(heatmap):
    """Middle of what is above half of the range, in pixels."""
    low, high = heatmap.min(), heatmap.max()
    rows, columns = np.nonzero(heatmap > (low + high) / 2)
    return np.array([rows.mean(), columns.mean()])


@pytest.mark.parametrize("size", [32, 64])
def test_a_coarse_reading_finds_a_blob_to_less_than_a_cell(size):
    """Read through 4×4 cells, a blob seems to sit at a cell's centre; the views move the cells."""

    def read(view):
        cells = adaptive_avg_pool2d(grey(view), 4)
        return interpolate(cells, size=(size, size), mode="bilinear")

    rng = np.random.default_rng(0)
    centres = rng.uniform(0.25 * size, 0.75 * size, (40, 2))
    at = np.arange(size)
    squares = [((at - y) ** 2)[:, None] + (at - x) ** 2 for y, x in centres]
    blobs = np.stack([np.exp(-square / (2 * (size / 16) ** 2)) for square in squares])
    images = torch.from_numpy(blobs).float()[:, None].expand(-1, 3, -1, -1).contiguous()

    def error(heatmaps):
        found = np.stack([centre_of(heatmap) for heatmap in heatmaps[:, 0].numpy()])
        return np.abs(found - centres).mean() / (size / 4)  # in cells

    once, averaged = error(read(images)), error(average_over_shifts(read, images, 4))
    assert averaged < 0.5 * once
