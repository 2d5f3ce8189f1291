"""Drawn images with discs, whose boxes are known."""

import numpy as np

SIZE = 128
BACKGROUND, DISC = (60, 90, 120), (200, 150, 60)


def scene(discs, size=SIZE, background=BACKGROUND, colour=DISC):
    """An image with discs (x, y, radius) in pixels, on a background that changes slowly."""
    y, x = np.mgrid[:size, :size] + 0.5
    image = np.array(background) + 30.0 * (x / size)[..., None]
    for left, top, radius in discs:
        image[(x - left) ** 2 + (y - top) ** 2 <= radius**2] = colour
    return image.round().astype(np.uint8)


def boxes_of(discs, size=SIZE):
    """xyxy in fractions of the image."""
    rows = [(x - r, y - r, x + r, y + r) for x, y, r in discs]
    return np.array(rows, float).reshape(-1, 4).clip(0, size) / size


def random_discs(random, count, size=SIZE, radius=0.1):
    """Discs within the image that do not overlap, though some touch."""
    r, discs = radius * size, []
    while len(discs) < count:
        x, y = random.uniform(r, size - r, 2)
        if all(np.hypot(x - a, y - b) >= 2 * r for a, b, _ in discs):
            discs.append((x, y, r))
    return discs


def drawn_set(counts):
    """Images of 32 pixels with so many discs, and their boxes."""
    random = np.random.default_rng(1)
    drawn = [random_discs(random, count, radius=0.12) for count in counts]
    large = np.stack([scene(discs) for discs in drawn])
    pixels = large.reshape(len(large), 32, 4, 32, 4, 3).mean((2, 4)).round().astype(np.uint8)
    return pixels, [boxes_of(discs) for discs in drawn]
