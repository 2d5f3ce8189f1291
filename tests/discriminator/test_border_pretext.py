"""The border pretext task: which cells count, what the loss is, what it teaches and whom."""

from collections import Counter

import numpy as np
import pytest
import torch

from ganloc.discriminator.border_pretext import (
    border_pretext_loss,
    counted_cells,
    draw_window,
    inside_logits,
)
from ganloc.discriminator.networks import Discriminator
from ganloc.discriminator.reflection_padding import reflection_padded_maps

PLACES = [(top, left) for top in range(5) for left in range(5)]

# Of an image of 16 × 16 cells: "b" for its border, "i" for what lies at least 3 cells away from
# it, both along the window's edge alone.
TABLES = {
    (0, 0): """
        bbbbbbbbbbbb
        b...........
        b...........
        b..........i
        b..........i
        b..........i
        b..........i
        b..........i
        b..........i
        b..........i
        b..........i
        b..iiiiiiiii""",
    (0, 2): """
        bbbbbbbbbbbb
        ............
        ............
        ............
        ............
        ............
        ............
        ............
        ............
        ............
        ............
        .iiiiiiiiii.""",
    (1, 3): """
        ............
        ............
        i...........
        i...........
        i...........
        i...........
        i...........
        i...........
        i...........
        i...........
        i...........
        iiiiiiiiii..""",
    (2, 2): "\n".join(["." * 12] * 12),
    (4, 1): """
        ..iiiiiiiiii
        ...........i
        ...........i
        ...........i
        ...........i
        ...........i
        ...........i
        ...........i
        ...........i
        ............
        ............
        bbbbbbbbbbbb""",
}


def table_of(top, left):
    rows = np.array([list(row.strip()) for row in TABLES[top, left].split()])
    return rows == "b", rows == "i"


def new(size=32, norm="batch", width=4):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return Discriminator(size, width, norm, spectral=False, border_heads=True)


def stream(seed=0):
    return torch.Generator().manual_seed(seed)


def noise(count=3, size=32):
    return torch.rand(count, 3, size, size, generator=stream(1)) * 2.0 - 1.0


@pytest.mark.parametrize("place", TABLES)
def test_the_counted_cells_by_hand(place):
    for found, expected in zip(counted_cells(*place), table_of(*place), strict=True):
        np.testing.assert_array_equal(found.numpy(), expected)


@pytest.mark.parametrize(("top", "left"), PLACES)
def test_the_counted_cells_of_every_window(top, left):
    border, inside = (cells.numpy() for cells in counted_cells(top, left))
    for row in range(12):
        for column in range(12):
            y, x = top + row, left + column
            on_edge = row in (0, 11) or column in (0, 11)
            away = min(y, x, 15 - y, 15 - x)
            assert border[row, column] == (on_edge and away == 0)
            assert inside[row, column] == (on_edge and away >= 3)


def test_windows_are_drawn_as_often_as_they_should_and_all_hold_counted_cells():
    random, count = stream(), 4000
    drawn = Counter(draw_window(random) for _ in range(count))
    # 40 % anywhere; 60 % with the top or the left, at one end or the other. (2, 2) holds nothing.
    chance = dict.fromkeys(PLACES, 0.4 / 25)
    for end in (0, 4):
        for other in range(5):
            chance[end, other] += 0.6 / 4 / 5
            chance[other, end] += 0.6 / 4 / 5
    del chance[2, 2]
    total = sum(chance.values())
    assert drawn.keys() == chance.keys()
    assert all(any(cells.any() for cells in counted_cells(*place)) for place in drawn)
    ends, inner = {0, 4}, {1, 2, 3}
    groups = [{place} for place in chance] + [
        {place for place in chance if place[0] in rows and place[1] in columns}
        for rows in (ends, inner, {0})
        for columns in (ends, inner, {0})
    ]
    for group in groups:
        share = sum(chance[place] for place in group) / total
        deviation = (share * (1 - share) / count) ** 0.5
        found = sum(drawn[place] for place in group) / count
        assert found == pytest.approx(share, abs=4 * deviation), group


def test_a_window_follows_its_stream_alone():
    before = torch.get_rng_state()
    first = [draw_window(stream(3)) for _ in range(5)]
    assert len(set(first)) == 1
    assert torch.equal(torch.get_rng_state(), before)


def own_loss(logits, top, left):
    """−log σ of "inside" inside and −log (1 − σ) along the border, each kind's mean."""
    along_edge = np.ones((12, 12), dtype=bool)
    along_edge[1:-1, 1:-1] = False
    y, x = np.mgrid[top : top + 12, left : left + 12]
    away = np.minimum(np.minimum(y, 15 - y), np.minimum(x, 15 - x))
    border, inside = along_edge & (away == 0), along_edge & (away >= 3)
    kinds = []
    if border.any():
        kinds.append(np.log1p(np.exp(logits[:, border])).mean())
    if inside.any():
        kinds.append(np.log1p(np.exp(-logits[:, inside])).mean())
    return np.mean(kinds)


@pytest.mark.parametrize("size", [32, 64, 128, 256])
def test_the_loss_is_the_mean_of_both_kinds_cross_entropy(size):
    """Of the logits in one of the possible windows, whichever is drawn."""
    discriminator, images, cell = far_from_zero(size), noise(size=size).double(), size // 16
    expected = {}
    for top, left in set(PLACES) - {(2, 2)}:
        rows, columns = (slice(cell * at, cell * (at + 12)) for at in (top, left))
        logits = inside_logits(discriminator, images[:, :, rows, columns]).detach().numpy()
        expected[top, left] = own_loss(logits, top, left)
    drawn = set()
    for seed in range(12):
        loss = border_pretext_loss(discriminator, images, stream(seed))
        assert loss.shape == ()
        at, nearest = min(expected.items(), key=lambda own: abs(own[1] - loss.item()))
        assert loss.item() == pytest.approx(nearest, rel=1e-9)
        drawn.add(at)
    assert len(drawn) > 4
    # No two places are taken for one another, so that a window cannot be right by accident.
    assert np.diff(sorted(expected.values())).min() > 1e-6


def far_from_zero(size):
    """A discriminator in float64 with logits that vary by some units."""
    discriminator = new(size, "none", width=2).double().eval()
    with torch.no_grad():
        for weights in discriminator.parameters():
            weights.mul_(8.0 if weights.ndim > 1 else 1.0).add_(0.1 if weights.ndim == 1 else 0.0)
        logits = inside_logits(discriminator, noise(size=size).double())
    assert logits.std() > 0.1
    return discriminator


def test_the_test_s_own_loss_weighs_both_kinds_the_same_however_many_cells_they_have():
    border, inside = table_of(0, 2)
    assert (border.sum(), inside.sum()) == (12, 10)
    losses = []
    for kind in (border, inside):
        logits = np.zeros((3, 12, 12))
        logits[:, kind] = 2.0 if kind is border else -2.0  # wrong, and as much so
        losses.append(own_loss(logits, 0, 2))
    assert losses[0] == pytest.approx((np.log1p(np.exp(2.0)) + np.log(2.0)) / 2.0)
    assert losses[1] == pytest.approx(losses[0])


def test_the_stream_says_which_window():
    discriminator, images = new().eval(), noise()
    first, again = (border_pretext_loss(discriminator, images, stream(5)).item() for _ in range(2))
    others = {border_pretext_loss(discriminator, images, stream(i)).item() for i in range(6, 12)}
    assert first == again
    assert len(others) > 1


def stretched(maps, size):
    """Bilinear, between cell centres: a pixel's centre (i + ½) lies at (i + ½) · cells / size."""
    cells = maps.shape[1]
    matrix = np.zeros((size, cells))
    for pixel in range(size):
        at = min(max((pixel + 0.5) * cells / size - 0.5, 0.0), cells - 1.0)
        left = min(int(at), cells - 2)
        matrix[pixel, left] = 1.0 - (at - left)
        matrix[pixel, left + 1] = at - left
    return matrix @ maps @ matrix.T


@pytest.mark.parametrize(("size", "side", "cells"), [(32, 24, 12), (64, 64, 16), (128, 96, 12)])
def test_logits_are_the_sum_of_the_heads_at_the_finest_cells(size, side, cells):
    discriminator, images = new(size).double().eval(), noise(size=side).double()
    found = inside_logits(discriminator, images).detach().numpy()
    assert found.shape == (3, cells, cells)
    expected = np.zeros((3, cells, cells))
    blocks = zip(
        discriminator.border_heads, reflection_padded_maps(discriminator, images), strict=True
    )
    for head, maps in blocks:
        weights, (bias,) = (p.detach().numpy().ravel() for p in head.parameters())
        along = np.tensordot(weights, maps.detach().numpy(), (0, 1)) + bias
        expected += stretched(along, cells)
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("norm", ["none", "batch", "layer"])
@pytest.mark.parametrize("size", [32, 64, 128, 256])
def test_blocks_and_heads_learn_from_it_and_the_linear_unit_does_not(size, norm):
    discriminator = new(size, norm, width=2)
    border_pretext_loss(discriminator, noise(size=size), stream(2)).backward()
    for name, weights in discriminator.named_parameters():
        if name.startswith("linear"):
            assert weights.grad is None
        else:
            assert weights.grad is not None, name
            assert weights.grad.abs().max() > 0.0, name


def blobs(count, seed):
    """A large bright disc on a dark, grainy image of 32 × 32; and where its middle is."""
    random = np.random.default_rng(seed)
    centres, radii = random.uniform(13.0, 19.0, (count, 2)), random.uniform(9.0, 12.0, count)
    at = np.arange(32) + 0.5
    squares = (at[:, None] - centres[:, 0, None, None]) ** 2 + (at - centres[:, 1, None, None]) ** 2
    images = np.where(squares < radii[:, None, None] ** 2, 0.6, -0.6)[:, None]
    images = images + random.uniform(-0.3, 0.3, (count, 3, 32, 32))
    return torch.from_numpy(images).float(), centres


@pytest.mark.usefixtures("one_thread")
def test_a_tiny_discriminator_learns_what_does_not_belong_to_the_border():
    discriminator, random = new(), stream(4)
    optimiser = torch.optim.Adam(discriminator.parameters(), 0.01)
    images, _ = blobs(256, seed=0)
    held_out, centres = blobs(64, seed=1)

    def loss_on_held_out():
        discriminator.eval()
        losses = [border_pretext_loss(discriminator, held_out, stream(i)).item() for i in range(10)]
        discriminator.train()
        return np.mean(losses)

    with torch.no_grad():
        assert loss_on_held_out() > 0.9 * np.log(2.0)
    for step in range(50):
        batch = images[torch.arange(16 * step, 16 * step + 16) % 256]
        optimiser.zero_grad()
        border_pretext_loss(discriminator, batch, random).backward()
        optimiser.step()
    with torch.no_grad():
        assert loss_on_held_out() < 0.5 * np.log(2.0)
        logits = inside_logits(discriminator.eval(), held_out).numpy()
    middle = logits[np.arange(64), *(centres // 2).astype(int).T]
    corners = logits[:, [0, 0, -1, -1], [0, -1, 0, -1]]
    assert (middle[:, None] > corners).mean() > 0.95
    assert middle.mean() > 0.0 > corners.mean()
