"""Collages: instances that are known, cut out and pasted among others, so that they touch.

Label-free instances are clear where they stand alone. In a collage they touch and overlap, and
their boxes are still known (Dwibedi et al., Cut, Paste and Learn, ICCV 2017).
"""

import numpy as np

from ganloc.box.iou import iou
from ganloc.several.split import from_centre
from ganloc.several.train_finder import Lesson
from ganloc.shapes import Float, UInt8

MOST = 8  # instances that are pasted into an image
FEWEST_PIXELS = 5  # of a side of what is cut out
BESIDE = 0.5  # share of the instances that are pasted beside another
APART = (0.75, 1.05)  # distance of the centres then, in mean sides
OVERLAP = 0.35  # IoU of two boxes at most
OUT = 1 / 3  # of its side that an instance may reach out of the image


def with_collages(lesson: Lesson, each: int, seed: int) -> Lesson:
    """A lesson, and so many collages on each of its images.

    What is cut out is the ellipse in each box, with a soft edge.
    """
    random = np.random.default_rng(seed)
    size = lesson.pixels.shape[1]
    cuts = [
        (image, box)
        for image, boxes in zip(lesson.pixels, lesson.boxes, strict=True)
        for box in (boxes * size).round().astype(int)
        if (box[2:] - box[:2]).min() >= FEWEST_PIXELS and box.min() > 0 and box.max() < size
    ]
    if not cuts:
        return lesson
    pixels, boxes, unknown = list(lesson.pixels), list(lesson.boxes), list(lesson.unknown)
    for index in np.tile(np.arange(len(lesson.pixels)), each):
        shown, hidden = lesson.pixels[index].astype(np.float32), lesson.unknown[index].copy()
        placed = [*(lesson.boxes[index] * size)]
        for _ in range(random.integers(1, MOST + 1)):
            image, (x0, y0, x1, y1) = cuts[random.integers(len(cuts))]
            piece = _turned(random, image[y0:y1, x0:x1])
            box = _place(random, piece.shape[1], piece.shape[0], placed, size)
            if box is not None:
                _paste(shown, hidden, piece, box)
                placed.append(box.astype(float))
        pixels.append(shown.round().astype(np.uint8))
        boxes.append(np.array(placed).reshape(-1, 4) / size)
        unknown.append(hidden)
    return Lesson(np.stack(pixels), boxes, np.stack(unknown))


def _turned(
    random: np.random.Generator, piece: UInt8[np.ndarray, "h w 3"]
) -> UInt8[np.ndarray, "h w 3"]:
    piece = piece[:, ::-1] if random.random() < 0.5 else piece
    return piece[::-1] if random.random() < 0.5 else piece


def _place(
    random: np.random.Generator, w: int, h: int, placed: list[np.ndarray], size: int
) -> np.ndarray | None:
    """A box of this size in pixels, mostly within the image; None if it would hide another."""
    extent = np.array([w, h])
    if placed and random.random() < BESIDE:
        other = placed[random.integers(len(placed))]
        angle, apart = random.uniform(0.0, 2.0 * np.pi), random.uniform(*APART)
        reach = apart * (other[2:] - other[:2] + extent) / 2.0
        centre = (other[:2] + other[2:]) / 2.0 + reach * [np.cos(angle), np.sin(angle)]
        corner = (centre - extent / 2.0).astype(int)
    else:
        out = (OUT * extent).astype(int)
        corner = random.integers(-out, size - extent + out + 1)
    box = np.concatenate([corner, corner + extent])
    seen = box.clip(0, size)
    if (seen[2:] - seen[:2] < extent / 2.0).any():
        return None
    overlaps = iou(np.tile(box.astype(float), (len(placed), 1)), np.array(placed).reshape(-1, 4))
    return box if overlaps.max(initial=0.0) <= OVERLAP else None


def _paste(
    shown: Float[np.ndarray, "size size 3"],
    hidden: np.ndarray,
    piece: UInt8[np.ndarray, "h w 3"],
    box: np.ndarray,
) -> None:
    size, (h, w) = len(shown), piece.shape[:2]
    x0, y0, x1, y1 = box.clip(0, size)
    own = slice(y0 - box[1], y1 - box[1]), slice(x0 - box[0], x1 - box[0])
    opaque = ((1.0 - from_centre(h, w)) * min(h, w) / 4 + 0.5).clip(0.0, 1.0)[own][..., None]
    there = shown[y0:y1, x0:x1]
    there += opaque * (piece[own] - there)
    hidden[y0:y1, x0:x1] &= opaque[..., 0] < 0.5
